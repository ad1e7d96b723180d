"""What starts a play: something named happens to the customer, or time and facts alone say that it is time.

Named reasons (a stage, a band, an event) are told. The others are owed: a condition that has come true and stayed so, a
silence that has lasted, a date that is near, a cadence. What each of these has started already stands in `State.edges`,
so that nothing starts twice. A condition that holds already when a catalogue is applied, or when a customer is placed,
is noted and starts nothing: it has not *become* true. Source of the rules: docs/playbook-reference.md, "What starts a
play". A silence lasts: it starts its play when nothing has happened for so long and the customer qualifies, whichever
is later.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from lifecycle import calendar, conditions, entering
from lifecycle.actions import Expr, Length
from lifecycle.memo import once
from lifecycle.model import Edge, Value
from lifecycle.playbook import CONTRACT_END, Every, Manifest, Trigger
from lifecycle.releases import Releases
from lifecycle.turn import NOTHING, Turn

SIGNED_UP = "customer.signed_up"


@dataclass(frozen=True, slots=True)
class Reason:
    """One trigger of a current playbook; `key` names it in `State.edges`."""

    playbook: str
    key: str
    trigger: Trigger


@dataclass(frozen=True, slots=True)
class Index:
    """The triggers of a catalogue: `named` by kind and name, `timed` those that time or facts bring about, `silent` and
    `dated` the places of silences and of contracts' ends among these.
    """

    named: Mapping[tuple[str, str], tuple[Reason, ...]]
    timed: tuple[Reason, ...]
    silent: tuple[int, ...]
    dated: tuple[int, ...]


def key_of(playbook: str, number: int) -> str:
    """What a trigger of a playbook is called, by its place from 0."""
    return f"{playbook}#{number}" if number else playbook


@once
def _index(manifest: Manifest, releases: Releases) -> Index:
    """The index of a manifest, whose digests say all that it depends on."""
    named: dict[tuple[str, str], tuple[Reason, ...]] = {}
    timed: list[Reason] = []
    for playbook, digest in sorted(manifest.playbooks.items()):
        for number, trigger in enumerate(releases.playbook(digest).triggers):
            reason = Reason(playbook, key_of(playbook, number), trigger)
            for kind in ("stage", "leaving_stage", "band", "leaving_band", "event"):
                name = getattr(trigger, kind)
                if name:
                    named[kind, name] = (*named.get((kind, name), ()), reason)
            if trigger.condition is not None or trigger.silence or trigger.date or trigger.every:
                timed.append(reason)
    silent = tuple(place for place, reason in enumerate(timed) if reason.trigger.silence)
    dated = tuple(place for place, reason in enumerate(timed) if reason.trigger.date == CONTRACT_END)
    return Index(named, tuple(timed), silent, dated)


def _of(turn: Turn) -> Index:
    return _index(turn.manifest, turn.releases)


def tell(
    turn: Turn, kind: str, name: str, about: Mapping[str, Value] = NOTHING, *, since: datetime | None = None
) -> None:
    """Start every current playbook that waits for this.

    Args:
        turn: the step in the making.
        kind: `stage`, `leaving_stage`, `band`, `leaving_band` or `event`.
        name: which one.
        about: the facts that the event carried.
        since: when that was, if not now; what would have been due by now is then left to `turn.placing`.
    """
    told: set[str] = set()
    for reason in _of(turn).named.get((kind, name), ()):
        if reason.playbook not in told and turn.met(reason.trigger.where, about):
            told.add(reason.playbook)
            entering.enter(turn, reason.playbook, since or turn.at, about, reason=reason.key)


# --- what is owed -----------------------------------------------------------------------------------------------------


def check(turn: Turn) -> bool:
    """Start what time and facts have brought about by the turn's instant; True if anything was considered.

    Each trigger is looked at when its instant has come or something that it has read is another value.
    """
    if _rests(turn):
        return False
    until, timed, changed = _watched(turn), _of(turn).timed, False
    owed = _owed_by(until, turn.at)
    while owed:
        place = owed.pop()
        if _consider(turn, timed[place], place):
            changed = True
            turn.basis()
            _wake(turn, until)
            owed = _owed_by(until, turn.at, after=place)
    turn.watch.edges = turn.edges
    if not changed:
        turn.rest("triggers", *_read(turn), until=min(until.values(), default=None))
    return changed


def _owed_by(until: Mapping[int, datetime], at: datetime, after: int = -1) -> list[int]:
    """The triggers to be looked at by an instant, the first one last; of those that come after a place."""
    return sorted([place for place, when in until.items() if when <= at and place > after], reverse=True)


def _watched(turn: Turn) -> dict[int, datetime]:
    """When each trigger is to be looked at, given what has changed since all of them last were."""
    watch, index = turn.watch, _of(turn)
    if turn.anew or watch.manifest is not turn.manifest or watch.edges is not turn.edges:
        watch.until = dict.fromkeys(range(len(index.timed)), turn.at)
        turn.wakes.clear()
        turn.woken.clear()
        turn.anew = False
    else:
        moved = index.silent if watch.seen is not turn.seen else ()
        for place in (*moved, *(index.dated if watch.contracts is not turn.contracts else ())):
            watch.until[place] = turn.at
    watch.seen, watch.manifest, watch.contracts = turn.seen, turn.manifest, turn.contracts
    _wake(turn, watch.until)
    return watch.until


def _wake(turn: Turn, until: dict[int, datetime]) -> None:
    for place in turn.woken:
        until[place] = turn.at
    turn.woken.clear()


def _consider(turn: Turn, reason: Reason, place: int) -> bool:
    """Look at one trigger, and start what it owes by now; True if it owed anything."""
    turn.listen()
    condition = reason.trigger.condition
    found = list(_owed(turn, reason)) if condition is None else _watch(turn, reason, condition)
    for name in turn.heard():
        if name in turn.wakes:
            turn.wakes[name].add(place)
        else:
            turn.wakes[name] = {place}
    if not found:
        turn.watch.until.pop(place, None)
        return False
    for owed in found:
        if owed.at <= turn.at:
            turn.edges = {**turn.edges, owed.key: Edge(owed.mark)}
            if owed.starts:
                since = owed.at if turn.placing else turn.at
                entering.enter(turn, reason.playbook, since, owed.about, owed.day, reason.key)
    first = min([owed.at for owed in found])
    turn.watch.until[place] = max(first, turn.at)
    return first <= turn.at


def _rests(turn: Turn) -> bool:
    """Whether no trigger has read what is news, and the instant of none has come."""
    turn.basis()
    return not turn.anew and not turn.woken and turn.idle("triggers", *_read(turn))


def _read(turn: Turn) -> tuple[object, ...]:
    return turn.seen, turn.edges, turn.manifest, turn.contracts


def next_instant(turn: Turn) -> datetime | None:
    """The next instant at which a trigger is owed, if nothing else happens before."""
    return turn.until("triggers") if _rests(turn) else _next_instant(turn)


def _next_instant(turn: Turn) -> datetime | None:
    found = [owed.at for reason in _of(turn).timed for owed in _owed(turn, reason)]
    return min(found, default=None)


def note(turn: Turn) -> None:
    """Begin with a new catalogue: what holds already has started what it would; what is gone is forgotten."""
    timed = _of(turn).timed
    turn.edges = {key: edge for key, edge in turn.edges.items() if any(key.split("/")[0] == item.key for item in timed)}
    for reason in timed:
        trigger = reason.trigger
        known = any(key.split("/")[0] == reason.key for key in turn.edges)
        if known or (trigger.condition is not None and not turn.met(trigger.condition)):
            continue
        if trigger.silence:
            turn.edges = {**turn.edges, reason.key: Edge(_last(turn, trigger.silence))}
        elif not trigger.date:
            turn.edges = {**turn.edges, reason.key: Edge(turn.at)}


class _Owed(NamedTuple):
    """When one reason is owed next, what is then remembered under which key, and whether it starts a play or has passed
    it by.
    """

    key: str
    at: datetime
    mark: datetime
    starts: bool = True
    about: Mapping[str, Value] = NOTHING
    day: date | None = None


def _owed(turn: Turn, reason: Reason) -> Iterable[_Owed]:
    trigger, edge = reason.trigger, turn.edges.get(reason.key)
    if trigger.condition is not None:
        if edge is not None and not edge.started:
            yield _lasting(turn, reason, edge)
    elif trigger.silence:
        last = _last(turn, trigger.silence)
        entry = turn.releases.playbook(turn.current()[reason.playbook]).entry
        if (edge is None or edge.since != last) and turn.met(entry):
            yield _Owed(reason.key, _after(turn, last, trigger.length), last)
    elif trigger.date:
        yield from _dates(turn, reason)
    else:
        on = next_on(turn, trigger.every, None if edge is None else edge.since)
        if on is not None:
            at = calendar.midnight(on, turn.profile.zone)
            yield _Owed(reason.key, at, max(at, turn.clock if at <= turn.at else at), day=on)


def _watch(turn: Turn, reason: Reason, condition: Expr) -> list[_Owed]:
    """Note that a condition has become true, or is no longer; what it owes. Nothing else asks for it, so what it says
    is not kept.
    """
    edge = turn.edges.get(reason.key)
    if not conditions.holds(condition, turn.lookup):
        if edge is not None:
            turn.edges = {key: value for key, value in turn.edges.items() if key != reason.key}
        return []
    if edge is None:
        edge = Edge(turn.at, started=False)
        turn.edges = {**turn.edges, reason.key: edge}
    return [] if edge.started else [_lasting(turn, reason, edge)]


def _lasting(turn: Turn, reason: Reason, edge: Edge) -> _Owed:
    """What a condition owes that has become true: a start when it has been so for long enough."""
    return _Owed(reason.key, _after(turn, edge.since, reason.trigger.length), edge.since)


def _last(turn: Turn, event: str) -> datetime:
    """When an event last happened; the signup where it never did."""
    return turn.seen.get(event) or turn.seen.get(SIGNED_UP) or turn.as_of


def _after(turn: Turn, start: datetime, length: Length | None) -> datetime:
    return start if length is None else turn.later(start, length, turn.profile.zone)


def _dates(turn: Turn, reason: Reason) -> Iterator[_Owed]:
    """A date that lies ahead may be told late, and the play then starts late; one that has passed starts nothing."""
    for key, day, about in _days(turn, reason):
        mark = calendar.midnight(day, turn.profile.zone)
        at = calendar.midnight(calendar.plus(day, reason.trigger.days), turn.profile.zone)
        edge = turn.edges.get(key)
        if edge is None or edge.since != mark:
            last = max(at, mark) + timedelta(days=1)
            yield _Owed(key, at, mark, turn.at < last, about, day)


def _days(turn: Turn, reason: Reason) -> Iterator[tuple[str, date, Mapping[str, Value]]]:
    if reason.trigger.date == CONTRACT_END:
        for contract in turn.contracts:
            about: dict[str, Value] = {"contract.id": contract.id, CONTRACT_END: contract.ends_on.isoformat()}
            yield f"{reason.key}/{contract.id}", contract.ends_on, about
        return
    value = turn.lookup(reason.trigger.date)
    day = conditions.as_date(value)
    if day is not None:
        yield reason.key, day, {}


def next_on(turn: Turn, rows: tuple[Every, ...], after: datetime | None) -> date | None:
    """The first day of a cadence after an instant (None: after day 0); None when no row applies any more."""
    origin = turn.profile.signed_up_on
    last = origin if after is None else max(origin, calendar.local(after, turn.profile.zone).date())
    for row in rows:
        if turn.met(row.condition):
            if not row.amount:
                return None
            day = calendar.next_of(origin, row.amount, row.unit, last)
            if row.until_day is None or (day - origin).days <= row.until_day:
                return day
    return None
