"""SendGrid's event webhook: what became of mails. `POST /sendgrid/events`, a batch of events as a JSON list.

A permanent bounce, a spam report and an unsubscribe stop all mail to the address; `processed` and `delivered` say that
a touch is out, whatever became of the answer to its send. A block is not permanent, a deferral waits, an open decides
nothing. SendGrid repeats a batch for a day until it gets a 2xx and may repeat single events: each of these is a change
that a repeat finds made, and one bad event never refuses the others.
"""

import asyncio
import json
import secrets
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response

from gateway.body import read_body, require_type, verify_sendgrid
from gateway.deliver import Deliverer
from gateway.refusals import RefusedError
from gateway.suppression import suppress
from store import ledger
from store.database import Database

ARRIVED = frozenset({"processed", "delivered"})
STOPPED = {
    "bounce": "bounced",
    "spamreport": "complained",
    "unsubscribe": "unsubscribed",
    "group_unsubscribe": "unsubscribed",
}
LONGEST_ID = 200

_log = structlog.get_logger("gateway.sendgrid")


@dataclass(frozen=True, slots=True)
class SendGridEvents:
    """The route for SendGrid's events. Without a `public_key` every call is refused."""

    db: Database
    deliverer: Deliverer
    public_key: str

    def router(self) -> APIRouter:
        """The route; SendGrid's own format, so not part of the API description."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/sendgrid/events", self.events, methods=["POST"])
        return router

    async def events(self, request: Request) -> Response:
        """Take a batch; 204 once everything in it that matters is stored."""
        require_type(request, "application/json")
        body = await read_body(request)
        verify_sendgrid(self.public_key, request.headers, body)
        for customer in await asyncio.to_thread(self._take_all, _batch(body)):
            self.deliverer.soon(self.deliverer.attempt(customer))
        return Response(status_code=204)

    def _take_all(self, batch: list[Any]) -> set[str]:
        """Each event on its own; the customers whose workflows have something to hear."""
        return set().union(*(self._take(event) for event in batch if isinstance(event, dict)))

    def _take(self, event: dict[str, Any]) -> set[str]:
        kind = _text(event, "event")
        if kind in ARRIVED:
            ledger.arrived(self.db, _text(event, "touch"), f"SendGrid says {kind}")
        why = STOPPED.get(kind, "")
        if not why or (kind == "bounce" and event.get("type", "bounce") != "bounce"):
            return set()
        address = _text(event, "email")
        if "@" not in address:
            _log.warning("sendgrid_event_without_address", kind=kind)
            return set()
        event_id = _text(event, "sg_event_id")[:LONGEST_ID] or f"{kind}/{secrets.token_hex(8)}"
        with self.db.begin() as c:
            return suppress(c, address, why=why, source="sendgrid", event_id=event_id)


def _batch(body: bytes) -> list[Any]:
    """Read less strictly than events of our own API: one event that no database takes must not refuse the others."""
    try:
        batch = json.loads(body)
    except (ValueError, RecursionError):
        batch = None
    if not isinstance(batch, list):
        raise RefusedError("body", "is not a list of events", "send SendGrid's batch as it came", status=400)
    return batch


def _text(event: dict[str, Any], name: str) -> str:
    """A field that a database takes: NUL and half a surrogate pair, which PostgreSQL refuses, are no text."""
    value = str(event.get(name, "")).strip()
    return value if value.isprintable() else ""
