"""The grammar of the core's tests: `given(book, ...).when(event, at=...).then(commands)`, and a small world to tell
stories in.

A story behaves as the shell does: it tells the core every instant that is owed, then the event, and settles each batch
at once. Between every two steps the state goes through its JSON form, so every story is also a round trip. Instants are
written as wall times in Berlin; day 0 is Monday, 2 March 2026.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest

from lifecycle.actions import Email, Expr, Invite, Length, Slack, Survey, Task, Wait, When
from lifecycle.commands import Command
from lifecycle.courtesy import BusinessHours
from lifecycle.engine import begin, next_due, step, upcoming
from lifecycle.jsonform import canonical, digest, encode
from lifecycle.messages import BatchSettled, CatalogueApplied, DueReached, Effect, Event, Outcome, Reply, SignedUp
from lifecycle.model import Contact, Contract, Decision, Profile, State, Teammate, state_from_json, state_to_json
from lifecycle.moving import Change, preview
from lifecycle.playbook import (
    Approval,
    EventSpec,
    FactSpec,
    Lifecycle,
    Manifest,
    Milestone,
    PhaseSpec,
    Playbook,
    StageSpec,
    Step,
    Trigger,
)
from lifecycle.releases import ReleaseMissingError

BERLIN = ZoneInfo("Europe/Berlin")
NOTHING = timedelta(0)
CONTACTS = (Contact("ada", ("champion",)), Contact("bob", ("admin",)))
TEAM = {
    "csm": Teammate("mara", "Europe/Berlin"),
    "implementation_specialist": Teammate("ivo", "Europe/Berlin"),
    "cs_manager": Teammate("tom", "Europe/Berlin"),
}


def berlin(text: str) -> datetime:
    """`2026-03-02 09:00`, a wall time in Berlin, as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


def get(name: str) -> Expr:
    return Expr(name, ("get", name))


def compare(name: str, op: str, value: object) -> Expr:
    return Expr(f"{name} {op} {value}", (op, ("get", name), ("const", value)))


LIFE = Lifecycle(
    "standard",
    "Standard journey",
    (
        StageSpec("new", "csm", 0, 0, get("access.given")),
        StageSpec("onboarding", "implementation_specialist", 1, 14, get("setup.done")),
        StageSpec("adoption", "csm", 15, 60, compare("usage.share", ">", 0.5)),
        StageSpec("value", "csm", 61, 180, get("milestones.roi")),
        StageSpec("expansion", "csm", 181),
    ),
    "playbooks/lifecycle.yaml",
    phases=(
        PhaseSpec("assessment", 120),
        PhaseSpec("ebr", 90),
        PhaseSpec("proposal", 60),
        PhaseSpec("negotiation", 30),
        PhaseSpec("close", 14),
        PhaseSpec("complete", 0),
    ),
    bands={"green": 80, "yellow": 60, "red": 40, "critical": 0},
    milestones={
        "roi": Milestone("ROI documented", ticked_by=("csm",)),
        "technical_setup": Milestone("Technical setup", get("setup.api"), ("csm",)),
        "kept": Milestone("Nobody but a manager ticks this"),
    },
    facts={
        "access.given": FactSpec("boolean"),
        "setup.done": FactSpec("boolean"),
        "setup.api": FactSpec("boolean"),
        "usage.share": FactSpec("number", low=0, high=1),
        "nps.score": FactSpec("number", low=0, high=10),
        "health.score": FactSpec("number", low=0, high=100),
    },
    events={"api.connected": EventSpec("API connected", {"setup.api": True}), "kickoff.held": EventSpec()},
    business=BusinessHours(country="DE"),
    holidays={"DE": ("2026-04-03", "2026-04-06", "2026-05-01"), "US": ("2026-07-03",)},
    roles={"csm": ("cs_manager",), "implementation_specialist": ("csm", "cs_manager"), "sales": ()},
    managers=("cs_manager",),
    default_zone="Europe/Berlin",
    places={"": 1, "onboarding": 12},
)


class Library:
    """Releases by digest, kept in dicts."""

    def __init__(self, life: Lifecycle = LIFE) -> None:
        self.life = life
        self.kept: dict[str, Any] = {}

    def add(self, *books: Playbook) -> str:
        """Keep the playbooks and a manifest of them; returns the catalogue's digest."""
        manifest = Manifest(self._keep(self.life), {book.name: self._keep(book) for book in books})
        return self._keep(manifest)

    def _keep(self, release: object) -> str:
        name = digest(encode(release))
        self.kept[name] = release
        return name

    def _find(self, name: str) -> Any:
        if name not in self.kept:
            raise ReleaseMissingError(name)
        return self.kept[name]

    def catalogue(self, digest: str) -> Manifest:
        found: Manifest = self._find(digest)
        return found

    def lifecycle(self, digest: str) -> Lifecycle:
        found: Lifecycle = self._find(digest)
        return found

    def playbook(self, digest: str) -> Playbook:
        found: Playbook = self._find(digest)
        return found


def told(command: Command) -> str:
    """A command in three words: what, which step, to whom (how it ended, for an approval that is settled)."""
    to = command.result if command.kind == "settle_approval" else command.to
    part = f" {command.nth}" if command.kind == "ask_approval" and command.nth else ""
    title = f" '{command.title}'" if command.kind == "raise_task" and command.title else ""
    return f"{command.kind} {command.step} {to}{part}{title}"


def again(state: State) -> State:
    """The same state, read back from the text that would be stored."""
    back = state_from_json(json.loads(canonical(state_to_json(state))))
    assert back == state
    shown = [{name: repr(fact.value) for name, fact in one.facts.items()} for one in (back, state)]
    assert shown[0] == shown[1]
    return back


class Story:
    """One customer's story. `commands`, `decisions`, `reply`: since the last `when`; `issued`: all commands ever."""

    def __init__(self, library: Library, state: State) -> None:
        self.library = library
        self.state = state
        self.commands: list[Command] = []
        self.decisions: list[Decision] = []
        self.issued: list[Command] = []
        self.reply: Reply | None = None
        self.provider: dict[str, list[Effect]] = {}
        """What the provider says to a step's commands, one after another; then and otherwise it takes them."""

    def when(self, event: Event | None = None, *, at: str | datetime, asleep: bool = False) -> "Story":
        """Go to an instant and let an event happen. `asleep`: the shell was down and wakes only then."""
        now = berlin(at) if isinstance(at, str) else at
        self.commands, self.decisions, self.reply = [], [], None
        self.reach(now, asleep=asleep)
        self.take(event or DueReached(), now)
        return self

    def reach(self, now: datetime, *, asleep: bool = False) -> None:
        while (due := next_due(self.library, self.state)) is not None and due <= now:
            assert due > self.state.as_of
            self.take(DueReached(now - due, now) if asleep else DueReached(), due)

    def take(self, event: Event, now: datetime, issued: tuple[Command, ...] = ()) -> Outcome:
        outcome = step(self.library, self.state, event, now=now, issued=issued)
        due = next_due(self.library, outcome.state)
        assert due is None or due > now
        self.state = again(outcome.state)
        self.commands += outcome.commands
        self.issued += outcome.commands
        self.decisions += outcome.decisions
        self.reply = outcome.reply or self.reply
        if outcome.commands:
            effects = tuple(self._effect(command) for command in outcome.commands)
            self.take(BatchSettled(effects, len(self.state.records)), now, outcome.commands)
        return outcome

    def _effect(self, command: Command) -> Effect:
        said = self.provider.get(command.step, [])
        return replace(said.pop(0), touch=command.touch) if said else Effect(command.touch, "sent")

    def then(self, *expected: str) -> "Story":
        """Exactly these commands, in this order."""
        assert [told(command) for command in self.commands] == list(expected)
        return self

    def decided(self, expected: str, because: str = "") -> "Story":
        """One decision `verdict what step`, with these words in its reason."""
        lines = [(f"{item.verdict} {item.what} {item.step}".strip(), item.reason) for item in self.decisions]
        assert sum(line == expected and because in reason for line, reason in lines) == 1, lines
        return self

    def undecided(self) -> "Story":
        assert self.decisions == []
        return self

    def answered(self, result: str) -> "Story":
        assert self.reply is not None
        assert self.reply.result == result, self.reply
        return self

    def status(self, name: str, play: int = 0) -> str:
        """Where a step of the n-th play stands; empty when it has not been considered."""
        progress = self.state.plays[play].steps.get(name)
        return progress.status if progress else ""

    def upcoming(self) -> dict[str, str]:
        """Step to the wall time in Berlin at which it is looked at next."""
        found = upcoming(self.library, self.state)
        return {item.step: item.at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M") for item in found}

    def apply(self, *books: Playbook) -> CatalogueApplied:
        """The event by which these playbooks become the current ones."""
        return CatalogueApplied(self.library.add(*books))


class Given:
    """Makes stories, and the parts of playbooks that most of them need."""

    def __call__(
        self,
        *books: Playbook,
        at: str = "2026-03-02 10:00",
        zone: str = "Europe/Berlin",
        country: str = "DE",
        contacts: tuple[Contact, ...] = CONTACTS,
        contracts: tuple[Contract, ...] = (),
        team: Mapping[str, Teammate] | None = None,
        life: Lifecycle = LIFE,
        spread: bool = False,
        signed_up_on: date | None = None,
        customer: str = "c1",
        journey: str = "standard",
    ) -> Story:
        library, now = Library(life), berlin(at)
        catalogue = library.add(*books)
        day = signed_up_on or now.astimezone(ZoneInfo(zone)).date()
        profile = Profile(zone, day, tier="pro", country=country, journey=journey)
        event = SignedUp(profile, contacts, dict(TEAM if team is None else team), contracts)
        story = Story(library, begin(customer, catalogue, event, now=now, spread=spread))
        return story.when(event, at=now)

    def book(self, *steps: Step, name: str = "play", trigger: Trigger | None = None, **fields: Any) -> Playbook:
        """A playbook that starts at signup, unless it says otherwise."""
        fields = {"anchor": "signup", **fields}
        places = {"": 1, **{item.id: 10 + n for n, item in enumerate(steps)}}
        start = trigger or Trigger(stage="new")
        fields = {"triggers": (start,), **fields}
        return Playbook(name, name, "csm", steps=steps, file=f"playbooks/{name}.yaml", places=places, **fields)

    def email(self, name: str, when: When | None = None, to: tuple[str, ...] = ("champion",), **fields: Any) -> Step:
        return Step(name, Email(to, name), when or When(day=1), **fields)

    def survey(self, name: str, when: When | None = None) -> Step:
        return Step(name, Survey("nps", ("champion",), "nps"), when or When(day=1))

    def slack(self, name: str, when: When | None = None, **fields: Any) -> Step:
        return Step(name, Slack(("csm",), name), when or When(), **fields)

    def task(self, name: str, when: When | None = None, **fields: Any) -> Step:
        return Step(name, Task(("csm",), f"Do {name}"), when or When(), **fields)

    def invite(self, name: str, when: When | None = None, **fields: Any) -> Step:
        action = Invite(("champion", "csm"), name, day=3, start="10:00", end="16:00", minutes=60)
        return Step(name, action, when or When(day=1), **fields)

    def wait(
        self, name: str, by: When, until: Expr | None = None, event: str = "", under: str = "", **fields: Any
    ) -> Step:
        return Step(name, Wait(by, until, event), under=under, **fields)

    def approval(
        self,
        ahead: Length | None = None,
        expired: Literal["skip", "proceed"] = "skip",
        **fields: Any,
    ) -> Approval:
        return Approval("csm", Length(4, "business_hours"), ahead, expired=expired, **fields)

    def get(self, name: str) -> Expr:
        return get(name)

    def compare(self, name: str, op: str, value: object) -> Expr:
        return compare(name, op, value)

    def life(self, **fields: Any) -> Lifecycle:
        return replace(LIFE, **fields)

    def instant(self, text: str) -> datetime:
        return berlin(text)

    def library(self) -> Library:
        return Library()


@pytest.fixture(scope="session")
def given() -> Given:
    """`given(book).when(event, at="2026-03-03 09:00").then("send_email welcome ada")`."""
    return Given()


def moved(story: Story, *books: Playbook, at: str, late: Any = "skip") -> list[tuple[str, str]]:
    """Apply the playbooks, moving all plays; the changes that the preview named, which are what came of it."""
    story.when(at=at)
    event = replace(story.apply(*books), move=tuple(book.name for book in books), late=late)
    now = story.state.as_of
    changes = preview(story.library, story.state, event.digest, event.move, event.late, now=now)
    story.when(event, at=now)
    _came_true(story, changes)
    return [(change.step, change.what) for change in changes]


def _came_true(story: Story, changes: tuple[Change, ...]) -> None:
    for change in changes:
        play = next((item for item in story.state.plays if item.key == change.play), None)
        if play is None or change.step in ("", *(item.step for item in changes if item.what == "repeats")):
            continue
        if change.what == "skipped":
            assert play.steps[change.step].status == "skipped"
        elif change.what == "removed":
            assert change.step not in play.steps or play.steps[change.step].status == "fired"
        elif change.what == "retimed" and change.after is not None:
            assert story.upcoming()[change.step] == change.after.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M")
