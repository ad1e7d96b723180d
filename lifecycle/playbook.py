"""Compiled releases: what `authoring` makes of YAML, and all that the engine, the workers and the activities see of it.

A release is frozen and named by a digest of its JSON form without `places` (where things stand in the author's file,
so that a
comment moves nothing). `FORMAT` is part of the digest: raise it when the engine reads a field differently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lifecycle import machine
from lifecycle.actions import AT_ONCE, Action, Expr, Length, When
from lifecycle.checklists import Checklist
from lifecycle.courtesy import BusinessHours, Politeness
from lifecycle.health import HealthModel
from lifecycle.jsonform import digest, encode
from lifecycle.memo import once
from lifecycle.programmes import Programme, Risk, Staffing, SupportPlan

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung of an escalation ladder: `after` the question was asked, ask `to` (a teammate role) as well."""

    after: Length
    to: str


@dataclass(frozen=True, slots=True)
class Approval:
    """`by`: the teammate role that answers. Asked `ahead` of the due; answered `within`; `expired`: what silence
    means.
    """

    by: str
    within: Length
    ahead: Length | None = None
    remind: Length | None = None
    escalate: tuple[Rung, ...] = ()
    expired: Literal["skip", "proceed"] = "skip"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a playbook does. `was`: its id in an earlier release, so that plays that are moved know it again.

    `under`/`branch`: the step whose branch it stands in, and which (both empty: top level): `then` or `otherwise` of a
    wait or repeat, `do` of a repeat, `otherwise` or the number of a way of a choice.
    """

    id: str
    action: Action
    when: When = AT_ONCE
    condition: Expr | None = None
    needs: tuple[str, ...] = ()
    under: str = ""
    branch: str = ""
    approval: Approval | None = None
    was: str = ""

    @property
    def to(self) -> tuple[str, ...]:
        """The roles that it reaches; none of a step that reaches nobody."""
        roles: tuple[str, ...] = getattr(self.action, "to", ())
        return roles


@dataclass(frozen=True, slots=True)
class Every:
    """One row of a cadence: every `amount` of `unit`, counted from the signup date, up to day `until_day` (None: for
    ever), for customers for whom `condition` holds. An `amount` of 0 is never: the rows below do not count for these.
    """

    amount: int
    unit: Literal["days", "weeks", "months"]
    until_day: int | None = None
    condition: Expr | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a play; exactly one reason is set.

    `stage`, `band`: entering it; `leaving_stage`, `leaving_band`: leaving it. `event`: it happens (and `where` holds).
    `condition`: it becomes true, and stays so for `length` where that is given. `silence`: no such event for `length`.
    `date`: `days` after a date fact, or after `contract.ends_on` (negative: before). `every`: a cadence, of which the
    first row that applies counts. `by_hand`: nothing but a person.
    """

    stage: str = ""
    event: str = ""
    band: str = ""
    where: Expr | None = None
    leaving_stage: str = ""
    leaving_band: str = ""
    condition: Expr | None = None
    silence: str = ""
    length: Length | None = None
    date: str = ""
    days: int = 0
    every: tuple[Every, ...] = ()
    by_hand: bool = False


CONTRACT_END = "contract.ends_on"
"""The date of a trigger that stands for the end of each contract."""
PER_CONTRACT = "contract"
"""`Playbook.per` of a playbook of which there is one play for each term of each contract."""
OUTSIDE_STAGES = ("churned", "win_back")
"""The stages of a customer who has left, which no lifecycle file describes."""


@dataclass(frozen=True, slots=True)
class Playbook:
    """One compiled playbook file.

    `triggers`: any of them starts a play. `anchor`: what day 0 is: `signup`, its date; `entry`, that of the start;
    `date`, that from which a trigger counts; or a date fact, which an event brought or the customer has. `zone`:
    `customer`, a teammate role, or an IANA name. `at`: default local time. `window`: send window `(HH:MM, HH:MM)` for
    touches. `reentry`: `once`, or `again` after `cooldown` (None: at once). `per`: plays of different values of this
    text fact, which the trigger's event carries, run beside each other; or `PER_CONTRACT`. `templates`: path below
    `templates/` to text, layouts included. `inputs`: values that templates know by name; in steps and conditions they
    stand already.
    `places`: step id (and `""`, the file's head) to line; outside the digest. `file`: as shown to people.
    """

    name: str
    title: str
    owner: str
    triggers: tuple[Trigger, ...]
    steps: tuple[Step, ...]
    file: str
    priority: int = 50
    entry: Expr | None = None
    exit: Expr | None = None
    goal: Expr | None = None
    anchor: str = "entry"
    zone: str = "customer"
    at: str = "09:00"
    window: tuple[str, ...] = ("08:00", "18:00")
    reentry: Literal["once", "again"] = "once"
    cooldown: Length | None = None
    per: str = ""
    templates: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    inputs: dict[str, bool | int | float | str] = field(default_factory=dict)
    format: int = FORMAT
    kind: Literal["playbook"] = "playbook"

    @property
    def after_leaving(self) -> bool:
        """Whether it is meant for customers who have left: entering one of their stages starts it."""
        return any(trigger.stage in OUTSIDE_STAGES for trigger in self.triggers)

    def place(self, step: str) -> str:
        """`file:line` of a step, of the head of the file when the step is unknown."""
        return f"{self.file}:{self.places.get(step, self.places.get('', 1))}"


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage's day window (`to_day` None: open), its owner, and the criterion that lets the customer leave it.
    `others`: teammate roles that own it as well; what is asked, is asked of `owner`.
    """

    name: str
    owner: str
    from_day: int
    to_day: int | None = None
    criterion: Expr | None = None
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PhaseSpec:
    """A renewal phase and how many days before the contract's end it starts (0: complete)."""

    name: str
    days_before: int


@dataclass(frozen=True, slots=True)
class Milestone:
    """A named achievement: reached when `when` holds or a person of one of the roles `ticked_by` says so."""

    title: str
    when: Expr | None = None
    ticked_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Derived:
    """How a fact follows from what came day by day, see `lifecycle.windows`. `source`: an event, or a number that is
    reported. `days`: of the window; `against`: of the time before it; `least`: what must have come in that.
    """

    source: str
    how: Literal["count", "sum", "change", "mean_change", "trend", "days_since"]
    days: int = 0
    against: int = 0
    least: float = 0


@dataclass(frozen=True, slots=True)
class FactSpec:
    """A measure: `type`, `unit`, range (inclusive) and `resolution`, the change below which it is not worth telling
    the workflow. `owner`: the role that can say it where nobody has; empty: the owner of the playbook that asks.
    `by_day`: kept for what is derived from it, and never told.
    """

    type: Literal["number", "boolean", "text", "date"]
    title: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    resolution: float | None = None
    choices: tuple[str, ...] = ()
    owner: str = ""
    derived: Derived | None = None
    by_day: bool = False


@dataclass(frozen=True, slots=True)
class EventSpec:
    """A product event by name: what it means, and the facts it `sets`."""

    title: str = ""
    sets: dict[str, bool | int | float | str] = field(default_factory=dict)


STANDARD = "standard"
"""The journey of a customer of whom nobody says another: the stages of the lifecycle file itself."""


@dataclass(frozen=True, slots=True)
class Target:
    """By the end of which day of a journey a milestone is to be reached. `owner`: the teammate role that is asked for
    it then; empty: nobody is, it only shows. `share`: how many percent of the customers should, 0 where nobody says.
    """

    milestone: str
    day: int
    owner: str = ""
    share: int = 0


@dataclass(frozen=True, slots=True)
class Course:
    """One journey: its stages in order, a few of those that the statechart has, and what it wants reached by when.

    `milestones`: the names of those that only its file declares. `file`: where it is written.
    """

    title: str
    stages: tuple[StageSpec, ...]
    targets: tuple[Target, ...] = ()
    milestones: tuple[str, ...] = ()
    file: str = ""


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A compiled lifecycle file with the fact catalogue it was checked against.

    `stages` in order; `phases` from the farthest to 0; `bands` as `(name, lowest score)` from the best; `roles`:
    teammate role to its fallback
    chain; `managers`: roles that may answer any approval; `holidays`: country code to ISO dates, weekends left in;
    `default_zone`: where none is given. `notice`: tier to the days before the contract's end until which it can be
    ended. `touch`: touch model to the lowest ARR that gets it. `health`: what makes the score, and its bands; None:
    scores are reported. `risks`: what a note may name, by name. `stages` and `targets` are those of the journey
    `STANDARD`, `journeys` are all others by name; all the rest is one for the whole company, `milestones` too, whatever
    file declares them.
    `staffing`: who answers tickets, by ascending tickets a week. `programmes`: by name.
    `support`: what each tier or add-on is promised, by name. `channels`: how soon each answers.
    `conditions`: by name, what several playbooks ask for; those are compiled with it written out.
    """

    name: str
    title: str
    stages: tuple[StageSpec, ...]
    file: str
    phases: tuple[PhaseSpec, ...] = ()
    bands: dict[str, int] = field(default_factory=dict)
    milestones: dict[str, Milestone] = field(default_factory=dict)
    facts: dict[str, FactSpec] = field(default_factory=dict)
    events: dict[str, EventSpec] = field(default_factory=dict)
    politeness: Politeness = field(default_factory=Politeness)
    business: BusinessHours = field(default_factory=BusinessHours)
    holidays: dict[str, tuple[str, ...]] = field(default_factory=dict)
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    managers: tuple[str, ...] = ()
    default_zone: str = "UTC"
    places: dict[str, int] = field(default_factory=dict)
    notice: dict[str, int] = field(default_factory=dict)
    touch: dict[str, int] = field(default_factory=dict)
    health: HealthModel | None = None
    risks: dict[str, Risk] = field(default_factory=dict)
    targets: tuple[Target, ...] = ()
    journeys: dict[str, Course] = field(default_factory=dict)
    staffing: tuple[Staffing, ...] = ()
    programmes: dict[str, Programme] = field(default_factory=dict)
    checklists: tuple[Checklist, ...] = ()
    conditions: dict[str, Expr] = field(default_factory=dict)
    support: dict[str, SupportPlan] = field(default_factory=dict)
    channels: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT
    kind: Literal["lifecycle"] = "lifecycle"

    @property
    def courses(self) -> dict[str, Course]:
        """Every journey by name, the standard one first."""
        return {STANDARD: Course(self.title, self.stages, self.targets, (), self.file), **self.journeys}

    def course(self, journey: str) -> Course:
        """A journey by name; the standard one for a name that no file has."""
        return self.journeys.get(journey) or self.courses[STANDARD]

    def stages_of(self, journey: str = "") -> tuple[str, ...]:
        """The stages of a journey by name, without one those of all journeys, in the order of the statechart; then
        those of customers who left.
        """
        those = [self.course(journey)] if journey else list(self.courses.values())
        named = {spec.name for one in those for spec in one.stages}
        return tuple(name for name in machine.STAGES if name in named or name in OUTSIDE_STAGES)

    def touch_for(self, arr: int) -> str:
        """The touch model of a customer of whom nobody says it; `low` where none is declared for so small an ARR."""
        return max(((low, name) for name, low in self.touch.items() if low <= arr), default=(0, "low"))[1]

    def place(self, key: str, journey: str = "") -> str:
        """`file:line` of a stage or milestone, of the head of the file when unknown."""
        own = self.places.get(f"{journey}/{key}")
        if own is not None and journey in self.journeys:
            return f"{self.journeys[journey].file}:{own}"
        return f"{self.file}:{self.places.get(key, self.places.get('', 1))}"


@dataclass(frozen=True, slots=True)
class Manifest:
    """The current releases: the lifecycle's digest and, per playbook name, its digest. Its own digest is what a
    customer's state holds.
    """

    lifecycle: str
    playbooks: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT
    kind: Literal["catalogue"] = "catalogue"


Release = Playbook | Lifecycle | Manifest


def release_digest(data: Mapping[str, Any]) -> str:
    """The digest of a release's JSON form: over everything but `places`, so that a comment moves nothing."""
    return digest({name: value for name, value in data.items() if name != "places"})


@once
def digest_of(release: Release) -> str:
    """The name of a release; worked out once, because each scenario asks for those of all playbooks again."""
    return release_digest(encode(release))
