"""Speaks to the gateway from outside, as a product and as Slack do: signed events, signed presses of a button."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import httpx
from standardwebhooks import Webhook

from activities.cards import APPROVE


class NotTakenError(Exception):
    """The gateway refused what was sent; the message is its answer."""


@dataclass(frozen=True)
class Teller:
    """`webhook_secret` signs events, `press_secret` presses."""

    http: httpx.AsyncClient
    webhook_secret: str
    press_secret: str

    async def tell(self, event_id: str, body: str, at: datetime) -> bool:
        """Post an event; `at` is the real time. Repeating one is harmless; False: nobody answered, so repeat it.

        Raises:
            NotTakenError: it was answered with anything but 202.
        """
        signature = Webhook(self.webhook_secret).sign(event_id, at, body)
        headers = {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }
        answer = await self._post("/v1/events", body, headers)
        if answer is not None and answer.status_code != httpx.codes.ACCEPTED:
            raise NotTakenError(f"{event_id}: {answer.status_code} {answer.text}")
        return answer is not None

    async def approve(self, customer: str, approval: str, slack_user: str, at: datetime) -> bool:
        """Press Approve on a card, as the person with this Slack id; False: nobody answered, so press again.

        Raises:
            NotTakenError: the press was not acknowledged.
        """
        press = {
            "type": "block_actions",
            "user": {"id": slack_user},
            "container": {"message_ts": f"{customer}/{approval}"},
            "actions": [{"action_id": APPROVE, "value": f"{customer}/{approval}", "action_ts": "1"}],
        }
        body = urlencode({"payload": json.dumps(press)})
        stamp = str(int(at.timestamp()))
        digest = hmac.new(self.press_secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-slack-request-timestamp": stamp,
            "x-slack-signature": f"v0={digest}",
        }
        answer = await self._post("/slack/interactions", body, headers)
        if answer is not None and not answer.is_success:
            raise NotTakenError(f"press on {approval}: {answer.status_code} {answer.text}")
        return answer is not None

    async def _post(self, path: str, body: str, headers: dict[str, str]) -> httpx.Response | None:
        """The answer; None where there was none: the gateway may be starting again."""
        try:
            return await self.http.post(path, content=body.encode(), headers=headers)
        except httpx.TransportError:
            return None
