"""Plays a scenario and compares: each difference is a finding at its line, with the reason that the trace gives."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from authoring import ticks
from authoring.compile import Compiled
from authoring.diagnostics import Diagnostic, Report
from authoring.expected import ASKED_FOR, MOVES, Expected
from authoring.mornings import with_windows
from authoring.particulars import NOTHING_SAID, OVERDUE, Particulars
from authoring.scenario_file import Delayed, Scenario, load, load_customer, load_events, read
from authoring.simulate import Library, Simulation, simulate
from lifecycle import calendar, touches
from lifecycle.actions import Action
from lifecycle.commands import (
    AskApproval,
    CallWebhook,
    CancelInvite,
    Command,
    MakeDocument,
    PostSlack,
    RaiseTask,
    RecordOpportunity,
    SendEmail,
    SendInvite,
    SendSurvey,
)
from lifecycle.course import Issued
from lifecycle.messages import Event
from lifecycle.model import Decision
from lifecycle.playbook import Lifecycle, Playbook

__all__ = ["Expected", "Scenario", "Touch", "check", "load", "load_customer", "load_events", "play", "read", "resolve",
           "run", "touches_of"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Touch:
    """What people got in one moment, or where the customer moved: `at` local `HH:MM`, `to` the roles of everybody who
    got it. `has`: what else lines may say of it.
    """

    day: int
    at: str
    kind: str
    name: str
    step: str
    to: frozenset[str]
    has: Particulars = NOTHING_SAID

    def __str__(self) -> str:
        to = f" to {', '.join(sorted(self.to))}" if self.to else ""
        return f"day {self.day} at {self.at}, {self.kind} {self.name}{to}"

    def written(self, like: Expected | None = None) -> str:
        """As an expectation would be written; with as many particulars as another line says."""
        to = sorted(self.to)
        shown = "" if not to else f", to: {to[0]}" if len(to) == 1 else f", to: [{', '.join(to)}]"
        told = "".join(f", {key}: {value}" for key, value in like.said.of(self.has)) if like else ""
        return f'- {{ day: {self.day}, at: "{self.at}", {self.kind}: {self.name}{shown}{told} }}'

    @property
    def minutes(self) -> int:
        """Local minutes since midnight of day 0: how near two touches are."""
        hour, minute = self.at.split(":")
        return (self.day * 24 + int(hour)) * 60 + int(minute)


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario, answers at their instants, with what came of it: nothing found means that all is as written."""

    scenario: Scenario
    simulation: Simulation
    findings: tuple[Diagnostic, ...]


def check(scenario: Scenario, compiled: Compiled) -> tuple[Diagnostic, ...]:
    """Play a scenario and say what came out otherwise than expected; nothing when all is as written."""
    return run(scenario, scenario.library(compiled)).findings


def run(scenario: Scenario, library: Library) -> Played:
    """Play a scenario to its end and compare."""
    timed = resolve(scenario, library)
    simulation = _simulate(timed, library)
    return Played(timed, simulation, compare(timed, simulation, library))


def compare(scenario: Scenario, simulation: Simulation, library: Library) -> tuple[Diagnostic, ...]:
    """What a simulation of the scenario, whose answers are resolved, shows otherwise than expected."""
    return _Comparison(scenario, simulation).compare(touches_of(scenario, simulation, library))


def play(scenario: Scenario, library: Library) -> Simulation:
    """Play a scenario to its end."""
    return run(scenario, library).simulation


def told(scenario: Scenario, library: Library) -> list[tuple[datetime, Event]]:
    """What the customer's workflow hears of a scenario's events, in order: with what is derived from them."""
    life, zone = library.lifecycle(scenario.catalogue.lifecycle), scenario.signup.profile.zone
    return with_windows(scenario.events, life, zone, scenario.until)


def _simulate(scenario: Scenario, library: Library) -> Simulation:
    events = told(scenario, library)
    return simulate(library, scenario.digest, scenario.signup, scenario.start, events, scenario.until)


def resolve(scenario: Scenario, library: Library) -> Scenario:
    """Give every answer that waits for its question an instant; what is never asked stays in `answers`.

    One at a time, the earliest first: what happens after an instant changes nothing before it, so a question that was
    put before the earliest answer is put then whatever is still unknown.
    """
    while scenario.answers:
        issued = _simulate(scenario, library).issued
        known = [(at, item) for item in scenario.answers if (at := _answered_at(item, issued, scenario, library))]
        if not known:
            break
        at, taken = min(known, key=lambda item: item[0])
        rest = tuple(item for item in scenario.answers if item is not taken)
        scenario = replace(scenario, events=(*scenario.events, (at, taken.event)), answers=rest)
    return replace(scenario, events=tuple(sorted(scenario.events, key=lambda item: item[0])))


def _answered_at(answer: Delayed, issued: Sequence[Issued], scenario: Scenario, library: Library) -> datetime | None:
    asked = next((item.at for item in issued if answer.answers(item.command)), None)
    life = library.lifecycle(scenario.catalogue.lifecycle)
    holidays = frozenset(life.holidays.get(life.business.country, ()))
    zone = scenario.signup.profile.zone
    return None if asked is None else calendar.add(asked, answer.delay, zone, life.business, holidays)


def touches_of(scenario: Scenario, simulation: Simulation, library: Library) -> list[Touch]:
    """What the playbooks under test sent, in order, one touch for all recipients of one moment; then the moves."""
    roles = {contact.id: contact.roles for contact in simulation.state.contacts}
    roles |= {contact.id: contact.roles for contact in scenario.signup.contacts}
    found: dict[tuple[int, str, str, str, str], set[str]] = {}
    has: dict[tuple[int, str, str, str, str], Particulars] = {}
    for issued in simulation.issued:
        key = _key(issued, scenario, library)
        if key is not None:
            found.setdefault(key, set()).update(roles.get(issued.command.to, (issued.command.to,)))
            has.setdefault(key, _particulars(issued.command, scenario, library))
    moves = [item for item in simulation.decisions if not item.play and item.what in MOVES and item.verdict == "fired"]
    return [
        *(Touch(*key, frozenset(to), has[key]) for key, to in found.items()),
        *(Touch(*_local(item.at, scenario), item.what, item.step, item.step, frozenset()) for item in moves),
    ]


def _key(issued: Issued, scenario: Scenario, library: Library) -> tuple[int, str, str, str, str] | None:
    """Day, time, kind, name and step of a command that reaches somebody; None for what nobody sees or others own."""
    command = issued.command
    if isinstance(command, RaiseTask) and isinstance(library.releases.get(command.release), Lifecycle):
        return (*_local(issued.at, scenario), OVERDUE, command.step, command.step)
    if not isinstance(library.releases.get(command.release), Playbook):
        return None
    step = command.step
    action = _action(command, library)
    match command:
        case SendEmail():
            kind, name = "email", getattr(action, "template", "")
        case SendSurvey():
            kind, name = "survey", getattr(action, "survey", "")
        case SendInvite(moves=0):
            kind, name = "invite", getattr(action, "template", "")
        case SendInvite():
            kind, name, step = "reschedule", getattr(action, "template", ""), touches.read(command.touch).step
        case CancelInvite():
            kind, name = "cancel", getattr(action, "template", "")
        case PostSlack():
            kind, name = "slack", getattr(action, "template", "")
        case RaiseTask():
            kind, name = "task", command.step
        case AskApproval():
            kind, name = "approval", command.step
        case MakeDocument():
            kind, name = "document", getattr(action, "template", "")
        case RecordOpportunity():
            kind, name = "opportunity", getattr(action, "opportunity", "")
        case CallWebhook():
            kind, name = "webhook", getattr(action, "event", "")
        case _:
            return None
    return (*_local(issued.at, scenario), kind, name, step)


def _action(command: Command, library: Library) -> Action | None:
    """What the step does that a command comes from; None for what no step of a playbook does."""
    release = library.releases.get(command.release)
    steps = release.steps if isinstance(release, Playbook) else ()
    return next((item.action for item in steps if item.id == command.step), None)


def _particulars(command: Command, scenario: Scenario, library: Library) -> Particulars:
    action = _action(command, library)
    match command:
        case RaiseTask(due_at=at) | AskApproval(answer_by=at):
            day, clock = _local(at, scenario)
            return Particulars(due=f"day {day} at {clock}")
        case SendInvite(touch=touch, opens=opens, closes=closes):
            (day, first), (_, last) = _local(opens, scenario), _local(closes, scenario)
            invited = _action(replace(command, step=touches.read(touch).step), library)
            length = f"{getattr(invited, 'minutes', 0)} minutes"
            return Particulars(
                sender=getattr(invited, "organizer", ""), meets=f"day {day} between {first} and {last}", length=length
            )
        case RecordOpportunity(value=value, closes_at=at):
            return Particulars(
                commission=getattr(action, "commission", None), value=value, closes=_local(at, scenario)[0]
            )
        case _:
            return Particulars(sender=getattr(action, "sender", ""))


def _local(at: datetime, scenario: Scenario) -> tuple[int, str]:
    local = at.astimezone(ZoneInfo(scenario.signup.profile.zone))
    return (local.date() - scenario.signup.profile.signed_up_on).days, f"{local:%H:%M}"


class _Comparison:
    """Matches expectations to touches: exactly first, then those that came at another time or to other people."""

    def __init__(self, scenario: Scenario, simulation: Simulation) -> None:
        self.scenario, self.simulation, self.report = scenario, simulation, Report()

    def compare(self, came: Sequence[Touch]) -> tuple[Diagnostic, ...]:
        left = list(came)
        missing = [item for item in self.scenario.expect if not _taken(left, _exact(left, item))]
        for item in missing:
            self._missing(item, left)
        for touch in left:
            if touch.kind not in ASKED_FOR:
                self._unexpected(touch)
        for item in self.scenario.never:
            for touch in came:
                if _same(item, touch) and _fits(item, touch):
                    what = f"this must never happen, and did: {touch}"
                    fix = "change the playbook, or the scenario."
                    self.report.add("expected", item.place, what, fix, why=self._why(touch.kind, touch.step))
        for answer in self.scenario.answers:
            what, fix = "this answers a question that was never put", "change the playbook, or take the line out."
            step = touches.named(answer.event.approval)[1] if answer.event.kind == "approval_answered" else ""
            self.report.add("expected", answer.place, what, fix, why=self._why("approval", step))
        for place, at, task in self.scenario.ticked:
            raised = (item for item in self.simulation.issued if item.command.kind == "raise_task" and item.at <= at)
            if not any(ticks.same(item.command.touch, task) for item in raised):
                what, fix = "this ticks a task that was not raised by then", "change the playbook, or the line."
                self.report.add("expected", place, what, fix, why=self._why("task", ticks.step_of(task)))
        return self.report.sorted()

    def _missing(self, item: Expected, left: list[Touch]) -> None:
        """The nearest of the same name counts as this one come otherwise; without one, say what came in its place."""
        touch = min((touch for touch in left if _same(item, touch)), key=lambda touch: _far(item, touch), default=None)
        if _taken(left, touch) and touch is not None:
            told = "".join(f", {key} {value}" for key, value in item.said.of(touch.has)).replace('"', "")
            what, fix = f"this came otherwise: {touch}{told}", f"change the playbook, or write {touch.written(item)}"
            self.report.add("expected", item.place, what, fix, why=self._why(touch.kind, touch.step))
            return
        rival = next((touch for touch in left if touch.kind == item.kind and touch.day == item.day), None)
        instead = f"; that day came {rival}" if rival else ""
        what = f"this did not happen: {item.kind} {item.name}{instead}"
        why = next((why for step in item.steps or (item.name,) if (why := self._why(item.kind, step))), "")
        why = why or "the trace says nothing of it."
        self.report.add("expected", item.place, what, "change the playbook, or take the line out.", why=why)

    def _unexpected(self, touch: Touch) -> None:
        if any(_same(item, touch) and _fits(item, touch) for item in self.scenario.never):
            return
        what, fix = f"this happened and is not expected: {touch}", f"add {touch.written()}"
        self.report.add("expected", self.scenario.expecting, what, fix, why=self._why(touch.kind, touch.step))

    def _why(self, kind: str, step: str) -> str:
        """The last that the trace says about a step, or of where the customer stands."""
        if kind in MOVES:
            said = [item for item in self.simulation.decisions if item.what == kind and not item.play]
        elif kind == OVERDUE:
            said = [item for item in self.simulation.decisions if item.step == step and not item.play]
        else:
            said = [item for item in self.simulation.decisions if item.step == step and item.play]
        return self._quoted(said[-1]) if said else ""

    def _quoted(self, said: Decision) -> str:
        day, at = _local(said.at, self.scenario)
        return f"the trace says of {said.step}, day {day} at {at}: {said.verdict}, {said.reason}."


def _far(item: Expected, touch: Touch) -> int:
    """Minutes between what was expected and what came."""
    at = replace(touch, day=touch.day if item.day is None else item.day, at=item.at or touch.at)
    return abs(at.minutes - touch.minutes)


def _exact(left: Sequence[Touch], item: Expected) -> Touch | None:
    return next((touch for touch in left if _same(item, touch) and _fits(item, touch)), None)


def _taken(left: list[Touch], touch: Touch | None) -> bool:
    """Take a touch out of those left; False when there is none."""
    if touch is None:
        return False
    left.remove(touch)
    return True


def _same(item: Expected, touch: Touch) -> bool:
    return (item.kind, item.name) == (touch.kind, touch.name)


def _fits(item: Expected, touch: Touch) -> bool:
    """Whether day, time, people and particulars are as the line says, as far as it says them."""
    when = (item.day is None or item.day == touch.day) and item.at in ("", touch.at)
    return when and item.said.fits(touch.has) and (not item.to or item.to == touch.to)
