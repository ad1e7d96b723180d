"""Wall times, business days and windows: pure arithmetic on instants.

Zone rules come from the pinned `tzdata` package only, never from the machine, so that a replay on another host
computes the same
instants; a new tzdata is a change to running workflows. A wall time that a clock change skips moves forward by the
gap; one that happens twice is
its first occurrence.
"""

import hashlib
import zoneinfo
from calendar import monthrange
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from lifecycle.actions import Length, Shift
from lifecycle.courtesy import BusinessHours
from lifecycle.model import LATEST

zoneinfo.reset_tzpath(to=())

FIRST, LAST = date(1900, 1, 1), LATEST.date()
"""Days outside are taken for these: arithmetic on what somebody once mistyped must not stop a customer."""
_FIRST, _LAST = FIRST.toordinal(), LAST.toordinal()
WEEKEND = (5, 6)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


_ZONES: dict[str, zoneinfo.ZoneInfo] = {}
"""Those that somebody has asked for, of the few hundred that there are."""


def _zone(name: str) -> zoneinfo.ZoneInfo:
    found = _ZONES.get(name)
    if found is None:
        found = _ZONES.setdefault(name, zoneinfo.ZoneInfo(name))
    return found


def zone_exists(name: str) -> bool:
    """Whether `name` is an IANA zone of the pinned tzdata."""
    try:
        _zone(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@lru_cache(maxsize=4096)
def clock(text: str) -> time:
    """`HH:MM` as a wall time."""
    return time.fromisoformat(text)


@lru_cache(maxsize=4096)
def minutes(text: str) -> int:
    """`HH:MM` as minutes since midnight."""
    at = clock(text)
    return at.hour * 60 + at.minute


def local(at: datetime, zone: str) -> datetime:
    """The wall time in `zone` at an instant, offset included."""
    return at.astimezone(_zone(zone))


@lru_cache(maxsize=65536)
def wall(day: date, at: str, zone: str) -> datetime:
    """The instant (UTC) of local time `at` on `day`, the day kept between `FIRST` and `LAST`."""
    return datetime.combine(plus(day, 0), clock(at), _zone(zone)).astimezone(UTC)


def midnight(day: date, zone: str) -> datetime:
    """The instant at which `day` begins."""
    return wall(day, "00:00", zone)


@lru_cache(maxsize=65536)
def shown(at: datetime, zone: str) -> str:
    """An instant as reasons name it: `2026-03-02 09:00`, in `zone`."""
    return local(at, zone).strftime("%Y-%m-%d %H:%M")


def plus(day: date, days: int) -> date:
    """`day` and some days more or less, kept between `FIRST` and `LAST`."""
    found = day.toordinal() + days
    return date.fromordinal(found) if _FIRST <= found <= _LAST else FIRST if found < _FIRST else LAST


def next_of(origin: date, amount: int, unit: Literal["days", "weeks", "months"], last: date) -> date:
    """The first day after `last` of those that lie every `amount` units from `origin`. `amount`: 1 or more.

    Months are counted from the origin, so that a cadence begun on the 31st does not drift: it falls on the last day of
    a shorter month.
    """
    if unit != "months":
        step = amount * (7 if unit == "weeks" else 1)
        rounds = max((last - origin).days // step + 1, 1)
        return plus(origin, rounds * step)
    months = (last.year - origin.year) * 12 + last.month - origin.month
    rounds = max(months // amount, 1)
    while (day := months_on(origin, rounds * amount)) <= last and day < LAST:
        rounds += 1
    return day


def months_on(day: date, months: int) -> date:
    """`day` and some months more or less: the last day of a month that has no such day."""
    year, month = divmod(day.month - 1 + months, 12)
    year += day.year
    if year >= LAST.year:
        return LAST
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def is_business_day(day: date, holidays: Collection[str]) -> bool:
    """Neither a weekend nor one of `holidays` (ISO dates)."""
    return day.weekday() not in WEEKEND and day.isoformat() not in holidays


@lru_cache(maxsize=65536)
def business_day(day: date, holidays: frozenset[str]) -> date:
    """`day` itself, or the next business day; gives up after a year of holidays."""
    for _ in range(366):
        if is_business_day(day, holidays):
            return day
        day += DAY
    return day


@lru_cache(maxsize=65536)
def shifted(day: date, shift: Shift, holidays: frozenset[str], closed: frozenset[str]) -> date:
    """`day` itself, or the nearest day after it (before it with `previous`) that is free: none of `closed` (ISO dates),
    and with a `shift` a business day. Gives up after a year.
    """
    for _ in range(366):
        if day.isoformat() not in closed and (not shift or is_business_day(day, holidays)):
            return day
        day = plus(day, -1 if shift == "previous" else 1)
    return day


def add(start: datetime, length: Length, zone: str, hours: BusinessHours, holidays: frozenset[str]) -> datetime:
    """`start` plus a length as people mean it in `zone`: days and weeks keep the wall time, business lengths count
    working time.
    """
    if not length.amount and length.unit != "business_hours":
        return start
    if length.unit == "minutes":
        return start + MINUTE * length.amount
    if length.unit == "hours":
        return start + HOUR * length.amount
    if length.unit == "business_hours":
        return _add_business_hours(start, length.amount, zone, hours, holidays)
    return _add_days(start, length.amount, length.unit, zone, holidays)


@lru_cache(maxsize=65536)
def _add_days(start: datetime, amount: int, unit: str, zone: str, holidays: frozenset[str]) -> datetime:
    """Many customers are due at the same instants, so what comes some days later is kept."""
    here = local(start, zone)
    if unit == "business_days":
        day = here.date()
        for _ in range(amount):
            day = business_day(day + DAY, holidays)
    else:
        day = here.date() + DAY * (amount * (7 if unit == "weeks" else 1))
    return _at(day, here, zone)


def subtract(start: datetime, length: Length, zone: str, hours: BusinessHours, holidays: frozenset[str]) -> datetime:
    """`start` less a length: what `add` undoes. Business lengths count working time back, so that between the result
    plus the length and `start` lies no working time.
    """
    if not length.amount:
        return start
    if length.unit in ("minutes", "hours", "days", "weeks"):
        return add(start, Length(-length.amount, length.unit), zone, hours, holidays)
    if length.unit == "business_days":
        here, day = local(start, zone), local(start, zone).date()
        for _ in range(length.amount):
            day -= DAY
            while not is_business_day(day, holidays):
                day -= DAY
        return _at(day, here, zone)
    return _subtract_business_hours(start, length.amount, zone, hours, holidays)


def _at(day: date, here: datetime, zone: str) -> datetime:
    """The instant of the wall time of `here` on another day; of two the first."""
    return datetime.combine(day, here.time().replace(fold=0), _zone(zone)).astimezone(UTC)


def _shift(day: date, zone: str, hours: BusinessHours) -> tuple[datetime, datetime]:
    return wall(day, hours.start, zone), wall(day, hours.end, zone)


def _works(day: date, hours: BusinessHours, holidays: frozenset[str]) -> bool:
    return day.weekday() in hours.days and day.isoformat() not in holidays


@lru_cache(maxsize=16384)
def _add_business_hours(
    start: datetime, amount: int, zone: str, hours: BusinessHours, holidays: frozenset[str]
) -> datetime:
    left = timedelta(hours=amount)
    day = local(start, zone).date()
    for _ in range(3660):
        if _works(day, hours, holidays):
            opens, closes = _shift(day, zone, hours)
            begin = max(start, opens)
            if begin < closes:
                if left <= closes - begin:
                    return begin + left
                left -= closes - begin
        day += DAY
    return start + timedelta(hours=amount)


def _subtract_business_hours(
    start: datetime, amount: int, zone: str, hours: BusinessHours, holidays: frozenset[str]
) -> datetime:
    left = timedelta(hours=amount)
    day = local(start, zone).date()
    for _ in range(3660):
        if _works(day, hours, holidays):
            opens, closes = _shift(day, zone, hours)
            end = min(start, closes)
            if opens < end:
                if left <= end - opens:
                    return end - left
                left -= end - opens
        day -= DAY
    return start - timedelta(hours=amount)


def within(at: datetime, window: tuple[str, ...], zone: str) -> bool:
    """Whether the wall time lies in `[from, to)`; a window may span midnight; an empty one holds always."""
    return _inside(local(at, zone).time(), window)


def _inside(now: time, window: tuple[str, ...]) -> bool:
    if not window:
        return True
    start, end = clock(window[0]), clock(window[1])
    return start <= now < end if start <= end else now >= start or now < end


def next_open(
    at: datetime,
    zone: str,
    window: tuple[str, ...],
    quiet: tuple[str, ...],
    holidays: frozenset[str] | None,
    closed: frozenset[str] = frozenset(),
) -> datetime:
    """The first instant from `at` on that lies in `window`, outside `quiet`, on none of the days `closed` (ISO dates)
    and, where `holidays` is given, on a business day.

    Windows open at most at four wall times a day, so those are tried; within 400 days there is always one unless the
    window lies in the quiet hours,
    which authoring refuses.
    """

    def free(instant: datetime) -> bool:
        here = local(instant, zone)
        return (
            _inside(here.time(), window)
            and not (quiet and _inside(here.time(), quiet))
            and (holidays is None or is_business_day(here.date(), holidays))
            and here.date().isoformat() not in closed
        )

    if free(at):
        return at
    marks = sorted({*window[:1], *quiet[1:], "00:00"})
    day = local(at, zone).date()
    for _ in range(400):
        for mark in marks:
            instant = wall(day, mark, zone)
            if instant > at and free(instant):
                return instant
        day += DAY
    return at + 400 * DAY


@lru_cache(maxsize=65536)
def spread(customer: str, step: str, minutes: int) -> timedelta:
    """A stable share of `minutes` for one customer and step, whole seconds: 100,000 customers due at 09:00 do not
    arrive in one second.
    """
    share = int.from_bytes(hashlib.sha256(f"{customer}/{step}".encode()).digest()[:4], "big")
    return timedelta(seconds=share % (minutes * 60)) if minutes else timedelta(0)
