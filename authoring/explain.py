"""Why a customer is in a playbook or not, what comes next, and what would change that.

Everything is asked of the core itself: whether a play would start is answered by starting it on a copy, when it starts
by letting time pass on one, and a change is suggested only after it was told to one and the verdict flipped. What
happened before the state comes from the stored decisions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, zip_longest
from typing import Literal, Protocol

from authoring import changes
from authoring.changes import Change
from authoring.clauses import Clause, clause, clauses
from lifecycle import calendar, engine, entering, retries, touches
from lifecycle.actions import Expr, Wait
from lifecycle.course import Course, Run
from lifecycle.messages import DueReached, Event, FactsReported, PlayRequested, PlayStopRequested, Returned
from lifecycle.model import SETTLED, Play, Retry, State, Value
from lifecycle.playbook import Playbook, Step, Trigger
from lifecycle.releases import Releases
from lifecycle.turn import Turn

AHEAD = timedelta(days=400)
"""How far time is let pass to see when something starts by itself: over a year, so that yearly cadences show."""
_TRIED = 40
"""Changes that are tried before none is suggested."""

Verdict = Literal["running", "ended", "never"]


class Past(Protocol):
    """A decision of the past, as the store or the core has it."""

    @property
    def at(self) -> datetime: ...
    @property
    def playbook(self) -> str: ...
    @property
    def play(self) -> int: ...
    @property
    def step(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Open:
    """A step that is not settled. `at`: when it is looked at next; None: not before something else happens.
    `condition`: what it is judged by then, or what it waits for. `change`: what would meet it, or turn it over.
    """

    step: str
    kind: str
    to: str
    at: datetime | None
    why: str
    place: str
    condition: tuple[Clause, ...] = ()
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A play. `leaves`: its exit and goal as they stand."""

    key: str
    since: datetime
    why: str
    steps: tuple[Open, ...]
    leaves: tuple[tuple[str, Clause], ...] = ()


@dataclass(frozen=True, slots=True)
class Explained:
    """One playbook for one customer.

    `reason`: in a sentence. `triggers`: what starts it, in words, and how their conditions stand. `entry`: clause
    by clause, as it stands now. `starts_at`: when it starts by itself if nothing else happens; None: not within
    `AHEAD`. `change`: the smallest thing found that flips whether it runs; None: nothing known does. `put_off`: what
    fired and has not gone yet, also of plays that are over, with when it is tried again.
    """

    playbook: str
    title: str
    place: str
    verdict: Verdict
    reason: str
    plays: tuple[Running, ...]
    triggers: tuple[str, ...]
    entry: tuple[Clause, ...]
    starts_at: datetime | None
    change: Change | None
    past: tuple[Past, ...] = ()
    put_off: tuple[Open, ...] = ()


# --- the state as of now ----------------------------------------------------------------------------------------------


def as_of(releases: Releases, state: State, events: Iterable[tuple[datetime, Event]], now: datetime) -> State:
    """A state brought up to an instant: what was accepted since is told, what was owed by then is done."""
    run = Run(Course(releases, state))
    for at, event in events:
        instant = max(at, state.as_of)
        run.reach(instant)
        run.take(event, instant)
        state = run.course.state()
    run.reach(now)
    if now > run.course.state().as_of:
        run.take(DueReached(), now)
    return run.course.state()


def after(releases: Releases, state: State, change: Change) -> State:
    """The state once a change has happened."""
    run = Run(Course(releases, state))
    at = max(change.at or state.as_of, state.as_of)
    run.reach(at)
    for event in change.events:
        run.take(event, at)
    run.reach(at + change.lasts)
    return run.course.state()


# --- what is asked ----------------------------------------------------------------------------------------------------


def explain(releases: Releases, state: State, past: Sequence[Past] = (), only: str = "") -> tuple[Explained, ...]:
    """Explain every current playbook, and each that still runs, by name; or one.

    Args:
        releases: every release that the state names.
        state: of the customer, as of now.
        past: the stored decisions, oldest first.
        only: the name of one playbook; empty: all.
    """
    asked = _Asked(releases, state)
    running = {play.playbook for play in asked.turn.running()}
    names = sorted({*asked.turn.current(), *running})
    return tuple(
        asked.about(name, [item for item in past if item.playbook == name]) for name in names if only in ("", name)
    )


class _Asked:
    """One customer, asked about."""

    def __init__(self, releases: Releases, state: State) -> None:
        self.releases, self.state = releases, state
        self.turn = Turn(releases, state)
        self.next = {(item.playbook, item.play, item.step): item for item in engine.upcoming(releases, state)}
        self.begins = self._begins()

    def _begins(self) -> Mapping[str, datetime]:
        """When each playbook starts next, if nothing happens but time."""
        run = Run(Course(self.releases, self.state))
        run.reach(self.state.as_of + AHEAD)
        found: dict[str, datetime] = {}
        for item in run.decisions:
            if item.play and item.what == "play" and item.verdict == "fired" and item.reason.startswith("started"):
                found.setdefault(item.playbook, item.at)
        return found

    def about(self, name: str, past: Sequence[Past]) -> Explained:
        turn = self.turn
        plays = [play for play in turn.running() if play.playbook == name]
        digest = turn.current().get(name) or plays[0].release
        book = turn.releases.playbook(digest)
        verdict, reason = self._verdict(book, plays, past)
        return Explained(
            name,
            book.title,
            book.place(""),
            verdict,
            reason,
            tuple(self._running(play, past) for play in plays),
            tuple(self._starts(trigger) for trigger in book.triggers),
            clauses(turn, book.entry),
            self.begins.get(name),
            self._change(book, plays),
            tuple(past),
            tuple(self._put_off(name)),
        )

    def _verdict(self, book: Playbook, plays: Sequence[Play], past: Sequence[Past]) -> tuple[Verdict, str]:
        if plays:
            return "running", f"running since {_day(plays[0].started_at, plays[0].zone)}{self._held(book)}"
        last = next((item for item in reversed(past) if item.what == "play" and item.play), None)
        zone = self.turn.profile.zone
        ends = "".join(f"it would end at once: {self.turn.because(expr)}" for expr in _done(self.turn, book)[:1])
        again = self.refusal(book)
        stands = f"it would not start now: {again}" if again else ends or "nothing but its trigger is missing"
        ended = self.turn.ended.get(book.name)
        if ended is None:
            said = f"; refused on {_day(last.at, zone)}: {last.reason}" if last and last.verdict == "skipped" else ""
            return "never", f"never started{said}; {stands}"
        how = f" ({last.reason.removeprefix('ended: ')})" if last and last.reason.startswith("ended") else ""
        return "ended", f"ended on {_day(ended, zone)}{how}; {stands}"

    def _starts(self, trigger: Trigger) -> str:
        """What starts a play; of a condition besides how it stands."""
        text = changes.starts(trigger)
        return text if trigger.condition is None else f"{text} (now: {self.turn.because(trigger.condition)})"

    def _held(self, book: Playbook) -> str:
        """Which hold keeps back what it does, if one does."""
        hold = self.turn.holds.get(book.name) or self.turn.holds.get("")
        return f"; on hold since {_day(hold.since, self.turn.profile.zone)}: {hold.reason}" if hold else ""

    def refusal(self, book: Playbook) -> str:
        """What the core says when a person asks for a play now; empty where it would start."""
        who = changes.by(self.turn)
        if not who:
            return "nobody of ours has a role for this customer"
        run = Run(Course(self.releases, self.state))
        run.take(PlayRequested(book.name, who), self.state.as_of)
        text = run.replies[0].reply.text
        return "" if run.replies[0].reply.result == "done" else text.removeprefix("Not started: ").removesuffix(".")

    # --- plays --------------------------------------------------------------------------------------------------------

    def _running(self, play: Play, past: Sequence[Past]) -> Running:
        turn, book = self.turn, self.turn.book(play)
        leaves = [("exit", book.exit), ("goal", book.goal)]
        return Running(
            play.key,
            play.started_at,
            self._entered(play, book, past),
            tuple(self._open(play, book, step) for step in self._still_open(play)),
            tuple((name, clause(turn, expr, play.about)) for name, expr in leaves if expr is not None),
        )

    def _still_open(self, play: Play) -> Iterator[Step]:
        """The steps in which something is still to come, those of other branches left out."""
        for step in self.turn.book(play).steps:
            progress = play.steps.get(step.id)
            planned = (play.playbook, play.number, step.id) in self.next
            if planned or (progress is not None and progress.status not in SETTLED):
                yield step

    def _put_off(self, playbook: str) -> Iterator[Open]:
        """What fired and has not gone yet, the first to be tried again first: its decision says no more than fired."""
        for item in sorted(self.state.retries, key=lambda item: item.at):
            touch = touches.read(item.command["touch"])
            play = self.turn.play(touch.play)
            if play is None or play.playbook != playbook:
                continue
            name, book = play.step_of(touch.step), self.turn.book(play)
            step, to = self.turn.index(play).get(name), item.command.get("to", "")
            kind = step.action.kind if step is not None and touch.part == "send" else touch.part
            roles = next((one.roles for one in self.state.contacts if one.id == to), ())
            yield Open(name, kind, ", ".join(roles) or to, item.at, _kept_by(play, item), book.place(name))

    def _entered(self, play: Play, book: Playbook, past: Sequence[Past]) -> str:
        """Why a play started: as the trace says it, else by its triggers."""
        said = next(
            (i for i in past if i.play == play.number and i.what == "play" and i.reason.startswith("started")), None
        )
        about = f" about {play.subject}" if play.subject else ""
        text = said.reason if said else f"started{about}; day 0 is {play.anchor.isoformat()}"
        return f"{text}; it starts when {' or '.join(changes.starts(item) for item in book.triggers)}"

    def _open(self, play: Play, book: Playbook, step: Step) -> Open:
        turn = self.turn
        due = self.next.get((play.playbook, play.number, step.id))
        progress = play.steps.get(step.id)
        waits = isinstance(step.action, Wait) and progress is not None
        expr = (
            step.action.until
            if waits and isinstance(step.action, Wait)
            else step.condition
            if progress is None
            else None
        )
        return Open(
            step.id,
            step.action.kind,
            ", ".join(step.to),
            None if due is None else due.at,
            self._waiting(play, step, "" if due is None else due.reason),
            book.place(step.id),
            clauses(turn, expr, play.about),
            None if expr is None else self._turned(play, step, expr),
        )

    def _waiting(self, play: Play, step: Step, reason: str) -> str:
        """What an open step waits for. Of one that is held the reason is in the trace; the core keeps the instant."""
        progress = play.steps.get(step.id)
        since = "" if progress is None else f" since {_day(progress.at, play.zone)}"
        return f"{reason}{since}" if progress is not None and progress.status in ("asked", "waiting") else reason

    def _turned(self, play: Play, step: Step, expr: Expr) -> Change | None:
        """What would meet a wait, or turn over what a step is judged by."""
        want = not self.turn.met(expr, play.about)
        if not isinstance(step.action, Wait) or play.steps.get(step.id) is None:
            return next(changes.turning(self.turn, expr, play.about, want=want, keep=frozenset(play.about)), None)
        for change in islice(changes.turning(self.turn, expr, keep=frozenset(play.about)), _TRIED):
            left = next((item for item in after(self.releases, self.state, change).plays if item.key == play.key), None)
            if left is not None and left.steps[step.id].status == "met":
                return change
        return None

    # --- what would change it -----------------------------------------------------------------------------------------

    def _change(self, book: Playbook, plays: Sequence[Play]) -> Change | None:
        tried = self._endings(plays[0]) if plays else self._beginnings(book)
        first = islice(tried, _TRIED)
        return next((item for item in sorted(first, key=_size) if self.flips(book.name, item)), None)

    def flips(self, playbook: str, change: Change) -> bool:
        """Whether a change makes a playbook that does not run start, or ends a play of one that does."""
        found = after(self.releases, self.state, change)
        ours = {play.key for play in self.turn.running() if play.playbook == playbook}
        if ours:
            return not ours <= {play.key for play in found.plays if not play.over}
        if found.counters.get(playbook, 0) <= self.state.counters.get(playbook, 0):
            return False
        book = self.releases.playbook(self.turn.current()[playbook])
        return any(play.playbook == playbook for play in found.plays) or not _done(Turn(self.releases, found), book)

    def _endings(self, play: Play) -> Iterator[Change]:
        book = self.turn.book(play)
        for expr in (book.exit, book.goal):
            if expr is not None:
                yield from changes.turning(self.turn, expr, play.about, keep=frozenset(play.about))
        if changes.by(self.turn):
            yield Change("somebody stops it", (PlayStopRequested(play.key, changes.by(self.turn), changes.WHY),))

    def _beginnings(self, book: Playbook) -> Iterator[Change]:
        """First what needs its trigger only, then what needs more; a cool-down is waited for. Triggers take turns, so
        that one with many ways leaves tries to the others.
        """
        sparks = changes.sparks(self.turn, book)
        for at in self._instants(book):
            ways = (self._begun(book, those, at) for those in sparks)
            yield from (change for turns in zip_longest(*ways) for change in turns if change is not None)

    def _begun(
        self, book: Playbook, sparks: Iterable[tuple[Change, Mapping[str, Value]]], at: datetime | None
    ) -> Iterator[Change]:
        for spark, about in sparks:
            for fix in self._fixes(book, about):
                text = " and ".join(part for part in (fix.text, spark.text) if part)
                yield replace(spark, text=text, events=(*fix.events, *spark.events), at=at)

    def _fixes(self, book: Playbook, about: Mapping[str, Value]) -> Iterator[Change]:
        """What may be needed besides the trigger: nothing, that the customer comes back, that entry is met, that exit
        and goal are not.
        """
        needs = [book.entry.tree] if book.entry is not None else []
        needs += [("not", expr.tree) for expr in _done(self.turn, book)]
        back = Change("the customer comes back", (Returned(),)) if entering.left(self.turn, book) else Change("")
        yield back
        for fix in changes.turning(self.turn, Expr("", ("and", *needs)), about, keep=frozenset(about)) if needs else ():
            yield replace(fix, events=(*back.events, *fix.events))

    def _instants(self, book: Playbook) -> tuple[datetime | None, ...]:
        """Now, and when a cool-down is over."""
        ended = self.turn.ended.get(book.name)
        if ended is None or book.cooldown is None:
            return (None,)
        again = self.turn.later(ended, book.cooldown, self.turn.profile.zone)
        return (None, again) if again > self.state.as_of else (None,)


def _kept_by(play: Play, item: Retry) -> str:
    """Why what fired has not gone."""
    if item.why == "unknown":
        return "it may have arrived, and its provider is asked again then"
    if retries.awaits_answer(play, item):
        return "their reply waits for an answer, and it is tried again then"
    return "a hold keeps it back until then" if item.held else "its provider puts it off until then"


def _done(turn: Turn, book: Playbook) -> tuple[Expr, ...]:
    """Of exit and goal, those that a play of this would end by at once."""
    return tuple(expr for expr in (book.exit, book.goal) if expr is not None and turn.met(expr))


def _size(change: Change) -> tuple[bool, int]:
    """Now before later, then the fewest things that must happen."""
    facts = sum(len(item.facts) - 1 for item in change.events if isinstance(item, FactsReported))
    return change.at is not None, len(change.events) + facts


def _day(at: datetime, zone: str) -> str:
    return calendar.local(at, zone).date().isoformat()
