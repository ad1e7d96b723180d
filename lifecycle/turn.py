"""The scratch sheet of one `step`: the state taken apart, what has been decided so far, and the look-ups all rules
share.

A Turn never leaves `engine.step`. Its dicts and tuples are replaced, never changed in place, because they still belong
to the state that came in.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from lifecycle import calendar, conditions, index, people, touches
from lifecycle.actions import Expr, Length
from lifecycle.agenda import Agenda, stands
from lifecycle.altered import altered
from lifecycle.commands import Command, RaiseTask
from lifecycle.index import Steps
from lifecycle.messages import Reply
from lifecycle.model import (
    Contact,
    Contract,
    Decision,
    Edge,
    Fact,
    Hold,
    Play,
    Profile,
    Progress,
    Retry,
    Settlement,
    Snapshot,
    State,
    Teammate,
    Touched,
    Value,
    Verdict,
)
from lifecycle.playbook import CONTRACT_END, STANDARD, Playbook, StageSpec, Step, Target
from lifecycle.releases import Releases
from lifecycle.resting import BAND, STAGE, Own, Resting

CUSTOMER_ROLES = ("champion", "executive_sponsor", "admin", "billing")
ON_TIME = timedelta(minutes=5)
UNKNOWN = datetime(1, 1, 1, tzinfo=UTC)
"""What `Turn.owed` is until somebody asks: no instant of a customer's."""
NOTHING: Mapping[str, Value] = MappingProxyType({})
NONE: frozenset[str] = frozenset()
_FIELDS = tuple(field.name for field in fields(State))
_ALL = attrgetter(*_FIELDS)


class Turn(Resting):
    """One step in the making. `at`: the nominal instant being decided; `clock`: where windows are judged, later than
    `at` only when late.
    """

    customer: str
    as_of: datetime
    catalogue: str
    profile: Profile
    v: int
    seq: int
    stage: str
    moved: datetime | None
    overdue: bool
    pinned: bool
    band: str
    contracts: tuple[Contract, ...]
    contacts: tuple[Contact, ...]
    team: dict[str, Teammate]
    facts: dict[str, Fact]
    ticked: dict[str, datetime]
    seen: dict[str, datetime]
    plays: tuple[Play, ...]
    counters: dict[str, int]
    ended: dict[str, datetime]
    decided: tuple[Settlement, ...]
    touched: tuple[Touched, ...]
    holds: dict[str, Hold]
    retries: tuple[Retry, ...]
    doubtful: tuple[str, ...]
    records: tuple[Decision, ...]
    batches: int
    spread: bool
    edges: dict[str, Edge]
    merged: str
    history: tuple[Snapshot, ...]

    def __init__(self, releases: Releases, state: State) -> None:
        for name in _FIELDS:
            setattr(self, name, getattr(state, name))
        self.releases = releases
        self.adopt(state.catalogue)
        self.scored = self.scored_by()
        self.own: Own | None = None
        self.at = self.clock = state.as_of
        self.commands: list[Command] = []
        self.decisions: list[Decision] = []
        self.reply: Reply | None = None
        self.placing = False
        self.begun: list[str] = []
        self.chain = 0
        self.done_at: datetime | None = None
        self.drawn_at: tuple[datetime, datetime] | None = None
        self.owed: datetime | None = UNKNOWN
        self._books: dict[str, Playbook] = {}
        self._steps: dict[str, Steps] = {}
        self._peopled: tuple[object, object, object] = (None, None, None)
        self._people: dict[tuple[object, ...], Any] = {}
        self._named: tuple[tuple[Play, ...], dict[str, Play]] = ((), {})
        self._own: set[str] = set()
        super().__init__()
        self.agenda: dict[str, Agenda] = {}
        self.agendas: list[tuple[Play, Agenda]] = []
        self.scheduled: tuple[Play, ...] | None = None
        self.scheduled_by: tuple[object, ...] = (None, None, None)
        self.changed: list[tuple[str, str]] = []

    def adopt(self, catalogue: str) -> None:
        """Take the manifest of a digest and its lifecycle for the current ones."""
        self.manifest = self.releases.catalogue(catalogue)
        self.life = self.releases.lifecycle(self.manifest.lifecycle)
        self.journey = index.journey(self.life)
        self.catalogue = catalogue

    def begin(self) -> None:
        """Start a step: nothing is decided yet."""
        self.commands, self.decisions, self.reply, self.placing = [], [], None, False
        self.begun = []
        self.chain = 0

    def end(self, now: datetime) -> None:
        """End a step: what was decided waits to be stored, and nothing is owed by now."""
        self.as_of = self.done_at = now
        if self.decisions:
            self.records = (*self.records, *self.decisions)

    def state(self) -> State:
        """Put the state together. Its dicts are no longer this turn's own."""
        self._own.clear()
        return State(*_ALL(self))

    # --- what rules read --------------------------------------------------------------------------------------------

    @property
    def late_for(self) -> timedelta:
        return self.clock - self.at

    def holidays(self, country: str) -> frozenset[str]:
        """ISO dates; none for a country that the lifecycle file does not list."""
        return self.journey.holidays.get(country, NONE)

    def blackouts(self) -> frozenset[str]:
        """ISO dates on which no customer is reached."""
        return self.journey.blackouts

    def stages(self) -> Mapping[str, StageSpec]:
        """The stages of the customer's journey by name; of the standard one for a journey that no file has."""
        known = self.journey.stages
        return known.get(self.profile.journey) or known[STANDARD]

    def targets(self) -> tuple[Target, ...]:
        """What the customer's journey wants reached by when."""
        name = self.profile.journey
        return self.journey.targets.get(name if name in self.journey.stages else STANDARD, ())

    def book(self, play: Play) -> Playbook:
        try:
            return self._books[play.release]
        except KeyError:
            return self._books.setdefault(play.release, self.releases.playbook(play.release))

    def index(self, play: Play) -> Mapping[str, Step]:
        """The steps of a play's release by id, in playbook order."""
        return self.steps(play).by_id

    def steps(self, play: Play) -> Steps:
        """The steps of a play's release, in order."""
        try:
            return self._steps[play.release]
        except KeyError:
            return self._steps.setdefault(play.release, index.steps(self.book(play)))

    def running(self) -> tuple[Play, ...]:
        """The plays in which something is still to do."""
        return tuple([play for play in self.plays if not play.over])

    def current(self) -> Mapping[str, str]:
        """Playbook name to digest, of the applied catalogue."""
        return self.manifest.playbooks

    def lookup(self, path: str, about: Mapping[str, Value] = NOTHING) -> Value:
        """The value of a name in an expression; None where it is not known. `about`: facts that come first."""
        if path in about:
            return about[path]
        group, _, name = path.partition(".")
        if group == "customer":
            return self._customer(name)
        if group == "milestones":
            self.asked.add(path)
            return self.milestone(name)
        if group == "playing":
            self.asked.add(path)
            return path in self.playing()
        if group == "contract":
            self.asked.add(path)
            return self._contract(name, str(about.get("contract.id", "")), about)
        self.asked.add(path)
        fact = self.facts.get(path)
        return None if fact is None else fact.value

    def _contract(self, name: str, wanted: str, about: Mapping[str, Value]) -> Value:
        """Of the contract that a play is about, else of the one that ends next."""
        those = [item for item in self.contracts if item.id == wanted or not wanted]
        found = min(those, key=lambda item: (item.ends_on, item.id), default=None)
        if found is None:
            return None
        if name == "renewed":
            return found.ends_on.isoformat() > str(about.get(CONTRACT_END, found.ends_on.isoformat()))
        if name == "ends_on":
            return found.ends_on.isoformat()
        if name == "nearest":
            running = [item for item in self.contracts if item.phase != "complete"]
            return all((found.ends_on, found.id) <= (item.ends_on, item.id) for item in running)
        known: Value = getattr(found, name, None)
        return None if known == "" else known

    def _customer(self, name: str) -> Value:
        if name == "stage":
            self.asked.add(STAGE)
            return self.stage
        if name == "band":
            self.asked.add(BAND)
            return self.band or None
        found = getattr(self.profile, name, None)
        return found if isinstance(found, str | int | bool) and found != "" else None

    def milestone(self, name: str) -> bool | None:
        """Reached by a person's tick or by its own condition; None where neither can be told."""
        if name in self.ticked:
            return True
        spec = self.life.milestones.get(name)
        if spec is None:
            return None
        return False if spec.when is None else conditions.truth(spec.when, self.lookup)

    def met(self, expr: Expr | None, about: Mapping[str, Value] = NOTHING) -> bool:
        if expr is None:
            return True
        if about:
            return conditions.holds(expr, partial(self.lookup, about=about))
        self.basis()
        found = self.answers.get(id(expr))
        if found is None:
            outer, self.asked = self.asked, set()
            met = conditions.holds(expr, self.lookup)
            self.keep(expr, met, self.asked)
            outer |= self.asked
            self.asked = outer
            return met
        if self.hearing:
            self.asked |= found[2]
        return found[1]

    def because(self, expr: Expr, about: Mapping[str, Value] = NOTHING) -> str:
        return conditions.because(expr, partial(self.lookup, about=about) if about else self.lookup)

    def later(self, start: datetime, length: Length, zone: str, *, team: bool = False) -> datetime:
        """`start` plus a length; business time by the team's calendar or the customer's."""
        country = self.life.business.country if team else self.profile.country
        return calendar.add(start, length, zone, self.life.business, self.holidays(country))

    # --- people -----------------------------------------------------------------------------------------------------

    def people(self) -> dict[tuple[object, ...], Any]:
        """What has been found out about who a step is for, as long as nobody came, left or has another role."""
        team, contacts, life = self._peopled
        if not (team is self.team and contacts is self.contacts and life is self.life):
            self._peopled, self._people = (self.team, self.contacts, self.life), {}
        return self._people

    def teammate(self, role: str) -> Teammate | None:
        """Who has a role for this customer, else the first of its fallback chain who is there."""
        return people.holder(role, self.team, self.life.roles)

    def contact(self, role: str) -> Contact | None:
        """The first person with a role at the customer who may be written to, else the first one."""
        those = [person for person in self.contacts if role in person.roles]
        return next((person for person in those if not person.suppressed), those[0] if those else None)

    def ours(self, person: str) -> bool:
        """Whether somebody has a role for this customer."""
        return any(teammate.id == person for teammate in self.team.values())

    def reachable(self, person: str) -> bool:
        """Whether a contact is there and may be written to; teammates always are."""
        return self.ours(person) or any(contact.id == person and not contact.suppressed for contact in self.contacts)

    # --- what rules write -------------------------------------------------------------------------------------------

    def round(self, play: Play, step: str) -> int:
        """Which round of its repeat a step is in, from 1; 1 for a step that is in none."""
        repeat = self.steps(play).rounds.get(step)
        if repeat is None:
            return 1
        progress = (self.play(play.key) or play).steps.get(repeat)
        return 1 if progress is None else max(progress.count, 1)

    def named(self, play: Play, step: str) -> str:
        """What people's answers call a step."""
        return touches.name_of(play.key, play.name_of(step), self.round(play, step))

    def touch(self, play: Play, step: str, part: str, recipient: str = "", occurrence: int = 0) -> str:
        """The identity of a command. `occurrence`: 0 for the round of the step; a contact may reply twice."""
        front = f"{self.customer}/{play.key}/{play.name_of(step)}/{occurrence or self.round(play, step)}/{part}"
        return f"{front}/{recipient}" if recipient else front

    def add(self, play: Play) -> None:
        """Take a play that begins. Its steps are this turn's own: no state has them yet."""
        self.plays = (*self.plays, play)
        self._own.add(play.key)

    def put(self, play: Play) -> Play:
        """Replace a play by its newer form, found by key."""
        self.plays = tuple(play if other.key == play.key else other for other in self.plays)
        return play

    def play(self, key: str) -> Play | None:
        """The play of a key, as it is now."""
        plays, named = self._named
        if plays is not self.plays:
            named = {play.key: play for play in self.plays}
            self._named = self.plays, named
        return named.get(key)

    def progress(self, key: str, step: str, progress: Progress) -> None:
        """Note where a step stands. The first time the play's steps are copied, because they belong to the state that
        came in; from then on they are this turn's own.
        """
        steps = self._own_steps(key)
        if steps is None:
            return
        was, steps[step] = steps.get(step), progress
        if was is None or not stands(was, progress):
            self.changed.append((key, step))
        if progress.status == "waiting":
            self.wake("waits")

    def restart(self, key: str, names: tuple[str, ...]) -> None:
        """Forget where steps stand: their next round begins."""
        steps = self._own_steps(key) or {}
        for name in names:
            steps.pop(name, None)
            self.changed.append((key, name))

    def _own_steps(self, key: str) -> dict[str, Progress] | None:
        play = self.play(key)
        if play is None or key in self._own:
            return None if play is None else play.steps
        steps = dict(play.steps)
        kept, agenda = self.scheduled is self.plays, self.agenda.get(key)
        self.put(altered(play, steps=steps))
        if kept and agenda is not None and agenda.steps is play.steps:
            agenda.steps = steps
        self._own.add(key)
        return steps

    def decide(self, play: Play, step: str, what: str, verdict: Verdict, reason: str, to: str = "") -> None:
        """Record a decision of a play at the nominal instant."""
        self.decisions.append(
            Decision(self.at, play.playbook, play.release, play.number, step, what, verdict, reason, to)
        )

    def decide_life(self, step: str, what: str, verdict: Verdict, reason: str, to: str = "") -> None:
        """Record a decision of the lifecycle: stage, phase, band, milestone, hold. It goes by the name of the
        customer's journey, where that is not the standard one.
        """
        digest, journey = self.manifest.lifecycle, self.profile.journey
        name = journey if journey in self.life.journeys else self.life.name
        self.decisions.append(Decision(self.at, name, digest, 0, step, what, verdict, reason, to))

    def raise_task(self, play: Play, step: str, part: str, role: str, title: str, occurrence: int = 0) -> None:
        """Work that the engine itself asks of a person, due in a business day; without anyone in the role the trace
        alone says so.
        """
        person = self.teammate(role)
        if person is None:
            self.decide(play, step, "task", "failed", f"nobody is {role}: {title}", role)
            return
        due_at = self.later(self.at, Length(1, "business_days"), person.zone, team=True)
        touch = self.touch(play, step, f"task-{part}", person.id, occurrence)
        self.commands.append(RaiseTask(touch, play.release, step, person.id, self.at, due_at, title))
        self.decide(play, step, "task", "fired", title, role)
