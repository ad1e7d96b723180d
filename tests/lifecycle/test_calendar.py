"""Wall times, business time and windows: tables for the awkward days, and add and subtract undoing each other."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from lifecycle import calendar
from lifecycle.actions import Length, Unit
from lifecycle.courtesy import BusinessHours

BERLIN = "Europe/Berlin"
HOURS = BusinessHours()
EASTER = frozenset(("2026-04-03", "2026-04-06"))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "at", "zone", "instant"),
    [
        pytest.param("2026-03-02", "09:00", BERLIN, "2026-03-02 08:00", id="winter"),
        pytest.param("2026-07-02", "09:00", BERLIN, "2026-07-02 07:00", id="summer"),
        pytest.param("2026-03-29", "02:30", BERLIN, "2026-03-29 01:30", id="a-skipped-hour-moves-forward-by-the-gap"),
        pytest.param("2026-10-25", "02:30", BERLIN, "2026-10-25 00:30", id="of-two-half-past-twos-the-first"),
        pytest.param("2026-04-25", "00:00", "Africa/Cairo", "2026-04-24 21:00", id="cairo-in-summer"),
        pytest.param("2026-04-24", "00:00", "Africa/Cairo", "2026-04-23 22:00", id="a-midnight-that-does-not-exist"),
        pytest.param("2026-03-02", "09:00", "Asia/Kathmandu", "2026-03-02 03:15", id="a-quarter-of-an-hour-zone"),
        pytest.param("2028-02-29", "23:59", "UTC", "2028-02-29 23:59", id="leap-day"),
        pytest.param("2026-12-31", "23:00", "Pacific/Kiritimati", "2026-12-31 09:00", id="fourteen-hours-ahead"),
    ],
)
def test_the_instant_of_a_wall_time(day: str, at: str, zone: str, instant: str) -> None:
    assert calendar.wall(date.fromisoformat(day), at, zone) == utc(instant)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "zone", "end"),
    [
        pytest.param("2026-03-02 08:00", 90, "minutes", BERLIN, "2026-03-02 09:30", id="minutes"),
        pytest.param("2026-03-28 20:00", 12, "hours", BERLIN, "2026-03-29 08:00", id="hours-are-real-hours"),
        pytest.param("2026-03-28 08:00", 1, "days", BERLIN, "2026-03-29 07:00", id="a-day-over-spring-is-23-hours"),
        pytest.param("2026-10-24 07:00", 1, "days", BERLIN, "2026-10-25 08:00", id="a-day-over-autumn-is-25-hours"),
        pytest.param("2026-03-28 01:30", 1, "days", BERLIN, "2026-03-29 01:30", id="a-day-into-the-gap"),
        pytest.param(
            "2026-10-25 01:30", 1, "days", BERLIN, "2026-10-26 01:30", id="a-day-from-the-second-half-past-two"
        ),
        pytest.param("2026-10-25 01:30", 0, "days", BERLIN, "2026-10-25 01:30", id="no-days-from-the-second-one"),
        pytest.param("2026-02-28 08:00", 1, "days", BERLIN, "2026-03-01 08:00", id="the-month-ends"),
        pytest.param("2028-02-28 08:00", 1, "days", BERLIN, "2028-02-29 08:00", id="leap-day"),
        pytest.param("2026-03-02 08:00", 2, "weeks", BERLIN, "2026-03-16 08:00", id="weeks"),
        pytest.param("2026-03-06 08:00", 1, "business_days", BERLIN, "2026-03-09 08:00", id="over-a-weekend"),
        pytest.param("2026-04-02 07:00", 1, "business_days", BERLIN, "2026-04-07 07:00", id="over-easter"),
        pytest.param("2026-03-07 08:00", 1, "business_days", BERLIN, "2026-03-09 08:00", id="from-a-saturday"),
        pytest.param("2026-03-02 08:00", 4, "business_hours", BERLIN, "2026-03-02 12:00", id="in-one-day"),
        pytest.param("2026-03-02 08:00", 8, "business_hours", BERLIN, "2026-03-02 16:00", id="a-whole-day"),
        pytest.param("2026-03-06 14:00", 4, "business_hours", BERLIN, "2026-03-09 10:00", id="hours-over-a-weekend"),
        pytest.param("2026-04-02 13:00", 4, "business_hours", BERLIN, "2026-04-07 09:00", id="hours-over-easter"),
        pytest.param("2026-03-02 03:00", 1, "business_hours", BERLIN, "2026-03-02 09:00", id="from-the-night"),
        pytest.param("2026-03-02 20:00", 1, "business_hours", BERLIN, "2026-03-03 09:00", id="from-the-evening"),
        pytest.param("2026-03-27 14:00", 4, "business_hours", BERLIN, "2026-03-30 09:00", id="hours-over-spring"),
    ],
)
def test_a_length_later(start: str, amount: int, unit: Unit, zone: str, end: str) -> None:
    assert calendar.add(utc(start), Length(amount, unit), zone, HOURS, EASTER) == utc(end)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "end"),
    [
        pytest.param("2026-03-29 07:00", 1, "days", "2026-03-28 08:00", id="a-day-before-summer"),
        pytest.param("2026-03-16 08:00", 2, "weeks", "2026-03-02 08:00", id="weeks"),
        pytest.param("2026-03-02 09:30", 90, "minutes", "2026-03-02 08:00", id="minutes"),
        pytest.param("2026-03-09 08:00", 1, "business_days", "2026-03-06 08:00", id="over-a-weekend"),
        pytest.param("2026-04-07 07:00", 2, "business_days", "2026-04-01 07:00", id="over-easter"),
        pytest.param("2026-03-03 10:00", 4, "business_hours", "2026-03-02 14:00", id="hours-over-night"),
        pytest.param("2026-03-09 08:00", 1, "business_hours", "2026-03-06 15:00", id="from-the-morning"),
        pytest.param("2026-03-08 12:00", 8, "business_hours", "2026-03-06 08:00", id="from-a-sunday"),
        pytest.param("2026-03-08 12:00", 0, "business_hours", "2026-03-08 12:00", id="nothing-back"),
    ],
)
def test_a_length_before(start: str, amount: int, unit: Unit, end: str) -> None:
    assert calendar.subtract(utc(start), Length(amount, unit), BERLIN, HOURS, EASTER) == utc(end)


def test_a_team_that_never_works_is_taken_at_its_word_in_plain_hours() -> None:
    never, length, start = BusinessHours(days=()), Length(4, "business_hours"), utc("2026-03-02 08:00")
    assert calendar.add(start, length, BERLIN, never, frozenset()) == utc("2026-03-02 12:00")
    assert calendar.subtract(start, length, BERLIN, never, frozenset()) == utc("2026-03-02 04:00")


INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the bounds of a strategy are naive
ZONES = st.sampled_from([BERLIN, "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])


@over(INSTANTS, st.integers(0, 40), ZONES)
def test_business_hours_subtracted_and_added_meet_on_the_same_working_time(start: datetime, n: int, zone: str) -> None:
    back = calendar.subtract(start, Length(n, "business_hours"), zone, HOURS, EASTER)
    there = calendar.add(back, Length(n, "business_hours"), zone, HOURS, EASTER)
    one = Length(1, "business_hours")
    assert back <= start
    assert calendar.add(there, one, zone, HOURS, EASTER) == calendar.add(start, one, zone, HOURS, EASTER)


@over(INSTANTS, st.integers(0, 40), ZONES, st.sampled_from(["minutes", "hours", "days", "weeks", "business_days"]))
def test_adding_never_goes_back_and_subtracting_never_goes_on(start: datetime, n: int, zone: str, unit: Unit) -> None:
    assert calendar.add(start, Length(n, unit), zone, HOURS, EASTER) >= start - timedelta(hours=1)
    assert calendar.subtract(start, Length(n, unit), zone, HOURS, EASTER) <= start + timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "then"),
    [
        pytest.param("2026-03-06", "2026-03-06", id="a-friday"),
        pytest.param("2026-03-07", "2026-03-09", id="a-saturday"),
        pytest.param("2026-04-03", "2026-04-07", id="good-friday"),
    ],
)
def test_the_next_business_day(day: str, then: str) -> None:
    assert calendar.business_day(date.fromisoformat(day), EASTER) == date.fromisoformat(then)


def test_a_year_of_holidays_is_given_up() -> None:
    first = date(2026, 1, 1)
    holidays = frozenset((first + timedelta(days=n)).isoformat() for n in range(400))
    assert calendar.business_day(first, holidays) == date(2027, 1, 2)


@pytest.mark.parametrize(
    ("at", "window", "inside"),
    [
        pytest.param("08:00", ("08:00", "18:00"), True, id="as-it-opens"),
        pytest.param("18:00", ("08:00", "18:00"), False, id="as-it-closes"),
        pytest.param("23:00", ("20:00", "08:00"), True, id="before-midnight"),
        pytest.param("07:59", ("20:00", "08:00"), True, id="after-midnight"),
        pytest.param("08:00", ("20:00", "08:00"), False, id="the-night-is-over"),
        pytest.param("03:00", (), True, id="no-window"),
    ],
)
def test_inside_a_window(at: str, window: tuple[str, ...], inside: bool) -> None:
    assert calendar.within(utc(f"2026-03-02 {at}"), window, "UTC") is inside


DAY, NIGHT = ("08:00", "18:00"), ("20:00", "08:00")


@pytest.mark.parametrize(
    ("at", "window", "quiet", "holidays", "opens"),
    [
        pytest.param("2026-03-02 09:00", DAY, NIGHT, None, "2026-03-02 09:00", id="open-now"),
        pytest.param("2026-03-02 06:00", DAY, NIGHT, None, "2026-03-02 08:00", id="this-morning"),
        pytest.param("2026-03-02 18:00", DAY, NIGHT, None, "2026-03-03 08:00", id="tomorrow"),
        pytest.param("2026-03-06 18:00", DAY, NIGHT, frozenset(), "2026-03-09 08:00", id="monday"),
        pytest.param("2026-04-02 18:00", DAY, NIGHT, EASTER, "2026-04-07 08:00", id="after-easter"),
        pytest.param("2026-03-02 21:00", ("00:00", "23:59"), NIGHT, None, "2026-03-03 08:00", id="after-quiet-hours"),
        pytest.param("2026-03-07 12:00", (), (), frozenset(), "2026-03-09 00:00", id="only-the-weekend"),
        pytest.param("2026-03-02 06:00", ("21:00", "22:00"), NIGHT, None, "2027-04-06 06:00", id="never"),
    ],
)
def test_when_it_opens_next(
    at: str, window: tuple[str, ...], quiet: tuple[str, ...], holidays: frozenset[str] | None, opens: str
) -> None:
    assert calendar.next_open(utc(at), "UTC", window, quiet, holidays) == utc(opens)


def test_a_zone_exists_or_not() -> None:
    assert calendar.zone_exists("Europe/Berlin")
    assert not any(calendar.zone_exists(name) for name in ("Mars/Olympus", "", "../etc/passwd", "Europe", "a\0b"))


def test_a_share_of_the_spread_is_stable_and_inside_it() -> None:
    shares = {calendar.spread(f"c{n}", "touch", 30) for n in range(200)}
    assert len(shares) > 150
    assert all(timedelta(0) <= share < timedelta(minutes=30) for share in shares)
    assert calendar.spread("c1", "touch", 30) == calendar.spread("c1", "touch", 30)
    assert calendar.spread("c1", "touch", 0) == timedelta(0)


def test_a_day_that_is_never_free_is_given_up_after_a_year() -> None:
    first = date(2026, 3, 2)
    closed = frozenset((first + timedelta(days=n)).isoformat() for n in range(800))
    assert calendar.shifted(first, "next", frozenset(), closed) == date(2027, 3, 3)
    assert calendar.shifted(date(1900, 1, 1), "previous", frozenset(), frozenset({"1900-01-01"})) == date(1900, 1, 1)
