"""When and how often people may be reached: politeness, business hours, holidays.

Holiday dates are written out here with the `holidays` package, so that neither the core nor a worker needs a calendar.
"""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

import holidays
from holidays.registry import EntityLoader

from authoring.diagnostics import Report, near
from authoring.expressions import compile_expression
from authoring.fields import Fields, mapping, sequence
from authoring.grammar import keys
from authoring.namespace import Names
from authoring.source import Mapping
from lifecycle.actions import Length, Unit
from lifecycle.courtesy import BusinessHours, Incident, Politeness

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_YEARS = re.compile(r"(20[0-9]{2})(?:-(20[0-9]{2}))?\Z")
_MAX_YEARS = 20
_MAX_BLACKOUT = 92
_A_WEEK: dict[Unit, int] = {
    "minutes": 10_080, "hours": 168, "days": 7, "weeks": 1, "business_hours": 40, "business_days": 5,
}  # fmt: skip
"""Mails are remembered for little longer, because each weighs on what is kept of a customer."""
_BLACKOUT = '"2026-12-24 to 2027-01-01"'


def compile_politeness(fields: Fields, report: Report) -> Politeness:
    """Caps, quiet hours, how stale a held touch may get, the spread, and surveys; incidents: `compile_incidents`."""
    node = mapping(fields.get("politeness"), report, '"politeness"', "{ per_day: 1, per_week: 4 }")
    if node is None:
        return Politeness()
    plain = Politeness()
    inner = Fields(node, keys("politeness"), '"politeness"', report)
    surveys = _surveys(inner, report)
    return Politeness(
        inner.whole("per_day", 1, 50, plain.per_day),
        inner.whole("per_week", 1, 100, plain.per_week),
        inner.window("quiet", plain.quiet),
        inner.length("stale_after", "3 business days") or plain.stale_after,
        _minutes(inner.length("spread", "30 minutes"), inner, report),
        inner.whole("customer_per_day", 0, 50, plain.customer_per_day),
        inner.whole("customer_per_week", 0, 100, plain.customer_per_week),
        tuple(_blackouts(inner, report)),
        survey_open=surveys.pop("open_for", None),
        surveys=surveys,
        same_mail=_same_mail(inner, report),
    )


def _same_mail(fields: Fields, report: Report) -> Length | None:
    length = fields.length("same_mail", "7 days")
    if length is not None and length.amount > _A_WEEK[length.unit]:
        report.add("range", fields.place("same_mail"), '"same_mail" is more than a week', 'write "7 days".')
    return length


def _surveys(fields: Fields, report: Report) -> dict[str, Length]:
    """How long after a survey the same is not sent again, by kind; under `open_for` for how long no other is."""
    node = mapping(fields.get("surveys"), report, '"surveys"', "{ open_for: 7 days, nps: 80 days }")
    if node is None:
        return {}
    inner = Fields(node, keys("surveys"), '"surveys"', report)
    found = {name: inner.length(name, "80 days") for name in keys("surveys") if name in inner}
    return {name: length for name, length in found.items() if length is not None}


def compile_incidents(fields: Fields, names: Names, report: Report) -> Iterator[Incident]:
    """The times in which only the most urgent playbooks speak, of what stands under `politeness`."""
    example = "{ while: playing.support_p1, below: 90, reason: their service is down }"
    politeness = fields.get("politeness")
    node = politeness.entries.get("incidents") if isinstance(politeness, Mapping) else None
    for item in sequence(node, report, '"incidents"', f"- {example}"):
        found = mapping(item, report, "an incident", example)
        if found is None:
            continue
        inner = Fields(found, keys("incident"), "an incident", report)
        condition = inner.scalar("while", "a condition", required=True)
        below = inner.whole("below", 1, 100, 100, required=True)
        reason = inner.text("reason", "their service is down", required=True)
        if condition is not None:
            yield Incident(compile_expression(condition, names, report), below, reason)


def _blackouts(fields: Fields, report: Report) -> Iterator[tuple[str, str]]:
    """The first and last ISO date of each time in which no customer is reached."""
    for item in fields.words("blackouts", f"[{_BLACKOUT}]"):
        first, _, last = (part.strip() for part in item.value.partition(" to "))
        try:
            length = date.fromisoformat(last or first) - date.fromisoformat(first)
        except ValueError:
            report.add("time", item.place, f'"{item.value[:40]}" is no date', f"write {_BLACKOUT}.")
            continue
        if not 0 <= length.days <= _MAX_BLACKOUT:
            what = f'"{item.value[:40]}" is not a span of at most {_MAX_BLACKOUT} days'
            report.add("range", item.place, what, f"write {_BLACKOUT}.")
            continue
        yield first, last or first


def _minutes(length: Length | None, fields: Fields, report: Report) -> int:
    if length is None:
        return Politeness().spread_minutes
    minutes = {"minutes": 1, "hours": 60}.get(length.unit, 0) * length.amount
    if minutes > 240 or length.unit not in ("minutes", "hours"):  # noqa: PLR2004  # four hours keep a touch in its window
        report.add("range", fields.place("spread"), '"spread" is more than 4 hours', 'write "30 minutes".')
    return minutes


def compile_business(fields: Fields, dates: dict[str, tuple[str, ...]], report: Report) -> BusinessHours:
    """The team's working time; `dates` are the countries whose holidays are known."""
    example = '{ days: mon-fri, hours: "09:00-17:00" }'
    node = mapping(fields.get("business_hours"), report, '"business_hours"', example)
    if node is None:
        return BusinessHours()
    inner = Fields(node, keys("business_hours"), '"business_hours"', report)
    start, end = inner.window("hours", ("09:00", "17:00"))
    if start > end:
        report.add("time", inner.place("hours"), "business hours end before they start", 'write "09:00-17:00".')
    country = inner.text("country", "a country such as DE")
    if country and dates and country not in dates:
        report.add("value", inner.place("country"), f'"{country[:20]}" has no holidays below', near(country, dates))
    return BusinessHours(start, end, _weekdays(inner, report), country)


def _weekdays(fields: Fields, report: Report) -> tuple[int, ...]:
    """`mon-fri` or a list of days, as numbers from Monday 0."""
    found: set[int] = set()
    for item in fields.words("days", '"mon-fri" or [mon, tue]'):
        first, dash, last = item.value.partition("-")
        if first not in WEEKDAYS or (dash and last not in WEEKDAYS):
            report.add(
                "value", item.place, f'"{item.value[:40]}" is no weekday', f'write "mon-fri" or {", ".join(WEEKDAYS)}.'
            )
            continue
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last or first)
        found.update(day % 7 for day in range(start, end + 1 if end >= start else end + 8))
    return tuple(sorted(found)) or BusinessHours().days


def compile_holidays(fields: Fields, report: Report) -> dict[str, tuple[str, ...]]:
    """Country code to ISO dates, for the countries and years that the file names."""
    node = mapping(fields.get("holidays"), report, '"holidays"', "{ countries: [DE], years: 2025-2030 }")
    if node is None:
        return {}
    inner = Fields(node, keys("holidays"), '"holidays"', report)
    years = inner.scalar("years", "years such as 2025-2030", required=True)
    found = _YEARS.match(years.value) if years else None
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, -1)
    if years and not 0 <= last - first < _MAX_YEARS:
        report.add("range", years.place, f'"{years.value[:40]}" is not a span of years', 'write "2025-2030".')
        return {}
    dates: dict[str, tuple[str, ...]] = {}
    for item in inner.words("countries", "[DE, US]", required=True):
        if item.value not in _supported():
            what = f'"{item.value[:20]}" is not a country code with known holidays'
            report.add("value", item.place, what, 'write ISO codes such as "DE", in quotes where YAML needs them.')
            continue
        dates[item.value] = _dates(item.value, first, last)
    return dates


@lru_cache(maxsize=1)
def _supported() -> frozenset[str]:
    """The codes of countries, without the calendar of each, which `holidays.list_supported_countries` loads."""
    return frozenset(EntityLoader.get_country_codes(include_aliases=True))


@lru_cache(maxsize=256)
def _dates(country: str, first: int, last: int) -> tuple[str, ...]:
    """Public holidays of a country as ISO dates, sorted."""
    return tuple(sorted(day.isoformat() for day in holidays.country_holidays(country, years=range(first, last + 1))))
