"""Sending through SendGrid, and what each of its answers means.

SendGrid takes no idempotency key, so the moment of doubt matters: before the whole request has left nothing was sent
(`Later`); after it, without an answer, nobody knows (`Unknown`). urllib tells the two apart: what happens while
connecting and writing is a `URLError`, what happens while waiting for the answer is not. 500 and 503 are SendGrid's
own refusals; 408, 502, 504 and what other proxies say (52x) come from in between, after the request had left.
"""

import http.client
import json
from datetime import timedelta
from typing import Any
from urllib.error import URLError

from python_http_client.exceptions import HTTPError
from sendgrid import SendGridAPIClient

from activities.delivery import Delivery, Failed, Landing, Later, Sent, Unknown
from activities.mime import Mail, to_sendgrid
from store.database import now

PATIENCE = timedelta(seconds=60)
"""How long to wait where the provider does not say."""
LONGEST = timedelta(hours=1)
_BUSY = frozenset({425, 429, 500, 503})
_TAKEN = frozenset({200, 202})
"""202 is a live mail, 200 a valid one in SendGrid's sandbox mode."""


class SendGrid:
    """A client of one account; safe to share between threads."""

    def __init__(self, delivery: Delivery) -> None:
        self._client = SendGridAPIClient(delivery.sendgrid_key, host=delivery.sendgrid_url)
        self._client.client.timeout = delivery.timeout

    def send(self, mail: Mail) -> Landing:
        """Send one mail once; never tried again here."""
        try:
            response = self._client.client.mail.send.post(request_body=to_sendgrid(mail))
        except HTTPError as error:
            return _refusal(error)
        except URLError as error:
            return Later(PATIENCE, f"SendGrid cannot be reached ({type(error.reason).__name__})")
        except (OSError, http.client.HTTPException) as error:
            return Unknown(f"SendGrid did not answer ({type(error).__name__})")
        if response.status_code not in _TAKEN:
            return Unknown(f"SendGrid answered {response.status_code}, which it does not document")
        return Sent(str(response.headers.get("X-Message-Id", "")))


def _refusal(error: Any) -> Landing:
    status: int = error.status_code
    if status in _BUSY:
        return Later(wait_of(error.headers), f"SendGrid answered {status}")
    if status == http.client.REQUEST_TIMEOUT or status > http.client.INTERNAL_SERVER_ERROR:
        return Unknown(f"something between us and SendGrid answered {status}")
    return Failed(f"SendGrid refused the mail ({status}): {_complaints(error.body)}")


def wait_of(headers: Any) -> timedelta:
    """How long a provider asks us to wait: `X-RateLimit-Reset` (epoch seconds), `Retry-After` (seconds), or our own
    patience; between a second and an hour.
    """
    for name, base in (("X-RateLimit-Reset", now().timestamp()), ("Retry-After", 0.0)):
        try:
            seconds = float(headers.get(name)) - base
        except (TypeError, ValueError):
            continue
        return min(max(timedelta(seconds=seconds), timedelta(seconds=1)), LONGEST)
    return PATIENCE


def _complaints(body: Any) -> str:
    """SendGrid's own words, by field; they name fields of our request, not people."""
    try:
        errors = json.loads(body)["errors"]
        said = "; ".join(f"{error.get('field') or 'request'}: {error['message']}" for error in errors)
    except (ValueError, TypeError, KeyError, AttributeError):
        said = "no reason given"
    return said[:300]
