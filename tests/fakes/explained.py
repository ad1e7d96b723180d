"""A customer to whom this and that happened, in a small world, and what `explain` says of it."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from authoring.changes import Change
from authoring.explain import Explained, as_of, explain
from authoring.satisfy import written
from authoring.simulate import Library, simulate
from lifecycle.actions import Expr, Task, When
from lifecycle.engine import next_due, step
from lifecycle.messages import (
    BatchSettled,
    DueReached,
    Effect,
    Event,
    SignedUp,
)
from lifecycle.model import Contact, Profile, State, Teammate, state_from_json, state_to_json
from lifecycle.playbook import (
    EventSpec,
    FactSpec,
    Lifecycle,
    Manifest,
    Milestone,
    Playbook,
    Release,
    StageSpec,
    Step,
    Trigger,
    digest_of,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LIFE = Lifecycle(
    "standard",
    "Standard journey",
    (
        StageSpec("new", "csm", 0, 0, Expr("access.given", ("get", "access.given"))),
        StageSpec("onboarding", "csm", 1, 14, Expr("setup.done", ("get", "setup.done"))),
        StageSpec("adoption", "csm", 15, 60),
        StageSpec("value", "csm", 61),
    ),
    "playbooks/lifecycle.yaml",
    bands={"green": 80, "yellow": 60, "red": 40, "critical": 0},
    milestones={
        "roi": Milestone("ROI documented", ticked_by=("csm",)),
        "setup": Milestone("Set up", Expr("setup.done", ("get", "setup.done"))),
        "lost": Milestone("Nobody says so", ticked_by=("ceo",)),
    },
    facts={
        "access.given": FactSpec("boolean"),
        "setup.done": FactSpec("boolean"),
        "usage.share": FactSpec("number", low=0, high=1, resolution=0.05),
        "usage.features": FactSpec("number"),
        "plan.name": FactSpec("text", choices=("free", "paid")),
        "plan.note": FactSpec("text"),
        "trial.ends_on": FactSpec("date"),
        "health.score": FactSpec("number", low=0, high=100, resolution=1),
        "nps.score": FactSpec("number", low=0, high=10, resolution=1),
        "ticket.id": FactSpec("text"),
    },
    events={"kickoff.held": EventSpec(), "ticket.opened": EventSpec()},
    roles={"csm": ()},
    default_zone="Europe/Berlin",
)
TEAM = {"csm": Teammate("mara", "Europe/Berlin")}
ONCE = Trigger(stage="value")


def expr(tree: Any) -> Expr:
    return Expr(written(tree), tree)


def get(name: str) -> Any:
    return ("get", name)


def compare(name: str, op: str, value: Any) -> Expr:
    return expr((op, get(name), ("const", value)))


def book(*triggers: Trigger, steps: tuple[Step, ...] = (), name: str = "care", **fields: Any) -> Playbook:
    """A playbook whose one step comes long after everything here, unless it says otherwise."""
    steps = steps or (Step("late", Task(("csm",), "Later"), When(day=300)),)
    fields = {"anchor": "entry", "reentry": "again", "file": "playbooks/care.yaml", "places": {"": 1}, **fields}
    return Playbook(name, "Care", "csm", triggers=triggers or (ONCE,), steps=steps, **fields)


def library(*books: Playbook) -> tuple[Library, str]:
    manifest = Manifest(digest_of(LIFE), {item.name: digest_of(item) for item in books})
    those: tuple[Release, ...] = (LIFE, manifest, *books)
    return Library({digest_of(item): item for item in those}), digest_of(manifest)


class Told:
    """A customer to whom this and that happened, and what is explained of it."""

    def __init__(self, *books: Playbook, events: Iterable[Event] = (), days: int = 3, **signup: Any) -> None:
        self.library, digest = library(*books)
        profile = Profile("Europe/Berlin", date(2026, 3, 2), tier="pro", country="DE")
        first = SignedUp(profile, (Contact("con-1", ("champion",)),), **{"team": TEAM, **signup})
        told = [(AT + timedelta(hours=1 + n), event) for n, event in enumerate(events)]
        now = max([AT + days * DAY, *(at for at, _ in told)])
        played = simulate(self.library, digest, first, AT, told, now)
        self.state, self.past = as_of(self.library, played.state, (), now), played.decisions

    def about(self, name: str = "care") -> Explained:
        return explain(self.library, self.state, self.past, name)[0]

    def change(self, name: str = "care") -> Change:
        found = self.about(name).change
        assert found is not None
        return found

    def step(self, state: State, event: Event, now: datetime) -> State:
        """One step of the core, with its commands taken and the state through its stored form."""
        outcome = step(self.library, state, event, now=now)
        after = state_from_json(state_to_json(outcome.state))
        if not outcome.commands:
            return after
        effects = tuple(Effect(item.touch, "sent") for item in outcome.commands)
        return self.step(after, BatchSettled(effects, len(after.records)), now)

    def reach(self, state: State, until: datetime) -> State:
        while (due := next_due(self.library, state)) is not None and due <= until:
            state = self.step(state, DueReached(), due)
        return state

    def after(self, change: Change) -> State:
        """The state once a change has happened, told to the core itself."""
        at = change.at or self.state.as_of
        state = self.reach(self.state, at)
        for event in change.events:
            state = self.step(state, event, max(at, state.as_of))
        return self.reach(state, at + change.lasts)

    def flips(self, name: str = "care") -> bool:
        """Whether what is suggested does what it says."""
        change, before = self.change(name), runs(self.state, name)
        after = self.after(change)
        return (
            (runs(after, name) != before) if before else after.counters.get(name, 0) > self.state.counters.get(name, 0)
        )


def runs(state: State, name: str) -> list[str]:
    return [play.key for play in state.plays if play.playbook == name and not play.over]


OTHER = book(Trigger(by_hand=True), name="other")
