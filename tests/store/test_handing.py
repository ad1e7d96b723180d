"""Handovers and books on both databases: what is planned is done once, left alone where it changed, and taken back."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from lifecycle.commands import SendInvite
from lifecycle.model import Clock, Profile
from lifecycle.staffing import Cover, Span
from store import books, customers, handing, inbox, meetings, tables
from store.customers import Customer
from store.database import Database, now
from store.team import Person, save_team, team_of

UNTIL = date(2026, 3, 13)


def two(database: Database, customer: Customer) -> list[Customer]:
    """Another customer of Mara beside Acme, with an ARR."""
    with database.begin() as c:
        mara = team_of(c, customer.id)["csm"]
        other, _ = customers.create(
            c,
            outer_id="globex",
            name="Globex",
            profile=Profile("Europe/Berlin", date(2026, 3, 2), arr=12_000),
            clock=Clock(now(), now()),
            contacts=[],
            team={"csm": mara},
        )
    return [customer, other]


def done(database: Database, number: int) -> None:
    more: int | None = 0
    while more is not None:
        with database.begin() as c:
            more = handing.tell_some(c, number, "UTC")


def test_what_is_planned_is_done_once_and_taken_back(database: Database, customer: Customer) -> None:
    those = two(database, customer)
    with database.begin() as c:
        assert [one.name for one in handing.of(c, "mara")] == ["Acme", "Globex"]
        parts = handing.plan(c, "mara", "", those)
        assert {(part.role, part.was, part.now) for part in parts} == {("csm", "mara", "omar")}
        number = handing.begin(c, "mara", parts, reason="a holiday", until=UNTIL)
        assert [item.id for item in handing.unfinished(c)] == [number]
    done(database, number)
    done(database, number)
    with database.begin() as c:
        assert {team_of(c, one.id)["csm"].id for one in those} == {"omar"}
        (row,) = inbox.undelivered(c, those[1].id)
        said = {name: row.event[name] for name in ("kind", "change", "reason")}
        assert said == {"kind": "team_changed", "change": str(number), "reason": "a holiday"}
        assert "omar" in str(row.event["team"])
        assert (handing.told(c, number), handing.unheard(c, number), handing.unfinished(c)) == ({"told": 2}, 2, [])
        assert handing.over(c, UNTIL) == []
        assert [item.id for item in handing.over(c, UNTIL + timedelta(days=1))] == [number]
        back = handing.begin(c, "mara", handing.undoing(c, number), undoes=number)
        assert handing.undone_by(c, number) == back
    done(database, back)
    with database.read() as c:
        assert {team_of(c, one.id)["csm"].id for one in those} == {"mara"}
        assert handing.over(c, UNTIL + timedelta(days=1)) == []
        assert handing.get(c, 99) is None


def test_a_role_that_somebody_changed_meanwhile_stays(database: Database, customer: Customer) -> None:
    with database.begin() as c:
        number = handing.begin(c, "mara", handing.plan(c, "mara", "omar", [customer]))
        c.execute(tables.assignments.update().values(teammate="fay"))
    done(database, number)
    with database.read() as c:
        assert team_of(c, customer.id)["csm"].id == "fay"
        assert handing.told(c, number) == {"kept": 1}
        assert inbox.undelivered(c, customer.id) == []


def booked(database: Database, customer: Customer, **fields: Any) -> str:
    """A meeting of Mara in an hour, whose invitation was decided."""
    meeting = f"{customer.id}/care/1/call/1/send"
    at = now() + timedelta(hours=1)
    meetings.book(
        database,
        meeting,
        organizer="mara",
        opens=at,
        closes=at + timedelta(hours=2),
        minutes=30,
        guests=("con_1", "mara"),
        **fields,
    )
    row: dict[str, Any] = {"customer": customer.id, "batch": 1, "position": 0, "at": at, "playbook": "care", "play": 1}
    row |= {"release": "r1", "step": "call", "what": "invite", "verdict": "fired", "reason": "", "to": "", "place": ""}
    with database.begin() as c:
        c.execute(insert(tables.decisions).values(**row, stored_at=at))
    return meeting


def test_a_meeting_to_come_is_told_of_with_its_new_people(database: Database, customer: Customer) -> None:
    meeting = booked(database, customer)
    with database.begin() as c:
        assert handing.waiting(c, customer, "mara") == handing.Waiting(0, 0, 1)
        number = handing.begin(c, "mara", handing.plan(c, "mara", "omar", [customer]))
    done(database, number)
    with database.read() as c:
        (row,) = inbox.undelivered(c, customer.id)
    (told,) = row.event["meetings"]
    assert (told["meeting"], told["release"], told["organizer"]) == (meeting, "r1", "omar")
    assert (told["guests"], told["gone"]) == (["con_1", "omar"], ["mara"])


def test_a_meeting_keeps_its_slot_and_counts_up_once_a_change(database: Database, customer: Customer) -> None:
    meeting = booked(database, customer)
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    command = SendInvite(
        *(f"{meeting}/con_1", "r1", "call", "con_1", at, meeting, at, at, "omar", ("con_1", "omar")),
        moves=1,
        change="1",
    )
    with database.read() as c:
        before = meetings.get(c, meeting)
    first, again = meetings.hand_over(database, command), meetings.hand_over(database, command)
    assert before
    assert first
    assert first == again
    assert (first.organizer, first.guests, first.sequence, first.clash) == ("omar", ("con_1", "omar"), 1, False)
    assert first.starts_at == before.starts_at
    meetings.cancel(database, meeting)
    assert (meetings.hand_over(database, command) or first).cancelled


def test_one_that_was_never_booked_is_not_handed_on_and_a_busy_host_clashes(
    database: Database, customer: Customer
) -> None:
    meeting = booked(database, customer)
    with database.read() as c:
        known = meetings.get(c, meeting)
    assert known
    at, ends = known.starts_at, known.ends_at
    other = "x/care/1/call/1/send"
    meetings.book(database, other, organizer="omar", opens=at, closes=ends, minutes=30, guests=())
    command = SendInvite("t", "r1", "call", "con_1", at, meeting, at, at, "omar", ("con_1",), moves=1, change="1")
    handed = meetings.hand_over(database, command)
    assert handed
    assert handed.clash
    never = SendInvite("t", "r1", "call", "con_1", at, "none/a/1/b/1/send", at, at, "omar", ("con_1",), change="1")
    assert meetings.hand_over(database, never) is None


def test_books_say_how_full_they_are_and_what_they_are_worth(
    database: Database, customer: Customer, team: tuple[Person, ...]
) -> None:
    two(database, customer)
    full = Cover(accounts=Span(1, 1))
    mara = Person("mara", "Mara", "mara@stageplay.example.com", ("csm",), cover=full)
    with database.begin() as c:
        save_team(c, [mara, *team[1:]], {"csm": ("founder",)})
        found = books.read(c)
    (line,) = found.lines
    assert (line.person.id, line.accounts, line.arr, line.over, line.share) == ("mara", 2, 12_000, True, 200)
    assert list(found.findings()) == ["Mara has 2 customers; a full book is 1"]
