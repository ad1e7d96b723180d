"""Everything the core remembers of one customer, as one frozen value that survives a JSON round trip unchanged.

No names, addresses or other personal data stand here: contacts and teammates are opaque ids, so nothing personal
reaches a workflow's
history. State is stored at least twice a run, so fields stay few and defaults are left out of its JSON form (about 2
KB with one play).
When a field changes meaning: raise `VERSION`, add a function to `UPGRADES`, freeze a sample of the old form under
`tests/lifecycle/samples/`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Literal

from lifecycle.jsonform import FormError, decode, encode
from lifecycle.quick import quick

VERSION = 1
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""The end of every customer's time: a rehearsal that nobody stopped stands still there."""

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Clock:
    """Maps real time to a customer's time: `factor` virtual seconds pass in one real second, both counted from their
    origins.

    Production has factor 1 and equal origins. A rehearsal has factor 86,400 / (seconds a day lasts).
    """

    real_origin: datetime
    virtual_origin: datetime
    factor: float = 1.0

    def virtual(self, real: datetime) -> datetime:
        """The customer's time at a real instant, `LATEST` at most."""
        passed, left = real - self.real_origin, LATEST - self.virtual_origin
        return LATEST if passed >= left / self.factor else min(LATEST, self.virtual_origin + passed * self.factor)

    def real_length(self, length: timedelta) -> timedelta:
        """How long a length of the customer's time lasts in reality."""
        return length / self.factor

    @property
    def rehearsal(self) -> bool:
        """Whether days run as seconds; such a customer's sends never leave the outbox."""
        return self.factor != 1.0


@dataclass(frozen=True, slots=True)
class Profile:
    """What the customer bought and where it is. `arr` in whole units of currency a year; `country` ISO 3166 alpha-2;
    `zone` an IANA name that exists.
    """

    zone: str
    signed_up_on: date
    tier: str = "team"
    journey: str = "standard"
    touch: str = "low"
    country: str = ""
    segment: str = ""
    arr: int = 0


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at the customer. `roles`: `champion`, `executive_sponsor`, `admin`, `billing`, ...; `suppressed`:
    unsubscribed, bounced or complained.
    """

    ROW: ClassVar[bool] = True
    id: str
    roles: tuple[str, ...] = ()
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class Teammate:
    """A person here, by id, with the zone that business hours are counted in."""

    ROW: ClassVar[bool] = True
    id: str
    zone: str = "UTC"


@quick
@dataclass(frozen=True, slots=True)
class Fact:
    """The latest known value of a named measure and when it was learned."""

    ROW: ClassVar[bool] = True
    value: Value
    at: datetime


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract's end (local date) and its renewal phase: empty before the first phase.

    `starts_on`: first day of the term, None where nobody said; `auto_renews`: whether it goes on by itself, None where
    nobody said.
    """

    id: str
    ends_on: date
    phase: str = ""
    starts_on: date | None = None
    auto_renews: bool | None = None

    @property
    def term_days(self) -> int | None:
        """How many days the term has, its first and last among them; None where its first is not known."""
        return None if self.starts_on is None else (self.ends_on - self.starts_on).days + 1


Status = Literal[
    "asked",  # an approval is open
    "approved",  # approved before its due
    "waiting",  # a wait step is open
    "held",  # by a cap, quiet hours, a window, a missing recipient; tried again at `at`
    "fired",
    "met",  # a wait's condition came true
    "timed_out",  # a wait's deadline came first
    "skipped",
    "failed",
    "cancelled",
]
ON_HOLD = "hold"
"""`Progress.outcome` of a step that a hold keeps back: nothing brings it up but the hold's end."""
SETTLED = frozenset({"fired", "met", "timed_out", "skipped", "failed", "cancelled"})


@quick
@dataclass(frozen=True, slots=True)
class Progress:
    """Where one step of a play stands.

    `at`: when the status began; for `held`, when it is tried again. `due`: the instant it was first owed, while that
    differs. `left`: recipients whose outcome is still out. `sent`: those an invite reached. `count`: reminders and
    rungs already used of an open approval; how often the meeting of an invite was moved. `edited`: a person changed the
    text before approving. `offered`: for an invite, the instant its slot was chosen at, where that is not `at`;
    `closes`: of a meeting that was moved, when the hours end between which it lies. `outcome`: what became of its
    meeting, `declined`, `no_show` or `held`; the way that a choice took; `ON_HOLD` for a step that is held until a hold
    is lifted; of an open approval, the change of the team since which it is put to others.
    """

    ROW: ClassVar[bool] = True
    status: Status
    at: datetime
    due: datetime | None = None
    left: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    count: int = 0
    edited: bool = False
    offered: datetime | None = None
    outcome: str = ""
    closes: datetime | None = None


@quick
@dataclass(frozen=True, slots=True)
class Play:
    """One playbook running for one customer.

    `number` counts the plays of this playbook for this customer from 1; `anchor` is day 0, local, in `zone`. `over`:
    every step is settled and only
    outcomes of sends are still out. `paused`: contacts who answered a mail and wait for ours; `replies`: how often
    that was so. `subject`: which ticket, contract, ... it is about, where a playbook runs per one; `about`: the facts
    of that one, read before the customer's; `seen`: the events about it, by name, and when each last happened.
    `renamed`: what touches call a step whose id is another, see `lifecycle.moving`.
    """

    playbook: str
    release: str
    number: int
    anchor: date
    zone: str
    started_at: datetime
    steps: dict[str, Progress] = field(default_factory=dict)
    over: bool = False
    paused: tuple[str, ...] = ()
    replies: int = 0
    subject: str = ""
    about: dict[str, Value] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`playbook/number`: with the customer, the front of every touch of this play."""
        return f"{self.playbook}/{self.number}"

    def name_of(self, step: str) -> str:
        """What touches call a step: its id, or what they called it before the play was moved to another release."""
        return self.renamed.get(step, step)

    def step_of(self, name: str) -> str:
        """The id of the step that touches call so; one that no step has where a move called that question off."""
        if not self.renamed:
            return name
        otherwise = f"{name}." if name in self.renamed else name
        return next((step for step, known in self.renamed.items() if known == name), otherwise)


@dataclass(frozen=True, slots=True)
class Settlement:
    """An approval already decided: kept until its play has ended for 30 days, so that a late press is answered and not
    acted on.
    """

    ROW: ClassVar[bool] = True
    approval: str
    result: str
    by: str
    at: datetime
    press: str = ""


@quick
@dataclass(frozen=True, slots=True)
class Edge:
    """What a trigger of time or facts has seen. `since`: from when on its condition has held without a break, or the
    silence, date or occurrence that it last spoke for. `started`: whether it has had its say.
    """

    ROW: ClassVar[bool] = True
    since: datetime
    started: bool = True


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause by a person, for a reason, since an instant."""

    ROW: ClassVar[bool] = True
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Retry:
    """A command that surely has not gone (`later`), or that may have arrived (`unknown`); issued again at `at`, same
    touch. `command`: its JSON. `held`: a hold kept it back last, so that it does not go stale; else its provider asked
    for patience.
    """

    at: datetime
    command: Any
    why: Literal["later", "unknown"] = "later"
    held: bool = False


@quick
@dataclass(frozen=True, slots=True)
class Touched:
    """One email or survey reserved for a contact, of `step` (`playbook/play/step`): what caps count. Dropped after 8
    days.
    """

    ROW: ClassVar[bool] = True
    contact: str
    at: datetime
    step: str


@quick
@dataclass(frozen=True, slots=True)
class Snapshot:
    """The health score at an instant. `high`: what it rose to within a week of it; None: no higher."""

    ROW: ClassVar[bool] = True
    at: datetime
    score: float
    high: float | None = None

    @property
    def highest(self) -> float:
        """Of that week."""
        return self.score if self.high is None else self.high


Verdict = Literal["fired", "waiting", "held", "skipped", "failed", "cancelled"]


@quick
@dataclass(frozen=True, slots=True)
class Decision:
    """A step considered: at which nominal instant, with which verdict, and why.

    `step` is empty for the play itself; `playbook` is the lifecycle's name and `play` 0 for moves of stage, phase and
    band. `what` is the kind of the step (`email`, `wait`, ...) or `play`, `stage`, `phase`, `band`, `health`,
    `approval`, `answer`, `meeting`, `reply`.
    """

    at: datetime
    playbook: str
    release: str
    play: int
    step: str
    what: str
    verdict: Verdict
    reason: str
    to: str = ""


@quick
@dataclass(frozen=True, slots=True)
class State:
    """All the core remembers of one customer.

    `seq`: highest event number seen. `catalogue`: digest of the current manifest. `moved`: when the stage was entered.
    `overdue`: the stage's window
    ended with its criterion unmet. `pinned`: a person placed the customer here, so a criterion that already holds does
    not move it on. `seen`: event name to when it last happened. `counters`: playbook to plays started;
    `ended`: playbook to when its last play ended.
    `records`: decisions not yet
    stored. `doubtful`: touches that may have arrived and are being asked about. `batches`: activity ids used. `spread`:
    whether touches are spread by customer (off in scenarios and rehearsal). `edges`: what triggers of time and facts
    have seen, see `lifecycle.triggers`. `merged`: the customer that this one was merged into, empty while it is one of
    its own. `history`: of the health score, the oldest first, see `lifecycle.health`.
    """

    customer: str
    as_of: datetime
    catalogue: str
    profile: Profile
    v: int = VERSION
    seq: int = 0
    stage: str = "new"
    moved: datetime | None = None
    overdue: bool = False
    pinned: bool = False
    band: str = ""
    contracts: tuple[Contract, ...] = ()
    contacts: tuple[Contact, ...] = ()
    team: dict[str, Teammate] = field(default_factory=dict)
    facts: dict[str, Fact] = field(default_factory=dict)
    ticked: dict[str, datetime] = field(default_factory=dict)
    seen: dict[str, datetime] = field(default_factory=dict)
    plays: tuple[Play, ...] = ()
    counters: dict[str, int] = field(default_factory=dict)
    ended: dict[str, datetime] = field(default_factory=dict)
    decided: tuple[Settlement, ...] = ()
    touched: tuple[Touched, ...] = ()
    holds: dict[str, Hold] = field(default_factory=dict)
    retries: tuple[Retry, ...] = ()
    doubtful: tuple[str, ...] = ()
    records: tuple[Decision, ...] = ()
    batches: int = 0
    spread: bool = True
    edges: dict[str, Edge] = field(default_factory=dict)
    merged: str = ""
    history: tuple[Snapshot, ...] = ()

    @property
    def held(self) -> str:
        """Why nothing goes to this customer; empty when no hold of its own is on."""
        return self.holds[""].reason if "" in self.holds else ""


UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From version n to n + 1, one pure function each; every state ever written reads through this chain."""


def upgrade(data: Mapping[str, Any]) -> dict[str, Any]:
    """Bring the JSON form of a state to `VERSION`.

    Raises:
        FormError: the state was written by a newer build; that build, or a later one, must run it.
    """
    raw = dict(data)
    while (version := raw.get("v", 1)) < VERSION:
        raw = {**UPGRADES[version](raw), "v": version + 1}
    if version > VERSION:
        raise FormError(f"state version {version} is newer than this build's {VERSION}; run the build that wrote it")
    return raw


def state_to_json(state: State) -> dict[str, Any]:
    """The JSON form of a state, with its version always written."""
    return {"v": VERSION, **encode(state)}


def state_from_json(data: Mapping[str, Any]) -> State:
    """Read a state written by this build or an earlier one.

    Raises:
        FormError: an unknown field, a wrong kind, or a newer version.
    """
    return decode(State, upgrade(data))
