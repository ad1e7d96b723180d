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

    async def tell(self, event_id: str, body: str, at: datetime) -> None:
        """Post an event; `at` is the real time. Repeating one is harmless.

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
        answer = await self.http.post("/v1/events", content=body.encode(), headers=headers)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise NotTakenError(f"{event_id}: {answer.status_code} {answer.text}")

    async def approve(self, customer: str, approval: str, slack_user: str, at: datetime) -> None:
        """Press Approve on a card, as the person with this Slack id.

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
        answer = await self.http.post("/slack/interactions", content=body.encode(), headers=headers)
        if not answer.is_success:
            raise NotTakenError(f"press on {approval}: {answer.status_code} {answer.text}")
