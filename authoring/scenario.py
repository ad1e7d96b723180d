"""Plays a scenario and compares: each difference is a finding at its line, with the reason that the trace gives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from authoring.compile import Compiled
from authoring.diagnostics import Diagnostic, Report
from authoring.scenario_file import Expected, Scenario, load, load_customer, load_events
from authoring.simulate import Issued, Library, Simulation, simulate
from lifecycle.messages import AskApproval, CancelInvite, PostSlack, RaiseTask, SendEmail, SendInvite, SendSurvey
from lifecycle.model import Decision
from lifecycle.playbook import Playbook

__all__ = ["Expected", "Scenario", "Touch", "check", "load", "load_customer", "load_events", "play", "touches_of"]


@dataclass(frozen=True, slots=True)
class Touch:
    """What people got in one moment: `at` local `HH:MM`, `to` the roles of everybody who got it."""

    day: int
    at: str
    kind: str
    name: str
    step: str
    to: frozenset[str]

    def __str__(self) -> str:
        to = sorted(self.to)
        return f"day {self.day} at {self.at}, {self.kind} {self.name} to {', '.join(to)}"

    @property
    def line(self) -> str:
        """As an expectation would be written."""
        to = sorted(self.to)
        shown = to[0] if len(to) == 1 else f"[{', '.join(to)}]"
        return f'- {{ day: {self.day}, at: "{self.at}", {self.kind}: {self.name}, to: {shown} }}'


def check(scenario: Scenario, compiled: Compiled) -> tuple[Diagnostic, ...]:
    """Play a scenario and say what came out otherwise than expected; nothing when all is as written."""
    library = scenario.library(compiled)
    simulation = play(scenario, library)
    touches = touches_of(scenario, simulation, library)
    return _Comparison(scenario, simulation).compare(touches)


def play(scenario: Scenario, library: Library) -> Simulation:
    """Play a scenario to its end."""
    return simulate(library, scenario.digest, scenario.signup, scenario.start, scenario.events, scenario.until)


def touches_of(scenario: Scenario, simulation: Simulation, library: Library) -> list[Touch]:
    """What the playbooks under test sent, in order; one touch for all recipients of one moment."""
    roles = {contact.id: contact.roles for contact in simulation.state.contacts}
    roles |= {contact.id: contact.roles for contact in scenario.signup.contacts}
    found: dict[tuple[int, str, str, str, str], set[str]] = {}
    for issued in simulation.issued:
        key = _key(issued, scenario, library)
        if key is not None:
            found.setdefault(key, set()).update(roles.get(issued.command.to, (issued.command.to,)))
    return [Touch(*key, frozenset(to)) for key, to in found.items()]


def _key(issued: Issued, scenario: Scenario, library: Library) -> tuple[int, str, str, str, str] | None:
    """Day, time, kind, name and step of a command that reaches somebody; None for what nobody sees or others own."""
    command = issued.command
    release = library.releases.get(command.release)
    if not isinstance(release, Playbook):
        return None
    action = next((step.action for step in release.steps if step.id == command.step), None)
    match command:
        case SendEmail():
            kind, name = "email", getattr(action, "template", "")
        case SendSurvey():
            kind, name = "survey", getattr(action, "survey", "")
        case SendInvite():
            kind, name = "invite", getattr(action, "template", "")
        case CancelInvite():
            kind, name = "cancel", getattr(action, "template", "")
        case PostSlack():
            kind, name = "slack", getattr(action, "template", "")
        case RaiseTask():
            kind, name = "task", command.step
        case AskApproval(nth=0):
            kind, name = "approval", command.step
        case _:
            return None
    return (*_local(issued.at, scenario), kind, name, command.step)


def _local(at: datetime, scenario: Scenario) -> tuple[int, str]:
    local = at.astimezone(ZoneInfo(scenario.signup.profile.zone))
    return (local.date() - scenario.signup.profile.signed_up_on).days, f"{local:%H:%M}"


class _Comparison:
    """Matches expectations to touches: exactly first, then those that came at another time or to other people."""

    def __init__(self, scenario: Scenario, simulation: Simulation) -> None:
        self.scenario, self.simulation, self.report = scenario, simulation, Report()

    def compare(self, touches: Sequence[Touch]) -> tuple[Diagnostic, ...]:
        left = list(touches)
        missing = [item for item in self.scenario.expect if not _taken(left, _exact(left, item))]
        for item in missing:
            self._missing(item, left)
        for touch in left:
            if touch.kind != "approval":
                self._unexpected(touch)
        for item in self.scenario.never:
            for touch in touches:
                if _same(item, touch) and _fits(item, touch):
                    what = f"this must never happen, and did: {touch}"
                    self.report.add("expected", item.place, what, "change the playbook, or the scenario.")
        return self.report.sorted()

    def _missing(self, item: Expected, left: list[Touch]) -> None:
        touch = next((touch for touch in left if _same(item, touch)), None)
        if _taken(left, touch) and touch is not None:
            what, fix = f"this came otherwise: {touch}", f"change the playbook, or write {touch.line}"
            self.report.add("expected", item.place, what, fix, why=self._why(touch.step))
            return
        what, fix = f"this did not happen: {item.kind} {item.name}", "change the playbook, or take the line out."
        why = next((why for step in item.steps if (why := self._why(step))), "")
        self.report.add("expected", item.place, what, fix, why=why or "the trace says nothing of it.")

    def _unexpected(self, touch: Touch) -> None:
        if any(_same(item, touch) and _fits(item, touch) for item in self.scenario.never):
            return
        what, fix = f"this happened and is not expected: {touch}", f"add {touch.line}"
        self.report.add("expected", self.scenario.expecting, what, fix, why=self._why(touch.step))

    def _why(self, step: str) -> str:
        """The last that the trace says about a step."""
        said: list[Decision] = [item for item in self.simulation.decisions if item.step == step and item.play]
        if not said:
            return ""
        day, at = _local(said[-1].at, self.scenario)
        return f"the trace says of {step}, day {day} at {at}: {said[-1].verdict}, {said[-1].reason}."


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
    """Whether day, time and people are as the line says, as far as it says them."""
    day = item.day is None or item.day == touch.day
    return day and item.at in ("", touch.at) and (not item.to or item.to == touch.to)
