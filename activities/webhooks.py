"""Telling other systems: one signed POST as Standard Webhooks say, and what each answer means.

The id of a message is the hash of its touch and stays the same however often it is sent, so a receiver drops repeats;
that is why a message whose answer is not known is sent again. Redirects are not followed.
"""

import base64
import hmac
import http.client
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from activities.delivery import Delivery, Failed, Landing, Later, Sent, Unknown
from activities.mail import PATIENCE
from store.database import now

_BUSY = http.client.TOO_MANY_REQUESTS


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """A signed message goes where the settings say, and nowhere else."""


class Webhooks:
    """The endpoints of the settings; safe to share between threads. A way of delivering, with no rate of its own."""

    name = "webhook"
    rate = None

    def __init__(self, delivery: Delivery) -> None:
        self._endpoints = dict(delivery.webhooks)
        self._secret = delivery.webhook_secret
        self._timeout = delivery.timeout
        self._opener = build_opener(_NoRedirect)
        self.lease = delivery.lease

    def knows(self, endpoint: str) -> bool:
        """Whether an endpoint is set up; otherwise what goes to it stays in the outbox."""
        return endpoint in self._endpoints

    def send(self, endpoint: str, message_id: str, body: bytes) -> Landing:
        """Send one message once; never tried again here."""
        headers = {"content-type": "application/json", **signed(self._secret, message_id, now(), body)}
        request = Request(self._endpoints[endpoint], data=body, headers=headers, method="POST")  # noqa: S310 - settings allow http(s) only
        try:
            with self._opener.open(request, timeout=self._timeout):
                return Sent(message_id)
        except HTTPError as error:
            return _refusal(endpoint, error.code)
        except URLError as error:
            return Later(PATIENCE, f"{endpoint} cannot be reached ({type(error.reason).__name__})")
        except (OSError, http.client.HTTPException) as error:
            return Unknown(f"{endpoint} did not answer ({type(error).__name__})", PATIENCE)


def _refusal(endpoint: str, status: int) -> Landing:
    if status == _BUSY or status >= http.client.INTERNAL_SERVER_ERROR:
        return Later(PATIENCE, f"{endpoint} answered {status}")
    return Failed(f"{endpoint} refused the message ({status})")


def payload(event: str, customer: str, at: datetime, data: Mapping[str, Any]) -> bytes:
    """The body of a message. `customer`: the id by which other systems know it."""
    found = {"type": event, "timestamp": at.isoformat(), "data": {"customer": customer, **data}}
    return json.dumps(found, separators=(",", ":")).encode()


def signed(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that a receiver checks."""
    stamp = str(int(at.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mark = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, "sha256")
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mark).decode(),
    }
