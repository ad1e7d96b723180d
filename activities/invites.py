"""Calendar objects for meetings: iTIP REQUEST and CANCEL (RFC 5545, 5546, 6047).

The UID comes from the meeting's touch and never changes, so a mail sent twice shows one meeting. SEQUENCE is kept in
the database. Instants are UTC: no VTIMEZONE is needed and no client can misread them. `METHOD` here must equal the
`method` parameter of the MIME part; `mime` takes it from the same `Calendar`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import icalendar

Method = Literal["REQUEST", "CANCEL"]


@dataclass(frozen=True, slots=True)
class Guest:
    """Someone at the meeting, by the name and address that others will see."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Calendar:
    """A calendar object ready to travel: its bytes (CRLF, folded at 75 octets) and the method it carries."""

    method: Method
    data: bytes


def meeting_uid(meeting_hash: str, domain: str) -> str:
    """The UID of a meeting: globally unique, the same for ever, and it tells nothing about anyone."""
    return f"{meeting_hash}@{domain}"


def calendar_object(
    method: Method,
    *,
    uid: str,
    sequence: int,
    made_at: datetime,
    starts_at: datetime,
    ends_at: datetime,
    summary: str,
    description: str,
    organizer: Guest,
    sent_by: str,
    guests: Sequence[Guest],
    url: str = "",
) -> Calendar:
    """Build the object for every guest at once.

    Args:
        method: REQUEST invites, CANCEL takes the same meeting back.
        uid: from `meeting_uid`.
        sequence: of the meeting as stored; a cancel's is higher than the request's.
        made_at: real time, UTC, in a rehearsal too: RFC 5546 tells a newer object of equal SEQUENCE by its DTSTAMP, so
            it must not go back for one UID.
        starts_at: aware; written in UTC.
        ends_at: likewise; exclusive.
        summary: one line.
        description: lines of text; empty leaves it out.
        organizer: who the answers go to.
        sent_by: the address in the mail's From, named where it is not the organizer's own.
        guests: at least one; the organizer may be among them.
        url: where it takes place, https; empty leaves it out. LOCATION is what every client shows, CONFERENCE
            (RFC 7986) what newer ones make a button of.
    """
    event = icalendar.Event()
    event.add("uid", uid)
    event.add("sequence", sequence)
    event.add("dtstamp", made_at)
    event.add("dtstart", icalendar.vDatetime(_utc(starts_at)))
    event.add("dtend", icalendar.vDatetime(_utc(ends_at)))
    event.add("summary", summary)
    if description:
        event.add("description", description)
    if url:
        event.add("location", url)
        label = f"Video meeting with {_common_name(organizer.name)}"
        event.add("conference", icalendar.Conference(url, feature="VIDEO", label=label).to_uri(), encode=False)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("organizer", _organizer(organizer, sent_by))
    for guest in guests:
        event.add("attendee", _attendee(guest, accepted=guest.email == organizer.email), encode=False)
    return Calendar(method, _wrapped(method, event))


def _wrapped(method: Method, event: icalendar.Event) -> bytes:
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//Stageplay//Stageplay 1//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _organizer(person: Guest, sent_by: str) -> icalendar.vCalAddress:
    address = icalendar.vCalAddress(f"mailto:{person.email}")
    address.params["CN"] = _common_name(person.name)
    if sent_by.lower() != person.email.lower():
        address.params["SENT-BY"] = f"mailto:{sent_by}"
    return address


def _attendee(guest: Guest, *, accepted: bool) -> icalendar.vCalAddress:
    address = icalendar.vCalAddress(f"mailto:{guest.email}")
    address.params["CN"] = _common_name(guest.name)
    address.params["CUTYPE"] = "INDIVIDUAL"
    address.params["ROLE"] = "REQ-PARTICIPANT"
    address.params["PARTSTAT"] = "ACCEPTED" if accepted else "NEEDS-ACTION"
    if not accepted:
        address.params["RSVP"] = "TRUE"
    return address


def _common_name(name: str) -> str:
    """A display name without double quotes: RFC 6868 would write them as `^'`, which old clients show as such."""
    return name.replace('"', "")
