"""Kept messages, calendar slots and survey answers."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import Connection, event

from store import meetings, outbox, surveys
from store.customers import Customer
from store.database import Database
from store.meetings import Meeting

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _keep(database: Database, customer: Customer, touch: str, subject: str, kind: outbox.Kind = "email") -> int:
    body = {"text": "Grüße", "html": "<p>Grüße</p>"}
    with database.begin() as c:
        return outbox.keep(c, touch, customer=customer.id, kind=kind, to="ada", subject=subject, body=body, at=AT)


def test_a_kept_message_comes_back_whole(database: Database, customer: Customer) -> None:
    kept = _keep(database, customer, "t1", "Hello")
    with database.read() as c:
        entry = outbox.entry(c, kept)
        assert entry is not None
        assert entry == outbox.by_touch(c, "t1")
        assert (entry.touch, entry.subject, entry.at, entry.kind) == ("t1", "Hello", AT, "email")
        assert entry.body == {"text": "Grüße", "html": "<p>Grüße</p>"}
        assert outbox.entry(c, kept + 1) is None
        assert outbox.by_touch(c, "t2") is None


def test_a_message_kept_again_replaces_itself(database: Database, customer: Customer) -> None:
    first = _keep(database, customer, "t1", "Please approve", "card")
    assert _keep(database, customer, "t1", "Approved", "card") == first
    with database.read() as c:
        assert [entry.subject for entry in outbox.entries(c, 10)] == ["Approved"]


def test_entries_are_the_newest_first_of_a_kind_or_a_customer(database: Database, customer: Customer) -> None:
    for number, kind in enumerate(("email", "card", "invite", "email")):
        _keep(database, customer, f"t{number}", str(number), kind)  # type: ignore[arg-type] # names of kinds as text
    with database.read() as c:
        assert [entry.subject for entry in outbox.entries(c, 3)] == ["3", "2", "1"]
        assert [entry.subject for entry in outbox.entries(c, 10, kind="email")] == ["3", "0"]
        assert len(outbox.entries(c, 10, customer=customer.id)) == 4
        assert outbox.entries(c, 10, customer="cus_other") == ()


def _book(database: Database, meeting: str, organizer: str = "mara", minutes: int = 60, hours: int = 3) -> Meeting:
    until, guests = AT + HOUR * hours, ("con_ada", organizer)
    return meetings.book(database, meeting, organizer=organizer, opens=AT, closes=until, minutes=minutes, guests=guests)


def test_meetings_of_an_organizer_do_not_overlap(database: Database) -> None:
    first, second, other = _book(database, "m1"), _book(database, "m2", minutes=20), _book(database, "m3", "omar")
    third = _book(database, "m4", minutes=30)
    assert (first.starts_at, first.ends_at) == (AT, AT + HOUR)
    assert (second.starts_at, second.ends_at) == (AT + HOUR, AT + HOUR + timedelta(minutes=20))
    assert third.starts_at == AT + HOUR + timedelta(minutes=30)
    assert other.starts_at == AT


def test_the_meetings_of_a_customer_are_not_those_of_one_whose_id_begins_the_same(database: Database) -> None:
    for name in ("cus_1", "cus_10", "cusx1", "cus_1-a", "cus_2"):
        _book(database, f"{name}/onboarding/1/kickoff/1/send")
    with database.read() as c:
        assert [one.id for one in meetings.of(c, "cus_1")] == ["cus_1/onboarding/1/kickoff/1/send"]
        assert meetings.of(c, "cus_") == ()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_meetings_of_a_customer_are_found_without_reading_everybodys(database: Database) -> None:
    plans: list[str] = []

    def explain(c: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        cursor = c.connection.cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.append(cursor.fetchall()[0][3])

    with database.read() as c:
        event.listen(c, "before_cursor_execute", explain)
        meetings.of(c, "cus_1")
    assert plans == ["SEARCH meetings USING INDEX sqlite_autoindex_meetings_1 (id>? AND id<?)"]


def test_a_slot_starts_on_the_grid(database: Database) -> None:
    opens = AT + timedelta(minutes=1, seconds=1)
    booked = meetings.book(database, "m", organizer="mara", opens=opens, closes=opens + HOUR, minutes=30, guests=())
    assert booked.starts_at == AT + timedelta(minutes=15)


def test_a_meeting_keeps_its_slot(database: Database) -> None:
    first = _book(database, "m1")
    assert _book(database, "m1") == first
    assert first.guests == ("con_ada", "mara")
    with database.read() as c:
        assert meetings.get(c, "m1") == first
        assert meetings.get(c, "m2") is None


def test_a_meeting_whose_window_moved_on_takes_a_slot_in_the_new_one(database: Database) -> None:
    first = _book(database, "m1")
    opens = AT + timedelta(days=1)
    again = {"organizer": "mara", "opens": opens, "closes": opens + 3 * HOUR, "minutes": 60, "guests": ()}
    moved = meetings.book(database, "m1", **again)  # type: ignore[arg-type] # a table of arguments
    assert (first.starts_at, moved.starts_at, moved.sequence) == (AT, opens, 0)
    meetings.cancel(database, "m1")
    later = {**again, "opens": opens + timedelta(days=1), "closes": opens + timedelta(days=1, hours=3)}
    assert meetings.book(database, "m1", **later).cancelled  # type: ignore[arg-type] # a table of arguments


def test_a_meeting_moves_to_the_slot_of_its_newest_move(database: Database) -> None:
    """Whoever is told late of an older time, or asks twice, gets the slot that it has."""
    _book(database, "m1")
    days = [AT + timedelta(days=day) for day in range(4)]

    def moved(number: int, organizer: str = "mara") -> Meeting:
        opens = days[number]
        guests = ("con_eve",)
        return meetings.book(
            database,
            "m1",
            organizer=organizer,
            opens=opens,
            closes=opens + 3 * HOUR,
            minutes=60,
            guests=guests,
            moves=number,
        )

    second = moved(2, "omar")
    assert (second.starts_at, second.sequence, second.organizer) == (days[2], 2, "mara")
    assert second.guests == ("con_ada", "mara")
    assert moved(2) == moved(1) == moved(0) == second
    assert meetings.cancel(database, "m1").sequence == 3
    assert moved(3).cancelled
    assert moved(3).starts_at == days[2]


def test_a_meeting_that_was_never_booked_is_booked_where_it_moves_to(database: Database) -> None:
    opens = AT + timedelta(days=1)
    found = meetings.book(
        database, "m9", organizer="mara", opens=opens, closes=opens + HOUR, minutes=60, guests=("con_ada",), moves=1
    )
    assert (found.starts_at, found.sequence, found.guests) == (opens, 1, ("con_ada",))


def test_in_a_full_window_the_clash_is_said(database: Database) -> None:
    _book(database, "m1", minutes=120)
    full = _book(database, "m2", minutes=120)
    assert (full.starts_at, full.clash) == (AT, True)
    assert _book(database, "m2", minutes=120).clash


def test_a_cancelled_meeting_frees_its_slot_and_counts_up_once(database: Database) -> None:
    _book(database, "m1")
    cancelled = meetings.cancel(database, "m1")
    assert (cancelled.sequence, cancelled.cancelled) == (1, True)
    assert meetings.cancel(database, "m1") == cancelled
    assert _book(database, "m1") == cancelled
    assert _book(database, "m2").starts_at == AT
    with pytest.raises(LookupError, match="never booked"):
        meetings.cancel(database, "m9")


def test_parallel_bookings_share_no_slot(database: Database) -> None:
    with ThreadPoolExecutor(6) as pool:
        booked = list(pool.map(lambda n: _book(database, f"m{n % 6}", minutes=30), range(12)))
    assert len({meeting.starts_at for meeting in booked}) == 6
    assert not any(meeting.clash for meeting in booked)


def _sent(database: Database, customer: Customer) -> bool:
    with database.begin() as c:
        return surveys.sent(c, touch="t", customer=customer.id, contact="con_1", survey="nps", at=AT)


def _answer(database: Database, score: int, comment: str = "") -> str:
    with database.begin() as c:
        return surveys.answer(c, "t", score, comment)


def test_an_answer_is_recorded_and_may_be_changed_for_a_day(
    database: Database, customer: Customer, clock: FrozenDateTimeFactory
) -> None:
    assert _sent(database, customer)
    assert not _sent(database, customer)
    clock.tick(timedelta(days=5))
    assert _answer(database, 3, "slow") == "recorded"
    clock.tick(timedelta(hours=23))
    assert _answer(database, 9, "fixed") == "changed"
    with database.read() as c:
        survey = surveys.get(c, "t")
    assert survey is not None
    assert (survey.score, survey.comment, survey.closed, survey.sent_at) == (9, "fixed", False, AT)
    clock.tick(HOUR)
    assert _answer(database, 0) == "closed"
    with database.read() as c:
        survey = surveys.get(c, "t")
    assert survey is not None
    assert (survey.score, survey.closed) == (9, True)


def test_of_two_first_answers_at_once_one_is_a_change(database: Database, customer: Customer) -> None:
    _sent(database, customer)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda score: _answer(database, score), range(8)))
    assert sorted(results) == ["changed"] * 7 + ["recorded"]


def test_a_survey_that_was_never_sent_has_no_answer(database: Database) -> None:
    with database.read() as c:
        assert surveys.get(c, "t") is None
    with pytest.raises(LookupError, match="no survey"):
        _answer(database, 5)
