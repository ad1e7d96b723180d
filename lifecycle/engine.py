"""The core: what one event means for one customer. `step` is pure and total; everything else here only reads.

Theory of operation. A step first makes up for every instant that was owed up to `now`, in order, each decided at its
own nominal instant;
then takes the event; then draws the consequences until nothing changes: stage, phase and band moves, exits, waits that
are met, steps that are due.
So after a step nothing is owed at or before `now`, and `next_due` is always later. The shell does the same with
`DueReached` per instant, which
tells besides how late it is.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from lifecycle import (
    answers,
    calendar,
    contacts,
    effects,
    handing,
    happening,
    holding,
    journey,
    machine,
    merging,
    moving,
    plays,
    questions,
    requests,
    responses,
    retries,
    schedule,
    scoring,
    triggers,
)
from lifecycle.commands import Command
from lifecycle.messages import (
    Absorbed,
    ApprovalAnswered,
    BatchSettled,
    CatalogueApplied,
    Churned,
    ContactChanged,
    ContactLeft,
    ContactRestored,
    ContactSuppressed,
    ContractSigned,
    DueReached,
    EmailReplied,
    Event,
    FactsReported,
    Happened,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    Merged,
    MilestoneTicked,
    Outcome,
    PlayRequested,
    PlayStopRequested,
    ProfileChanged,
    Returned,
    SendsReleased,
    SignedUp,
    StageSet,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Decision, Play, Profile, State
from lifecycle.playbook import Step
from lifecycle.releases import Releases
from lifecycle.staffing import TeamChanged
from lifecycle.triggers import SIGNED_UP
from lifecycle.turn import ON_TIME, UNKNOWN, Turn

FLUSH_AFTER = timedelta(days=1)
"""How long a decision may wait for a batch; `next_due` wakes the shell for it, and the shell must then agree that it
is time.
"""


class ClockWentBackError(ValueError):
    """`now` is before the state's `as_of`: the shell is broken, not the playbook."""

    def __init__(self, now: datetime, as_of: datetime) -> None:
        super().__init__(f"the clock went back: now is {now.isoformat()}, the state is of {as_of.isoformat()}")


def begin(customer: str, catalogue: str, event: SignedUp, *, now: datetime, spread: bool) -> State:
    """The state before the first step, which must be `step(..., event)` at the same `now`. `customer`: our own opaque
    id.
    """
    return State(customer, now, catalogue, event.profile, moved=now, spread=spread)


def step(releases: Releases, state: State, event: Event, *, now: datetime, issued: tuple[Command, ...] = ()) -> Outcome:
    """Say what one event means for one customer.

    Pure and total: equal arguments give equal outcomes anywhere, and no event raises in any state; what does not apply
    is left alone and
    said so in `decisions`.

    Args:
        releases: every release the state names, by digest.
        state: as returned by the previous step; survives a JSON round trip unchanged.
        event: what happened.
        now: the customer's time when the shell took the event up. Aware, UTC, not before `state.as_of`.
        issued: with `BatchSettled`, the commands of that batch, so that those to be tried again are not lost.

    Returns:
        The next state; commands in the order to issue, each with a touch that is the same on every replay; the
        decisions made, in order; a
        reply when a person waits for one.

    Raises:
        ClockWentBackError: `now` is before `state.as_of`; the shell is broken, not the playbook.
        ReleaseMissingError: the state names a release that is not at hand.

    Source: docs/decisions/0002-one-pure-step.md; tests/lifecycle/test_laws.py states the laws.
    """
    turn = Turn(releases, state)
    tell(turn, event, now, issued)
    return Outcome(turn.state(), tuple(turn.commands), tuple(turn.decisions), turn.reply)


def tell(turn: Turn, event: Event, now: datetime, issued: tuple[Command, ...]) -> None:
    """Take one event on a scratch sheet, as `step` does with one of its own."""
    if now < turn.as_of:
        raise ClockWentBackError(now, turn.as_of)
    turn.begin()
    late_clock = event.clock if isinstance(event, DueReached) and event.late_for >= ON_TIME else None
    if now != turn.done_at:
        _catch_up(turn, now, late_clock)
    turn.at = now
    turn.clock = now if late_clock is None else max(now, late_clock)
    if not isinstance(event, DueReached) or turn.drawn_at != (turn.at, turn.clock):
        _apply(turn, event, issued)
        _consequences(turn)
    questions.forget(turn)
    turn.end(now)


def deliver(turn: Turn) -> bool:
    """Take that all commands of the last step were sent at once and every decision was stored: in one go what
    `BatchSettled` says. False when there was nothing to send or to store.

    What arrives moves no due and no rule reads it, but for the end of a play that has only waited for it.
    """
    if not turn.commands and not turn.records:
        return False
    issued, turn.records = turn.commands, ()
    turn.begin()
    for command in issued:
        effects.sent(turn, command.touch)
    if len(turn.running()) < len(turn.plays):
        _consequences(turn)
        questions.forget(turn)
    turn.end(turn.as_of)
    return True


def _catch_up(turn: Turn, now: datetime, late_clock: datetime | None) -> None:
    while (owed := _next_due(turn)) is not None and owed <= now:
        turn.at = turn.clock = max(owed, turn.at)
        if late_clock is not None:
            turn.clock = max(turn.at, late_clock)
        _consequences(turn)


def _consequences(turn: Turn) -> None:
    """Draw what follows until nothing changes. Finished plays end last, so that a step they open in the same instant
    still counts.

    It ends: stages and phases only move forward, a band follows the one score, every rule about plays settles
    something or moves it to a later instant, and steps set each other off in a chain of limited length.
    """
    turn.chain, turn.owed = 0, UNKNOWN
    while SIGNED_UP in turn.seen and (_moves(turn) or retries.run(turn) or plays.run_due(turn) or plays.finish(turn)):
        pass
    turn.drawn_at = turn.at, turn.clock


_MOVES: tuple[Callable[[Turn], bool], ...] = (
    journey.advance,
    triggers.check,
    plays.check_exits,
    plays.check_waits,
)
"""What conditions and the calendar set off."""


def _moves(turn: Turn) -> bool:
    if turn.still():
        return False
    if turn.merged:
        turn.hush(None)
        return False
    for rule in (scoring.follow,) if turn.quiet() else _MOVES:
        if rule(turn):
            return True
    turn.hush(turn.first_until("journey", "triggers", "health"))
    return False


def _moves_at(turn: Turn) -> datetime | None:
    """When the calendar moves something next; never for a customer that goes on as another one."""
    if turn.merged:
        return None
    found = (journey.next_instant(turn), triggers.next_instant(turn), scoring.next_instant(turn))
    return min((at for at in found if at is not None), default=None)


def _apply(turn: Turn, event: Event, issued: tuple[Command, ...]) -> None:
    match event:
        case SignedUp():
            _sign_up(turn, event)
        case ProfileChanged(profile=profile):
            _change_profile(turn, profile)
        case ContactChanged(contact=contact):
            contacts.put(turn, contact)
        case ContactLeft(contact=name):
            turn.contacts = tuple(item for item in turn.contacts if item.id != name)
        case ContactSuppressed(contact=name) | ContactRestored(contact=name):
            contacts.suppress(turn, name, suppressed=isinstance(event, ContactSuppressed))
        case Happened(name=name, facts=values):
            happening.happened(turn, name, values)
        case FactsReported(facts=values):
            happening.learn(turn, values)
        case SurveyAnswered():
            responses.survey(turn, event)
        case EmailReplied():
            responses.reply(turn, event)
        case ContractSigned(contract=contract):
            journey.sign(turn, contract)
        case Churned() | Returned():
            journey.leave_or_return(turn, event)
        case Merged() | Absorbed():
            merging.hear(turn, event)
        case TeamChanged():
            handing.hear(turn, event)
        case CatalogueApplied():
            _apply_catalogue(turn, event)
        case ApprovalAnswered():
            answers.approval(turn, event)
        case TaskTicked():
            answers.task(turn, event)
        case MilestoneTicked():
            answers.milestone(turn, event)
        case MeetingAnswered():
            responses.meeting(turn, event)
        case StageSet():
            answers.stage(turn, event)
        case PlayRequested():
            requests.start(turn, event)
        case PlayStopRequested():
            requests.stop(turn, event)
        case HoldPlaced() | HoldLifted() | SendsReleased():
            holding.hear(turn, event)
        case BatchSettled():
            effects.settle(turn, event, issued)
        case DueReached():  # pragma: no branch - the union is closed
            pass


def _sign_up(turn: Turn, event: SignedUp) -> None:
    if SIGNED_UP in turn.seen:
        turn.decide_life(turn.stage, "stage", "skipped", "signed up already")
        _change_profile(turn, event.profile)
        return
    turn.contacts, turn.team = event.contacts, event.team
    turn.contracts = tuple({item.id: item for item in event.contracts}.values())  # of two with one id the later counts
    turn.profile = replace(event.profile, zone=_zone(turn, event.profile.zone, turn.life.default_zone))
    happening.learn(turn, event.facts)
    if event.assigned:
        turn.decide_life("team", "team", "fired", event.assigned)
    if event.placed:
        _place(turn, event.placed)
        return
    turn.stage = journey.first(turn)
    turn.decide_life(turn.stage, "stage", "fired", "signed up")
    triggers.tell(turn, "stage", turn.stage)
    happening.happened(turn, SIGNED_UP, {})


def _place(turn: Turn, stage: str) -> None:
    """Write a customer down in mid-journey. It enters its stage in silence; of the plays that it would be in, what was
    due by now is skipped and the rest goes on. One whose stage has no window, such as one who left, is in none.
    """
    if stage not in machine.STAGES:
        turn.decide_life(stage, "stage", "skipped", f"there is no stage {stage!r}; it is {turn.stage}")
        stage = turn.stage
    turn.placing = True
    signed_up = calendar.midnight(turn.profile.signed_up_on, turn.profile.zone)
    happening.remember(turn, SIGNED_UP, min(signed_up, turn.at))
    since = journey.settle(turn, stage)
    triggers.note(turn)
    turn.decide_life(stage, "stage", "fired", "placed here")
    if since is not None:
        triggers.tell(turn, "event", SIGNED_UP, since=turn.seen[SIGNED_UP])
        triggers.tell(turn, "stage", stage, since=since)


def _change_profile(turn: Turn, profile: Profile) -> None:
    """Take a new profile. Day 0 stays, and so does the zone when the new one does not exist."""
    zone = _zone(turn, profile.zone, turn.profile.zone)
    turn.profile = replace(profile, signed_up_on=turn.profile.signed_up_on, zone=zone)


def _zone(turn: Turn, wanted: str, otherwise: str) -> str:
    """A zone that exists. The gateway refuses others; a customer whose zone a later tzdata dropped must still run."""
    if calendar.zone_exists(wanted):
        return wanted
    turn.decide_life("profile", "profile", "skipped", f"there is no time zone {wanted!r}; it is {otherwise}")
    return otherwise


def _apply_catalogue(turn: Turn, event: CatalogueApplied) -> None:
    if event.digest != turn.catalogue:
        turn.adopt(event.digest)
        triggers.note(turn)
    moving.move(turn, event.move, event.late)


# --- reading ----------------------------------------------------------------------------------------------------------


def next_due(releases: Releases, state: State) -> datetime | None:
    """The next instant at which something is owed without any event, always after `state.as_of`; None: nothing is.

    Records that no batch took with it count as owed a day after the oldest of them.
    """
    return wakes_at(Turn(releases, state))


def wakes_at(turn: Turn) -> datetime | None:
    """As `next_due`, of a scratch sheet."""
    found = _next_due(turn)
    if turn.records:
        flush = turn.records[0].at + FLUSH_AFTER
        if flush > turn.as_of and (found is None or flush < found):
            return flush
    return found


def _next_due(turn: Turn) -> datetime | None:
    """The next instant of the calendar or of a play; a customer that has begun but not signed up owes nothing."""
    if turn.owed is UNKNOWN:
        turn.owed = _soonest(turn) if SIGNED_UP in turn.seen else None
    return turn.owed


def _soonest(turn: Turn) -> datetime | None:
    found = _moves_at(turn) if turn.drawn_at is None else turn.hushed_until()
    for _, agenda in schedule.agendas(turn):
        at = agenda.next_at
        if at is not None and (found is None or at < found):
            found = at
    for item in turn.retries:
        if found is None or item.at < found:
            found = item.at
    return found


def _open_steps(turn: Turn) -> list[tuple[Play, Step, datetime]]:
    return [
        (play, turn.index(play)[due.step], due.at) for play, agenda in schedule.agendas(turn) for due in agenda.dues()
    ]


def upcoming(releases: Releases, state: State) -> tuple[Decision, ...]:
    """What is next, soonest first: one `waiting` decision per open step, `at` the instant it is looked at again, and
    why it waits.
    """
    turn = Turn(releases, state)
    found = []
    for play, item, instant in _open_steps(turn):
        progress = play.steps.get(item.id)
        status = "scheduled" if progress is None else progress.status
        to = ", ".join(item.to)
        reason = _waits_for(play, item, status)
        found.append(
            Decision(
                instant, play.playbook, play.release, play.number, item.id, item.action.kind, "waiting", reason, to
            )
        )
    return tuple(sorted(found, key=lambda decision: (decision.at, decision.playbook, decision.step)))


def _waits_for(play: Play, item: Step, status: str) -> str:
    if status == "asked" and item.approval is not None:
        return f"for the answer of {item.approval.by}"
    if status == "waiting" and item.action.kind == "wait":
        return f"for {item.action.until.text if item.action.until else item.action.event}"
    day = calendar.local(play.started_at, play.zone).date().isoformat()
    return {"held": "held", "approved": "approved, waits for its time"}.get(status, f"scheduled since {day}")
