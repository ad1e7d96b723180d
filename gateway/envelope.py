"""One shape for what arrives: our envelope `{type, id, timestamp, data}`, or a Segment call turned into one.

The id is the sender's and makes a repeat recognisable: Segment's `messageId`, our `id`, or the header `webhook-id`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway import fields
from gateway.refusals import RefusedError
from lifecycle.jsonform import digest

_GROUP_TRAITS = (
    "name",
    "tier",
    "journey",
    "touch",
    "zone",
    "country",
    "segment",
    "arr",
    "contract_ends_on",
)


@dataclass(frozen=True, slots=True)
class Inbound:
    """One event as it arrived. `source`: `api` or `segment`; with `id` it is unique. `data`: JSON, not checked yet.
    `at`: when it happened, where the sender says it: for which day it counts in what is kept by the day.
    """

    source: str
    type: str
    id: str
    data: dict[str, Any]
    at: datetime | None = None

    @property
    def body_digest(self) -> str:
        """Equal for a repeat, different for another event under the same id; when it was sent does not count."""
        return digest({"type": self.type, "data": self.data})

    def raw(self) -> dict[str, Any]:
        """The JSON form that parked and refused events are kept in."""
        at = {} if self.at is None else {"at": self.at.isoformat()}
        return {"source": self.source, "type": self.type, "id": self.id, "data": self.data} | at

    @classmethod
    def from_raw(cls, raw: dict[str, Any]) -> "Inbound":
        """Read `raw()` back."""
        at = datetime.fromisoformat(raw["at"]) if "at" in raw else None
        return cls(raw["source"], raw["type"], raw["id"], raw["data"], at)


def open_envelope(body: Any, header_id: str) -> Inbound:
    """Read a parsed body as our envelope or as a Segment call.

    Raises:
        RefusedError: a field of the envelope is absent, unknown or of the wrong kind.
    """
    envelope = fields.mapping(body, "body")
    if "messageId" in envelope:
        return _segment(envelope)
    fields.known_keys(envelope, "", ("type", "id", "timestamp", "data"))
    kind = fields.text(envelope.get("type"), "type", longest=80)
    event_id = fields.text(envelope.get("id", header_id), "id", longest=120)
    at = fields.instant(envelope["timestamp"], "timestamp") if "timestamp" in envelope else None
    return Inbound("api", kind, event_id, fields.mapping(envelope.get("data"), "data"), at)


def _segment(call: dict[str, Any]) -> Inbound:
    kind = fields.text(call.get("type"), "type", longest=80)
    event_id = fields.text(call["messageId"], "messageId", longest=120)
    if kind == "group":
        return Inbound("segment", "customer.signed_up", event_id, _from_group(call))
    if kind == "identify":
        return Inbound("segment", "contact.updated", event_id, _from_identify(call))
    if kind == "track":
        at = fields.instant(call["timestamp"], "timestamp") if "timestamp" in call else None
        return Inbound("segment", _event_name(call), event_id, _from_track(call), at)
    raise RefusedError("type", "is not a Segment call we read", "send identify, group or track")


def _from_group(call: dict[str, Any]) -> dict[str, Any]:
    """A company: traits that we know, others belong to other tools and are left alone."""
    traits = fields.mapping(call.get("traits", {}), "traits")
    known = {name: traits[name] for name in _GROUP_TRAITS if traits.get(name) is not None}
    return {"customer": {"id": call.get("groupId"), **known}}


def _from_identify(call: dict[str, Any]) -> dict[str, Any]:
    """A person at a company: without a group there is no customer to add it to, and that is said."""
    traits = fields.mapping(call.get("traits", {}), "traits")
    person = {name: traits[name] for name in ("email", "name", "roles") if traits.get(name) is not None}
    full = " ".join(part for name in ("firstName", "lastName") if isinstance(part := traits.get(name), str))
    if "name" not in person and full:
        person["name"] = full
    return {"customer": _group_of(call), "contact": person}


def _from_track(call: dict[str, Any]) -> dict[str, Any]:
    properties = fields.mapping(call.get("properties", {}), "properties")
    return {"customer": _group_of(call), **properties}


def _group_of(call: dict[str, Any]) -> str:
    context = call.get("context")
    group = context.get("groupId") if isinstance(context, dict) else None
    return fields.text(group, "context.groupId", longest=120)


def _event_name(call: dict[str, Any]) -> str:
    """`API Connected` and `api_connected` are how Segment's senders write `api.connected`."""
    return fields.text(call.get("event"), "event", longest=80).strip()


def spelled(name: str, known: Collection[str]) -> str:
    """The known event name that `name` spells in Segment's habit (`API Connected`), or `name` itself."""
    if name in known:
        return name
    flat = re.sub(r"[^a-z0-9]+", "", name.lower())
    return next((one for one in known if re.sub(r"[^a-z0-9]+", "", one) == flat), name)
