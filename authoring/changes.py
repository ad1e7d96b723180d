"""What would change a verdict, as events that could happen and in words. Whoever suggests one has tried it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from authoring.actions import shown
from authoring.namespace import Names
from authoring.satisfy import MOST, Known, Way, leaves, ways, written
from lifecycle import calendar, conditions
from lifecycle.actions import Expr, Length
from lifecycle.messages import (
    ContractSigned,
    Event,
    FactsReported,
    Happened,
    MilestoneTicked,
    PlayRequested,
    PlayStopRequested,
    ProfileChanged,
    StageSet,
)
from lifecycle.model import Contract, Profile, Value
from lifecycle.playbook import Every, Playbook, Trigger
from lifecycle.turn import NOTHING, Turn

WHY = "explained"
"""The reason that an event of a person carries here."""
_AT_MOST = {"days": 1, "weeks": 7, "months": 31}
"""Days."""
_KNOWING = ("known", "unknown")
_PROFILE = frozenset(field.name for field in fields(Profile)) - {"signed_up_on"}


@dataclass(frozen=True, slots=True)
class Change:
    """Something that could happen. `text`: after "when"; `events`: told one after another, not before `at`, where that
    is not now; `lasts`: for so long nothing else may happen before the verdict flips.
    """

    text: str
    events: tuple[Event, ...] = ()
    at: datetime | None = None
    lasts: timedelta = timedelta(0)


def known_of(turn: Turn, about: Mapping[str, Value] = NOTHING) -> Known:
    """The values that expressions see now. `about`: those that come first."""
    names = Names.of(turn.life, turn.current())
    return Known(lambda name: turn.lookup(name, about), names, turn.life.facts)


def by(turn: Turn) -> str:
    """A teammate who may start and stop plays; empty where there is none."""
    return next((person.id for _, person in sorted(turn.team.items())), "")


def turning(
    turn: Turn,
    expr: Expr,
    about: Mapping[str, Value] = NOTHING,
    *,
    want: bool = True,
    keep: frozenset[str] = frozenset(),
) -> Iterator[Change]:
    """What could happen to make a condition hold, or fail; the smallest first. `keep`: names that must stay."""
    known = known_of(turn, about)
    for way in ways(expr, known, want=want):
        events = None if keep & way.keys() else as_events(turn, way)
        if events is not None:
            yield Change(in_words(expr, known, way), events)


def in_words(expr: Expr, known: Known, way: Way) -> str:
    """The parts of a condition that a change turns over, each with the value that it sees now. That a value becomes
    known goes without saying where another part says which.
    """
    turned: dict[str, tuple[Any, bool]] = {}
    for leaf in leaves(expr.tree):
        part = Expr("", leaf)
        before, after = conditions.truth(part, known.lookup), conditions.truth(part, known.with_(way))
        if before is not after and way.keys() & set(conditions.names_in(leaf)):
            turned[_turned(leaf, way, after=after is True)] = leaf, leaf[0] in _KNOWING
    said = {name for leaf, knowing in turned.values() if not knowing for name in conditions.names_in(leaf)}
    return " and ".join(
        f"{words} ({conditions.because(Expr('', _subject(leaf)), known.lookup)})"
        for words, (leaf, knowing) in turned.items()
        if not knowing or leaf[1][1] not in said
    )


def _turned(leaf: Any, way: Way, *, after: bool) -> str:
    """A part of a condition that a change turns over. No change makes a value unknown, so one that `is defined` or
    `is undefined` asks about becomes known.
    """
    if leaf[0] in _KNOWING:
        return f"{leaf[1][1]} becomes known, such as {conditions.text(way[leaf[1][1]])}"
    return f"{'' if after else 'not '}{written(leaf)}"


def _subject(leaf: tuple[object, ...]) -> object:
    """What a comparison asks about: its left side, unless only the right one has a name."""
    return next((("get", name) for name in conditions.names_in(leaf)), ("const", None))


# --- as events --------------------------------------------------------------------------------------------------------


def as_events(turn: Turn, way: Way) -> tuple[Event, ...] | None:
    """Events that give names these values; None where no event does."""
    facts = {name: value for name, value in way.items() if name in turn.life.facts}
    events: list[Event] = []
    bought: dict[str, Any] = {}
    for name, value in way.items():
        group, _, last = name.partition(".")
        if name in facts:
            continue
        if name == "customer.band":
            facts |= _score(turn, str(value))
            continue
        if group == "customer" and last in _PROFILE:
            bought[last] = value
            continue
        made = _event(turn, group, last, value)
        if made is None:
            return None
        events += made
    if bought:
        events.insert(0, ProfileChanged(replace(turn.profile, **bought)))
    if facts:
        events.insert(0, FactsReported(facts))
    return tuple(events)


def _event(turn: Turn, group: str, name: str, value: Value) -> tuple[Event, ...] | None:
    match group:
        case "milestones":
            return _milestone(turn, name, value)
        case "playing":
            return _playing(turn, name, value)
        case "contract" if name == "ends_on":
            day = conditions.as_date(value)
            wanted = turn.lookup("contract.id")
            return None if day is None else (ContractSigned(Contract(str(wanted or "main"), day)),)
        case "customer" if name == "stage" and value in turn.life.stages_of(turn.profile.journey):
            return (StageSet(str(value), by(turn), WHY),)
        case _:
            return None


def _score(turn: Turn, band: str) -> dict[str, Value]:
    """The lowest score of a band."""
    low = turn.life.bands.get(band)
    return {} if low is None else {"health.score": low}


def _milestone(turn: Turn, name: str, value: Value) -> tuple[Event, ...] | None:
    spec = turn.life.milestones.get(name)
    if spec is None:
        return None
    person = next((found for role in spec.ticked_by if (found := turn.teammate(role))), None)
    if person is not None and (value or name in turn.ticked):
        return (MilestoneTicked(name, person.id, done=bool(value)),)
    facts = [] if spec.when is None else ways(spec.when, known_of(turn), want=bool(value))
    return next((events for way in facts if (events := as_events(turn, way)) is not None), None)


def _playing(turn: Turn, name: str, value: Value) -> tuple[Event, ...]:
    those = [play.key for play in turn.running() if play.playbook.replace("-", "_") == name]
    if not value:
        return tuple(PlayStopRequested(key, by(turn), WHY) for key in those)
    return tuple(PlayRequested(book, by(turn), WHY) for book in turn.current() if book.replace("-", "_") == name)


# --- what starts a play -----------------------------------------------------------------------------------------------


def sparks(turn: Turn, book: Playbook) -> list[list[tuple[Change, Mapping[str, Value]]]]:
    """What could happen to set off each of a playbook's triggers, with the facts that it brings along; by hand last."""
    found = [list(_sparks(turn, book, trigger)) for trigger in book.triggers]
    hand = Change("somebody starts it by hand", (PlayRequested(book.name, by(turn), WHY),))
    return [*found, [(hand, {})]] if by(turn) else found


def _sparks(turn: Turn, book: Playbook, trigger: Trigger) -> Iterator[tuple[Change, Mapping[str, Value]]]:
    if trigger.event:
        yield from _happens(turn, book, trigger)
    elif trigger.stage or trigger.leaving_stage:
        yield from _moves(turn, trigger)
    elif trigger.band or trigger.leaving_band:
        yield from _bands(turn, trigger)
    elif trigger.condition is not None and not turn.met(trigger.condition):
        lasts = timedelta(0)
        if trigger.length is not None:
            lasts = turn.later(turn.at, trigger.length, turn.profile.zone) - turn.at
        stays = "" if trigger.length is None else f" for {shown(trigger.length)}"
        for change in turning(turn, trigger.condition):
            yield replace(change, text=f"{change.text}{stays}", lasts=lasts), {}
    elif trigger.date:
        yield from _dates(turn, trigger)
    elif trigger.silence and trigger.length is not None:
        yield from _silences(turn, trigger.silence, trigger.length)
    else:
        yield from _rounds(turn, trigger)


def _dates(turn: Turn, trigger: Trigger) -> Iterator[tuple[Change, Mapping[str, Value]]]:
    """The date on which its day would be today; tomorrow, where today's has had its say."""
    today = calendar.local(turn.at, turn.profile.zone).date()
    for away in (0, 1):
        day = calendar.plus(today, away - trigger.days).isoformat()
        events = as_events(turn, {trigger.date: day})
        own = next((event.contract.id for event in events or () if isinstance(event, ContractSigned)), "")
        text = f"{trigger.date} is {day} (it is {conditions.text(turn.lookup(trigger.date))})"
        about = {"contract.id": own, trigger.date: day} if own else {trigger.date: day}
        yield Change(text, events or (), lasts=timedelta(days=away)), about


def _silences(turn: Turn, event: str, length: Length) -> Iterator[tuple[Change, Mapping[str, Value]]]:
    """That time passes; where this silence has had its say, after another one of the event."""
    lasts = turn.later(turn.at, length, turn.profile.zone) - turn.at
    yield Change(f"no {event} comes for {shown(length)}", lasts=lasts), {}
    yield Change(f"the event {event} comes, and no other for {shown(length)}", (Happened(event),), lasts=lasts), {}


def _rounds(turn: Turn, trigger: Trigger) -> Iterator[tuple[Change, Mapping[str, Value]]]:
    """That a cadence comes round, of each row that applies or could be made to."""
    for row in trigger.every:
        unit = row.unit.removesuffix("s") if row.amount == 1 else row.unit
        lasts = timedelta(days=row.amount * _AT_MOST[row.unit])
        unmet = None if turn.met(row.condition) else row.condition
        for fix in [Change("")] if unmet is None else turning(turn, unmet):
            text = " and ".join(part for part in (fix.text, f"its time comes round within {row.amount} {unit}") if part)
            yield replace(fix, text=text, lasts=lasts), {}


def _happens(turn: Turn, book: Playbook, trigger: Trigger) -> Iterator[tuple[Change, Mapping[str, Value]]]:
    """An event, with the facts that its `where` asks for and the one that says what the play is about."""
    subject: Way = {book.per: f"new-{turn.counters.get(book.name, 0) + 1}"} if book.per else {}
    wanted = ways(trigger.where, known_of(turn, subject)) if trigger.where is not None else [{}]
    where = [] if trigger.where is None else [trigger.where.text]
    text = " and ".join((*where, *(f"{name} = {conditions.text(value)}" for name, value in subject.items())))
    for way in wanted[:MOST]:
        about = {**subject, **way}
        yield (
            Change(f"the event {trigger.event} comes{text and ' with '}{text}", (Happened(trigger.event, about),)),
            about,
        )


def _moves(turn: Turn, trigger: Trigger) -> Iterator[tuple[Change, Mapping[str, Value]]]:
    if trigger.stage in turn.life.stages_of(turn.profile.journey) and trigger.stage != turn.stage:
        text = f"the customer enters the stage {trigger.stage} (it is in {turn.stage})"
        yield Change(text, (StageSet(trigger.stage, by(turn), WHY),)), {"customer.stage": trigger.stage}
    if trigger.leaving_stage and trigger.leaving_stage == turn.stage:
        for other in (name for name in turn.stages() if name != turn.stage):
            text = f"the customer leaves the stage {turn.stage}"
            yield Change(text, (StageSet(other, by(turn), WHY),)), {"customer.stage": other}


def _bands(turn: Turn, trigger: Trigger) -> Iterator[tuple[Change, Mapping[str, Value]]]:
    now = turn.band or "not known"
    if trigger.band and trigger.band != turn.band:
        text = f"the band becomes {trigger.band} (it is {now})"
        yield Change(text, (FactsReported(_score(turn, trigger.band)),)), {"customer.band": trigger.band}
    if trigger.leaving_band and trigger.leaving_band == turn.band:
        for other in (name for name in turn.life.bands if name != turn.band):
            text = f"the band is no longer {turn.band}"
            yield Change(text, (FactsReported(_score(turn, other)),)), {"customer.band": other}


def starts(trigger: Trigger) -> str:
    """What starts a play, as the end of a sentence that begins with "when"."""
    where = "" if trigger.where is None else f" with {trigger.where.text}"
    stays = "" if trigger.length is None else f" for {shown(trigger.length)}"
    if trigger.condition is not None:
        return f"{trigger.condition.text} becomes true{' and stays so' if stays else ''}{stays}"
    if trigger.date:
        days = abs(trigger.days)
        return (
            f"it is {days} days {'before' if trigger.days < 0 else 'after'} {trigger.date}"
            if days
            else f"{trigger.date} comes"
        )
    if trigger.every:
        return "its time comes round: " + ", then ".join(_row(row) for row in trigger.every)
    if trigger.by_hand:
        return "somebody starts it by hand"
    if trigger.event:
        return f"the event {trigger.event} comes{where}"
    if trigger.silence:
        return f"no {trigger.silence} comes{stays}"
    if trigger.stage or trigger.leaving_stage:
        return (
            f"the customer {'enters' if trigger.stage else 'leaves'} the stage {trigger.stage or trigger.leaving_stage}"
        )
    return f"the band {'becomes' if trigger.band else 'is no longer'} {trigger.band or trigger.leaving_band}"


def _row(row: Every) -> str:
    unit = row.unit.removesuffix("s")
    often = "never" if not row.amount else f"every {unit}" if row.amount == 1 else f"every {row.amount} {unit}s"
    end = "" if row.until_day is None else f" until day {row.until_day}"
    return often + end + ("" if row.condition is None else f" if {row.condition.text}")
