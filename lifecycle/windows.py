"""Facts that follow from what came day by day: how often something happened in the last days, and against the days
before; so that a fact can change by the mere passing of time.

What is kept of a source is one amount for each local day: of an event how often it came, of a reported number the
highest report of that day. Both are the same in whatever order they come, and a late one counts for its own day; an
event is counted once because the inbox drops repeats, and the same number reported twice changes nothing.

`count`, `sum` and `days_since` look at the day that is on as well. `change`, `mean_change` and `trend` compare whole
days, up to the day before: else every morning would look like a fall. They need the time before to have been watched
from its first day on, and enough to have come in it; where too little did, the fact is not known. A window is judged
when something of its source comes, and each morning at `LOOK`; `gateway.mornings` and `authoring.mornings` see to that.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime

from lifecycle import calendar, facts
from lifecycle.memo import once
from lifecycle.messages import Event, FactsReported, Happened
from lifecycle.model import Value
from lifecycle.playbook import Derived, FactSpec, Lifecycle

Days = Mapping[date, float]
"""What came of one source, by local day."""

LOOK = "06:00"
"""The local time at which windows are judged each day: the day before is over, and nobody is reached before."""
HOW = ("count", "sum", "change", "mean_change", "trend", "days_since")
COMPARED = ("change", "mean_change", "trend")
TRENDS = ("declining", "steady", "rising")
WATCHED = 366
"""So many days after it last came the days since then go on being counted."""
_PLACES = 4


@once
def sources(life: Lifecycle) -> Mapping[str, tuple[tuple[str, Derived], ...]]:
    """What facts are derived from, each with these facts and how."""
    found: dict[str, tuple[tuple[str, Derived], ...]] = {}
    for name, spec in life.facts.items():
        if spec.derived is not None:
            found[spec.derived.source] = (*found.get(spec.derived.source, ()), (name, spec.derived))
    return found


def heard(event: Event, life: Lifecycle) -> dict[str, float]:
    """What an event adds: to sources that are events, one; of reported numbers, their value."""
    known = sources(life)
    carried: Mapping[str, Value] = {}
    found: dict[str, float] = {}
    match event:
        case Happened(name=name, facts=carried):
            if name in known and name in life.events:
                found[name] = 1
        case FactsReported(facts=carried):
            pass
        case _:
            return {}
    numbers = {name: value for name, value in carried.items() if name in known and name in life.facts}
    return found | {name: value for name, value in numbers.items() if isinstance(value, int | float)}


def added(days: Days, source: str, amount: float, day: date, today: date, life: Lifecycle) -> Days:
    """The days of a source with what came for one of them, without those that nothing looks at any more."""
    day = min(day, today)
    amount = days.get(day, 0) + amount if source in life.events else max(amount, days.get(day, amount))
    return pruned({**days, day: amount}, source, today, life)


def pruned(days: Days, source: str, today: date, life: Lifecycle) -> Days:
    """The days that a window can see, the first one, since when the source is watched, and the last with anything."""
    first = calendar.plus(today, -_reach(source, life))
    last = max((day for day, amount in days.items() if amount), default=None)
    return {day: days[day] for day in sorted(days) if day >= first or day in (last, min(days))}


def joined(one: Days, other: Days) -> Days:
    """The days of two customers that are one."""
    return {day: one.get(day, 0) + other.get(day, 0) for day in sorted({*one, *other})}


def _reach(source: str, life: Lifecycle) -> int:
    """How many days before today the windows over a source begin."""
    return max((spec.days + spec.against for _, spec in sources(life).get(source, ())), default=0)


def news(sums: Mapping[str, Days], told: Mapping[str, Value], today: date, life: Lifecycle) -> dict[str, Value]:
    """The facts derived from some sources that are worth telling by now, given what was told last.

    None: what was told is not known any more. What cannot be judged yet is left as it was told.
    """
    found = {
        name: _within(life.facts[name], value)
        for source, days in sums.items()
        for name, spec in sources(life).get(source, ())
        for value in _judged(spec, days, today)
    }
    return facts.news(told, found, life.facts)


def _within(spec: FactSpec, value: Value) -> Value:
    """A number within the range of its fact."""
    if not isinstance(value, int | float):
        return value
    low, high = spec.low, spec.high
    value = value if high is None else min(value, high)
    return value if low is None else max(value, low)


def _judged(spec: Derived, days: Days, today: date) -> Iterator[Value]:
    """What a window over some days, one at least, comes to; nothing while it cannot be judged."""
    if spec.how == "days_since":
        if any(days.values()):
            yield (today - max(day for day, amount in days.items() if amount)).days
    elif spec.how in ("count", "sum"):
        total = sum(_span(days, today, spec.days))
        yield int(total) if float(total).is_integer() else round(total, _PLACES)
    else:
        yesterday = calendar.plus(today, -1)
        before = calendar.plus(yesterday, -spec.days)
        if min(days) <= calendar.plus(before, 1 - spec.against):
            yield _compared(spec, _span(days, yesterday, spec.days), _span(days, before, spec.against))


def _span(days: Days, last: date, length: int) -> list[float]:
    """What came on some days, the last of them given; days without anything are left out."""
    first = calendar.plus(last, 1 - length)
    return [amount for day, amount in days.items() if first <= day <= last]


def _compared(spec: Derived, now: list[float], before: list[float]) -> Value:
    """One time against the one before; None where too little came in that."""
    if spec.how == "mean_change":
        if not now or len(before) < spec.least or not sum(before):
            return None
        return round((sum(now) / len(now)) / (sum(before) / len(before)) - 1, _PLACES)
    if sum(before) < spec.least:
        return None
    rate, was = sum(now) / spec.days, sum(before) / spec.against
    if spec.how == "trend":
        return TRENDS[(rate > was) - (rate < was) + 1]
    return round(rate / was - 1, _PLACES) if was else None


def told(event: Event, found: Mapping[str, Value], life: Lifecycle) -> Event:
    """An event with what is derived by it, which travels with it, and without what is only kept by the day."""
    if not isinstance(event, Happened | FactsReported):
        return event
    own = {name: value for name, value in event.facts.items() if name not in life.facts or not life.facts[name].by_day}
    return event if own == event.facts and not found else replace(event, facts={**own, **found})


def restless(sums: Mapping[str, Days], today: date, life: Lifecycle) -> bool:
    """Whether what is derived can still change with nothing but time."""
    for source, days in sums.items():
        since = any(spec.how == "days_since" for _, spec in sources(life).get(source, ()))
        if (today - max(days)).days <= max(_reach(source, life), WATCHED if since else 0):
            return True
    return False


def next_look(at: datetime, zone: str) -> datetime:
    """The first morning after an instant at which windows are judged."""
    day = calendar.local(at, zone).date()
    found = calendar.wall(day, LOOK, zone)
    return found if found > at else calendar.wall(calendar.plus(day, 1), LOOK, zone)
