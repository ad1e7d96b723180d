"""Calendar objects as another parser reads them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import icalendar
import pytest

from activities.invites import Calendar, Guest, calendar_object, meeting_uid

AT = datetime(2026, 3, 3, 10, tzinfo=timezone(timedelta(hours=1)))
MARA = Guest("Mara Berg", "mara@stageplay.example.com")
ADA = Guest("Ada Lovelace", "ada@acme.example.com")


def make(**changes: Any) -> Calendar:
    values: dict[str, Any] = {
        "method": "REQUEST",
        "uid": meeting_uid("ab" * 16, "stageplay.example.com"),
        "sequence": 0,
        "made_at": datetime(2026, 3, 2, 8, tzinfo=UTC),
        "starts_at": AT,
        "ends_at": AT + timedelta(hours=1),
        "summary": "Kick-off; Acme, and more",
        "description": "First line\nSecond: ä, ö; ü \\ done " * 9,
        "organizer": MARA,
        "sent_by": "success@stageplay.example.com",
        "guests": (ADA, MARA),
    }
    values.update(changes)
    return calendar_object(values.pop("method"), **values)


def event_of(calendar: Calendar) -> Any:
    (event,) = icalendar.Calendar.from_ical(calendar.data.decode()).walk("VEVENT")
    return event


def test_a_request_has_what_clients_need() -> None:
    calendar = make()
    parsed = icalendar.Calendar.from_ical(calendar.data.decode())
    event = event_of(calendar)
    assert (str(parsed["METHOD"]), str(parsed["VERSION"]), "PRODID" in parsed) == ("REQUEST", "2.0", True)
    assert event["UID"] == f"{'ab' * 16}@stageplay.example.com"
    assert (event["SEQUENCE"], event["STATUS"]) == (0, "CONFIRMED")
    assert event.decoded("DTSTAMP") == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert event["SUMMARY"] == "Kick-off; Acme, and more"
    assert event["DESCRIPTION"].startswith("First line\nSecond: ä, ö; ü \\ done")


def test_times_are_utc_so_that_no_client_needs_a_zone() -> None:
    lines = make().data.decode().split("\r\n")
    assert "DTSTART:20260303T090000Z" in lines
    assert "DTEND:20260303T100000Z" in lines


def test_guests_are_asked_and_the_organizer_is_coming() -> None:
    ada, mara = event_of(make())["ATTENDEE"]
    assert (str(ada), str(mara)) == ("mailto:ada@acme.example.com", "mailto:mara@stageplay.example.com")
    assert dict(ada.params) == {
        "CN": "Ada Lovelace",
        "CUTYPE": "INDIVIDUAL",
        "ROLE": "REQ-PARTICIPANT",
        "PARTSTAT": "NEEDS-ACTION",
        "RSVP": "TRUE",
    }
    assert mara.params["PARTSTAT"] == "ACCEPTED"


def test_the_organizer_gets_the_answers_and_the_sender_is_named() -> None:
    organizer = event_of(make())["ORGANIZER"]
    assert str(organizer) == "mailto:mara@stageplay.example.com"
    assert organizer.params["SENT-BY"] == "mailto:success@stageplay.example.com"
    assert "SENT-BY" not in event_of(make(sent_by="Mara@stageplay.example.com"))["ORGANIZER"].params


def test_a_cancel_takes_back_the_same_meeting_for_everyone() -> None:
    calendar = make(method="CANCEL", sequence=1, description="")
    event = event_of(calendar)
    assert calendar.method == "CANCEL"
    assert calendar.data.count(b"METHOD:CANCEL") == 1
    assert (event["UID"], event["SEQUENCE"], event["STATUS"]) == (event_of(make())["UID"], 1, "CANCELLED")
    assert len(event["ATTENDEE"]) == 2
    assert "DESCRIPTION" not in event


def test_lines_end_in_crlf_and_are_folded_at_75_octets() -> None:
    data = make().data
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(len(line) for line in data.split(b"\r\n")) <= 75


@pytest.mark.parametrize("name", ['Ada "Countess" Lovelace', "Ada: Lovelace; Ltd, Inc", "Adä Løvelace 数"])
def test_awkward_names_survive_the_way_there_and_back(name: str) -> None:
    attendee = event_of(make(guests=(Guest(name, "ada@acme.example.com"), MARA)))["ATTENDEE"][0]
    assert attendee.params["CN"] == name.replace('"', "")


def test_the_same_meeting_has_the_same_bytes() -> None:
    assert make().data == make().data


def test_where_it_takes_place_stands_there_twice_as_old_and_new_clients_read_it() -> None:
    url = f"https://meet.example.com/mara?pwd={'a' * 80}&x=1,2;3"
    calendar = make(url=url, organizer=Guest('Mara "M" Berg; CSM: you', MARA.email))
    event = event_of(calendar)
    assert event["LOCATION"] == url
    (room,) = event.conferences
    assert (room.uri, room.feature, room.label) == (url, "VIDEO", "Video meeting with Mara M Berg; CSM: you")
    assert max(len(line) for line in calendar.data.split(b"\r\n")) <= 75
    unfolded = calendar.data.decode().replace("\r\n ", "")
    label = 'LABEL="Video meeting with Mara M Berg; CSM: you"'
    assert f"CONFERENCE;FEATURE=VIDEO;{label};VALUE=URI:{url}\r\n" in unfolded


def test_without_a_place_there_is_none() -> None:
    assert {"LOCATION", "CONFERENCE"}.isdisjoint(event_of(make()))
