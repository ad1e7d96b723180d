"""Where a customer stands: stages by criteria and day windows, renewal phases by contract dates; bands: `scoring`.

Source of the rules: the standard journey; others have some of the stages, with windows, criteria and owners of their
own, and the days by which milestones are wanted. A later stage is entered when its predecessor's criterion is met, not
before its own window opens; a window that ends with the criterion unmet keeps the customer where it is, gives the
stage's owner a task and shows *overdue*. Where the chart has a `window_ended` move (new to onboarding), the end of the
window moves, and a criterion met earlier does not wait.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from lifecycle import calendar, conditions, machine, scoring, triggers
from lifecycle.actions import Length
from lifecycle.altered import altered
from lifecycle.commands import RaiseTask
from lifecycle.messages import Churned, Returned
from lifecycle.model import Contract
from lifecycle.playbook import OUTSIDE_STAGES, StageSpec, Target
from lifecycle.turn import Turn

_WANTED = "wanted"


def _spec(turn: Turn) -> StageSpec | None:
    return turn.stages().get(turn.stage)


def _onward(turn: Turn, event: str) -> str | None:
    """Where an event leads in the customer's journey."""
    return machine.onward(turn.stage, event, turn.stages())


def _opens_at(turn: Turn, stage: str) -> datetime:
    """When a stage's day window opens; the beginning of the customer's time for a stage without one."""
    spec = turn.stages().get(stage)
    return calendar.midnight(calendar.plus(turn.profile.signed_up_on, spec.from_day if spec else 0), turn.profile.zone)


def _ends_at(turn: Turn, spec: StageSpec) -> datetime | None:
    if spec.to_day is None:
        return None
    return calendar.midnight(calendar.plus(turn.profile.signed_up_on, spec.to_day + 1), turn.profile.zone)


def _done_move(turn: Turn, spec: StageSpec) -> tuple[str, datetime] | None:
    """The stage that the met criterion leads to and when its window opens; None while unmet, or placed here by a
    person.
    """
    target = _onward(turn, "criterion_met")
    if target is None or spec.criterion is None or turn.pinned or not turn.met(spec.criterion):
        return None
    gated = machine.move("journey", turn.stage, "window_ended") is None
    return target, _opens_at(turn, target) if gated else turn.at


def advance(turn: Turn) -> bool:
    """Make the one move, or notice the one overdue window, owed at the turn's instant; True if there was one."""
    turn.basis()
    if not turn.idle("journey", *_read(turn)):
        turn.listen()
        moved = _stage(turn) or _wanted(turn) or _phase(turn)
        until = None if moved else _next_instant(turn)
        turn.heard("journey")
        if moved:
            return True
        turn.rest("journey", *_read(turn), until=until)
    return scoring.follow(turn)


def _read(turn: Turn) -> tuple[object, ...]:
    return turn.pinned, turn.overdue, turn.stage, turn.contracts


def _stage(turn: Turn) -> bool:
    spec = _spec(turn)
    if spec is None:
        return _pass_by(turn)
    if turn.pinned and not turn.met(spec.criterion):
        turn.pinned = False
    done = _done_move(turn, spec)
    if done is not None and done[1] <= turn.at:
        reason = turn.because(spec.criterion) if spec.criterion else ""
        enter(turn, done[0], f"{spec.name} is done: {reason}")
        return True
    ends = _ends_at(turn, spec)
    if ends is None or ends > turn.at or turn.overdue or done is not None:
        return False
    target = _onward(turn, "window_ended")
    if target is not None:
        enter(turn, target, f"day {spec.to_day} is over")
        return True
    _overdue(turn, spec)
    return True


def _pass_by(turn: Turn) -> bool:
    """Move on from a stage that the customer's journey does not have: it is on another one now."""
    target = _onward(turn, "criterion_met")
    if target is None:
        return False
    enter(turn, target, f"the journey {turn.profile.journey} has no stage {turn.stage}")
    return True


def first(turn: Turn) -> str:
    """The stage that a customer signs up into: the first of its journey."""
    if turn.stage in turn.stages():
        return turn.stage
    return _onward(turn, "criterion_met") or turn.stage


def enter(turn: Turn, stage: str, reason: str) -> None:
    """Put the customer into a stage and start what that triggers."""
    before = turn.stage
    turn.stage, turn.moved, turn.overdue, turn.pinned = stage, turn.at, False, False
    turn.decide_life(stage, "stage", "fired", reason)
    if before != stage:
        triggers.tell(turn, "leaving_stage", before)
    triggers.tell(turn, "stage", stage)


def place(turn: Turn, stage: str, reason: str) -> None:
    """Put the customer into a stage on a person's word: neither a criterion that holds already nor a window that is
    over moves it on.
    """
    enter(turn, stage, reason)
    spec = _spec(turn)
    ends = _ends_at(turn, spec) if spec else None
    turn.pinned, turn.overdue = True, ends is not None and ends <= turn.at


def settle(turn: Turn, stage: str) -> datetime | None:
    """Take a stage, and phases, band and windows as they stand, for a customer who came this far without us: nothing is
    triggered, and nobody is asked for what is past.

    Returns:
        Since when the customer may have been in the stage, by the stage's window; None for one without a window.
    """
    turn.stage = stage
    turn.contracts = tuple(_caught_up(turn, contract) for contract in turn.contracts)
    scoring.settle(turn)
    spec = _spec(turn)
    if spec is None:
        turn.moved = turn.at
        return None
    ends, done = _ends_at(turn, spec), _done_move(turn, spec)
    turn.overdue = ends is not None and ends <= turn.at
    turn.pinned = done is not None and done[1] <= turn.at
    turn.moved = min(_opens_at(turn, stage), turn.at)
    return turn.moved


def _caught_up(turn: Turn, contract: Contract) -> Contract:
    owed = _phase_due(turn, contract)
    return altered(contract, phase=owed[0]) if owed is not None and owed[1] <= turn.at else contract


def _overdue(turn: Turn, spec: StageSpec) -> None:
    turn.overdue = True
    if turn.pinned:
        unmet = "a person placed the customer here"
    else:
        unmet = turn.because(spec.criterion) if spec.criterion else "no criterion"
    late = f"{spec.name} is overdue since day {spec.to_day}"
    turn.decide_life(spec.name, "stage", "waiting", f"{late}: {unmet}", spec.owner)
    _ask(turn, spec.name, "overdue", spec.owner, f"{late.capitalize()}. {_to_do(turn, spec)}")


def _targets(turn: Turn) -> Iterator[tuple[Target, datetime]]:
    """What the journey wants of a customer who is here, each with the instant at which its day is over."""
    if turn.stage not in OUTSIDE_STAGES:
        for target in turn.targets():
            day = calendar.plus(turn.profile.signed_up_on, target.day + 1)
            yield target, calendar.midnight(day, turn.profile.zone)


def _wanted(turn: Turn) -> bool:
    """Say of a milestone that its day has just ended without it, and ask its owner for it. Each is judged at that one
    instant: what is lost again later, or was over before the customer came here, is nobody's task.
    """
    for target, over_at in _targets(turn):
        name = f"{target.milestone}-{_WANTED}"
        if over_at != turn.at or name in turn.counters or turn.milestone(target.milestone):
            continue
        late = f"{turn.life.milestones[target.milestone].title} was wanted by day {target.day}"
        turn.decide_life(target.milestone, "milestone", "waiting", f"{late}: not reached", target.owner)
        if target.owner and not _asked(turn, target):
            _ask(turn, target.milestone, _WANTED, target.owner, f"{late}. Help them get there, or agree a new day.")
        turn.counters = {**turn.counters, name: 1}
        return True
    return False


def _asked(turn: Turn, target: Target) -> bool:
    """Whether the same person is asked for it already, by the task of the stage whose window has ended with the day."""
    spec = _spec(turn)
    if spec is None or spec.criterion is None or spec.owner != target.owner or not turn.overdue:
        return False
    return _ends_at(turn, spec) == turn.at and f"milestones.{target.milestone}" in conditions.names(spec.criterion)


def ask_owner(turn: Turn, what: str, title: str) -> None:
    """Ask whoever owns the customer where it stands to look at something; of one who left, a manager."""
    spec = _spec(turn)
    _ask(turn, what, "look", spec.owner if spec else next(iter(turn.life.managers), ""), title)


def _ask(turn: Turn, what: str, why: str, role: str, title: str) -> None:
    """Work that the lifecycle itself asks of a person; without anyone in the role the trace alone says so."""
    person = turn.teammate(role)
    if person is None:
        turn.decide_life(what, "task", "failed", f"nobody is {role}", role)
        return
    name = f"{what}-{why}"
    times = turn.counters.get(name, 0) + 1
    turn.counters = {**turn.counters, name: times}
    touch = f"{turn.customer}/{turn.life.name}/0/{name}/{times}/task/{person.id}"
    due_at = turn.later(turn.at, Length(1, "business_days"), person.zone, team=True)
    release = turn.manifest.lifecycle
    turn.commands.append(RaiseTask(touch, release, what, person.id, turn.at, due_at, title))


def _to_do(turn: Turn, spec: StageSpec) -> str:
    """What the owner of an overdue stage can do about it, in the words of the milestones."""
    named = conditions.names(spec.criterion) if spec.criterion and not turn.pinned else ()
    titles = [
        milestone.title
        for name in named
        if (milestone := turn.life.milestones.get(name.removeprefix("milestones."))) is not None
        and turn.lookup(name) is not True
    ]
    missing = f"Still missing: {', '.join(titles)}. " if titles else ""
    return f"{missing}Help them get there, or move the customer on."


def leave_or_return(turn: Turn, event: Churned | Returned) -> None:
    """Take that a customer left, or is back."""
    left = isinstance(event, Churned)
    target = machine.move("journey", turn.stage, "churn" if left else "come_back")
    if target is None:
        turn.decide_life(turn.stage, "stage", "skipped", "has left already" if left else "has not left")
        return
    why = f"the customer left: {event.reason or 'no reason given'}" if isinstance(event, Churned) else "came back"
    enter(turn, target, why)


def sign(turn: Turn, contract: Contract) -> None:
    """Take a new contract, or the new end of one."""
    before = next((item for item in turn.contracts if item.id == contract.id), None)
    others = (item for item in turn.contracts if item.id != contract.id)
    turn.contracts = (*others, after(before, contract))


def after(before: Contract | None, contract: Contract) -> Contract:
    """A contract as it is told of after what was known of it. A term that follows another starts on the day after it,
    and what was said of the contract stays said.
    """
    if before is None:
        return contract
    follows = contract.ends_on > before.ends_on
    starts = calendar.plus(before.ends_on, 1) if follows else before.starts_on
    auto = before.auto_renews if contract.auto_renews is None else contract.auto_renews
    return altered(contract, starts_on=contract.starts_on or starts, auto_renews=auto)


def _phase_due(turn: Turn, contract: Contract) -> tuple[str, datetime] | None:
    """The latest phase whose day has come, or else the next one to come, with its instant; None when the renewal is
    complete.
    """
    found = None
    for phase in turn.journey.phases:
        if machine.move("renewal", contract.phase or "idle", f"{phase.name}_due") is None:
            continue
        at = calendar.midnight(calendar.plus(contract.ends_on, -phase.days_before), turn.profile.zone)
        if at > turn.at:
            return found or (phase.name, at)
        found = (phase.name, at)
    return found


def _phase(turn: Turn) -> bool:
    read = turn.contracts, turn.profile, turn.life
    if turn.idle("phases", *read):
        return False
    found = []
    for contract in turn.contracts:
        owed = _phase_due(turn, contract)
        if owed is None:
            continue
        if owed[1] <= turn.at:
            moved = altered(contract, phase=owed[0])
            turn.contracts = tuple(moved if item.id == contract.id else item for item in turn.contracts)
            turn.decide_life(owed[0], "phase", "fired", f"contract ends on {contract.ends_on.isoformat()}")
            return True
        found.append(owed[1])
    turn.rest("phases", *read, until=min(found, default=None))
    return False


def next_instant(turn: Turn) -> datetime | None:
    """The next instant at which the calendar alone moves something: a window opening or ending, a renewal phase."""
    return turn.until("journey") if turn.idle("journey", *_read(turn)) else _next_instant(turn)


def _next_phase(turn: Turn) -> Iterable[datetime]:
    """When the renewal of each contract goes on."""
    if turn.idle("phases", turn.contracts, turn.profile, turn.life):
        until = turn.until("phases")
        return () if until is None else (until,)
    return (owed[1] for contract in turn.contracts if (owed := _phase_due(turn, contract)) is not None)


def _next_instant(turn: Turn) -> datetime | None:
    found = [*_next_phase(turn), *(at for _, at in _targets(turn) if at > turn.at)]
    spec = _spec(turn)
    if spec is not None:
        done = _done_move(turn, spec)
        ends = _ends_at(turn, spec)
        if done is not None:
            found.append(done[1])
        elif ends is not None and not turn.overdue:
            found.append(ends)
    return min(found, default=None)
