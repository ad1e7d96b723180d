"""Posting to Slack, finding a message again whose answer was lost, and what each of Slack's answers means.

The SDK's own resend is off: it would post twice what was accepted just before a connection broke. Every message
carries its touch's hash as metadata, so that Slack itself can be asked whether it arrived. Asked it is after every
answer that does not rule it out: Slack says of `fatal_error` that some of the work may have been done, and a 5xx may
come from a proxy. A teammate's channel is the direct conversation with them, opened by their user id.
"""

import http.client
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.error import URLError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from activities.cards import Card, escape
from activities.delivery import Delivery, Failed, Landing, Later, Sent, Unknown
from activities.mail import PATIENCE, wait_of

EVENT_TYPE = "stageplay_touch"
_BUSY = frozenset({"ratelimited", "rate_limited"})
_DOUBTFUL = frozenset({"fatal_error", "internal_error", "service_unavailable"})
_PAGES = 5
"""How many pages of a conversation are read in search of a message; 200 messages each."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Where a message stands: conversation and timestamp, for `chat.update`."""

    channel: str
    ts: str

    def text(self) -> str:
        return f"{self.channel}/{self.ts}"

    @staticmethod
    def read(text: str) -> "Ref":
        channel, _, ts = text.partition("/")
        return Ref(channel, ts)


class Slack:
    """A client of one workspace; safe to share between threads."""

    def __init__(self, delivery: Delivery) -> None:
        self._client = WebClient(
            token=delivery.slack_token, base_url=delivery.slack_url, timeout=_seconds(delivery), retry_handlers=[]
        )

    def post(self, user: str, card: Card, touch_hash: str) -> Landing:
        """Post a card to a person once. `Sent.ref` is `Ref.text()`."""
        return _landing(
            lambda: self._client.chat_postMessage(
                channel=user,
                metadata={"event_type": EVENT_TYPE, "event_payload": {"touch": touch_hash}},
                link_names=False,
                unfurl_links=False,
                unfurl_media=False,
                **_content(card),
            )
        )

    def update(self, ref: Ref, card: Card) -> Landing:
        """Replace a message. Saying it twice changes nothing, so a lost answer is `Later`; a message that somebody
        deleted needs no update and counts as done.
        """
        landing = _landing(lambda: self._client.chat_update(channel=ref.channel, ts=ref.ts, **_content(card)))
        match landing:
            case Unknown(reason=reason):
                return Later(PATIENCE, reason)
            case Failed(reason) if "message_not_found" in reason:
                return Sent(ref.text())
            case _:
                return landing

    def find(self, user: str, touch_hash: str, since: datetime) -> Ref | Landing | None:
        """The message of a touch in the conversation with a person, None if it surely is not there.

        Any other landing says why Slack could not tell: `Later` ask again, `Unknown` it has too much to search.
        """
        found: list[Ref] = []
        searched = False

        def ask() -> Any:
            nonlocal searched
            channel = str(self._client.conversations_open(users=user)["channel"]["id"])
            cursor = ""
            for _ in range(_PAGES):
                page: Any = self._client.conversations_history(
                    channel=channel,
                    include_all_metadata=True,
                    oldest=f"{since.timestamp():.6f}",
                    limit=200,
                    cursor=cursor or None,
                )
                found.extend(
                    Ref(channel, message["ts"]) for message in page["messages"] if _touch(message) == touch_hash
                )
                cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
                searched = not cursor
                if found or searched:
                    break
            return {"channel": channel, "ts": ""}

        landing = _landing(ask)
        match landing:
            case Unknown(reason=reason):
                return Later(PATIENCE, reason)  # a question that is simply asked again
            case Sent() if found:
                return found[0]
            case Sent() if searched:
                return None
            case Sent():
                return Unknown("the conversation has more messages than are searched")
            case _:
                return landing


def _touch(message: Any) -> str:
    metadata = message.get("metadata") or {}
    return str((metadata.get("event_payload") or {}).get("touch", ""))


def _content(card: Card) -> dict[str, Any]:
    """Blocks are escaped where they are made; the text beside them, for notifications, is mrkdwn to Slack, too."""
    return {"text": escape(card.text), "blocks": list(card.blocks), "parse": "none"}


def _seconds(delivery: Delivery) -> int:
    return max(1, int(delivery.timeout))


def _landing(call: Any) -> Landing:
    """Run one call of the SDK and say what its answer means."""
    try:
        response = call()
    except SlackApiError as error:
        return _refusal(error.response)
    except URLError as error:
        return Later(PATIENCE, f"Slack cannot be reached ({type(error.reason).__name__})")
    except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
        return Unknown(f"Slack did not answer ({type(error).__name__})", PATIENCE)
    return Sent(Ref(str(response["channel"]), str(response["ts"])).text())


def _refusal(response: Any) -> Landing:
    status: int = response.status_code
    said = str(response.get("error", "") if isinstance(response.data, dict) else "")
    if status == http.client.TOO_MANY_REQUESTS or said in _BUSY:
        return Later(wait_of(response.headers), f"Slack answered {said if said in _BUSY else status}")
    if status >= http.client.INTERNAL_SERVER_ERROR or said in _DOUBTFUL:
        return Unknown(f"Slack answered {said if said in _DOUBTFUL else status}", PATIENCE)
    if " " in said:  # the SDK's own sentence about an answer that is not JSON
        return Unknown("Slack gave an answer that cannot be read", PATIENCE)
    return Failed(f"Slack refused the message: {said or status}")


def since_of(lease_until: datetime, lease: timedelta) -> datetime:
    """From when on a message of a reservation can stand in Slack, with room for clocks that differ."""
    return lease_until - lease - timedelta(minutes=10)
