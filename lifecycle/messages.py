"""What goes into the core and what it answers: the closed union of events, each tagged by `kind`, and the outcome.

Events are past tense, what happened; what the shell must do stands in `commands`. Adding an event: add it to the
union, to `engine`, and to the tests that name every kind.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from lifecycle.commands import Command
from lifecycle.model import Contact, Contract, Decision, Profile, State, Teammate, Touched, Value
from lifecycle.quick import quick
from lifecycle.staffing import TeamChanged

# --- events -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SignedUp:
    """The customer exists. `team`: teammate role to who has it for this customer, fallbacks already resolved.

    `placed`: the stage that a customer stands in who was here before we were; its past is not made up for. Empty: a new
    customer. `facts`: known at this moment, learned without triggering anything. `assigned`: why this team.
    """

    profile: Profile
    contacts: tuple[Contact, ...] = ()
    team: dict[str, Teammate] = field(default_factory=dict)
    contracts: tuple[Contract, ...] = ()
    placed: str = ""
    facts: dict[str, Value] = field(default_factory=dict)
    assigned: str = ""
    kind: Literal["signed_up"] = "signed_up"


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """The customer moved, or bought something else: tier, zone, country, ... A later signup event is this, too."""

    profile: Profile
    kind: Literal["profile_changed"] = "profile_changed"


@dataclass(frozen=True, slots=True)
class ContactChanged:
    """A person at the customer appeared, or has other roles now."""

    contact: Contact
    kind: Literal["contact_changed"] = "contact_changed"


@dataclass(frozen=True, slots=True)
class ContactLeft:
    contact: str
    kind: Literal["contact_left"] = "contact_left"


@dataclass(frozen=True, slots=True)
class ContactSuppressed:
    """No more touches to this person. `why`: `unsubscribed`, `bounced`, `complained`."""

    contact: str
    why: str
    kind: Literal["contact_suppressed"] = "contact_suppressed"


@dataclass(frozen=True, slots=True)
class ContactRestored:
    """The person asked to hear from us again."""

    contact: str
    kind: Literal["contact_restored"] = "contact_restored"


@dataclass(frozen=True, slots=True)
class Happened:
    """A product event of the catalogue, by name, with the facts it carries besides those the catalogue says it sets."""

    name: str
    facts: dict[str, Value] = field(default_factory=dict)
    kind: Literal["happened"] = "happened"


@quick
@dataclass(frozen=True, slots=True)
class FactsReported:
    """New values of named facts."""

    facts: dict[str, Value]
    kind: Literal["facts_reported"] = "facts_reported"


@dataclass(frozen=True, slots=True)
class SurveyAnswered:
    """A survey was answered, as its form in `lifecycle.surveys` asks. `score`: None where there is none. `answers`:
    what was chosen besides, by name. `late`: after the time in which an answer is acted on by itself; whoever takes
    the answer knows.
    """

    survey: str
    contact: str
    score: int | None
    late: bool = False
    answers: dict[str, Value] = field(default_factory=dict)
    kind: Literal["survey_answered"] = "survey_answered"

    @property
    def name(self) -> str:
        """The event that it is to playbooks. A late answer is one of its own: no wait is met and no play is started by
        it that does not say so, so that nothing goes to a customer who answered a question long closed.
        """
        return f"{self.survey}.answered_late" if self.late else f"{self.survey}.answered"

    @property
    def facts(self) -> dict[str, Value]:
        """What it tells: `<survey>.score`, and each answer as `<survey>.<name>`."""
        score = {} if self.score is None else {"score": self.score}
        return {f"{self.survey}.{name}": value for name, value in {**score, **self.answers}.items()}


@dataclass(frozen=True, slots=True)
class EmailReplied:
    """A contact answered a mail: a person reads that before this contact gets more. Is the event `email.replied`."""

    contact: str
    kind: Literal["email_replied"] = "email_replied"


@dataclass(frozen=True, slots=True)
class ApprovalAnswered:
    """A person answered an approval. `approval`: its id, `playbook/play/step`, in later rounds
    of a repeat with `~2`, ... `by`: teammate id. `press`: id of the
    press; a repeat is answered, not acted on.
    """

    approval: str
    by: str
    answer: Literal["approve", "reject"]
    press: str
    edited: bool = False
    kind: Literal["approval_answered"] = "approval_answered"


@dataclass(frozen=True, slots=True)
class TaskTicked:
    """A teammate finished (or reopened) a task. `task`: the touch of its command."""

    task: str
    by: str
    done: bool = True
    kind: Literal["task_ticked"] = "task_ticked"


@dataclass(frozen=True, slots=True)
class MilestoneTicked:
    """A teammate says that a milestone is reached, or takes that back."""

    milestone: str
    by: str
    done: bool = True
    kind: Literal["milestone_ticked"] = "milestone_ticked"


@dataclass(frozen=True, slots=True)
class MeetingAnswered:
    """What became of a meeting. `meeting`: `playbook/play/step` of its invite, as for approvals. `by`: teammate id,
    empty where the guest's calendar says it. Is the event `<step>.<outcome>`.
    """

    meeting: str
    outcome: Literal["held", "no_show", "declined"]
    by: str = ""
    kind: Literal["meeting_answered"] = "meeting_answered"


@dataclass(frozen=True, slots=True)
class StageSet:
    """A teammate moved the customer, or moved it back, for a reason."""

    stage: str
    by: str
    reason: str
    kind: Literal["stage_set"] = "stage_set"


@dataclass(frozen=True, slots=True)
class PlayRequested:
    """A teammate starts a playbook for this customer; its entry and re-entry are judged as for any other reason."""

    playbook: str
    by: str
    reason: str = ""
    kind: Literal["play_requested"] = "play_requested"


@dataclass(frozen=True, slots=True)
class PlayStopRequested:
    """A teammate ends a play, `playbook/play`, for a reason."""

    play: str
    by: str
    reason: str = ""
    kind: Literal["play_stop_requested"] = "play_stop_requested"


@dataclass(frozen=True, slots=True)
class ContractSigned:
    """A contract is new, or has a new end. The renewal of a contract starts its next cycle."""

    contract: Contract
    kind: Literal["contract_signed"] = "contract_signed"


@dataclass(frozen=True, slots=True)
class Churned:
    """The customer left. Every play whose exit says so ends; its open approvals are withdrawn."""

    reason: str = ""
    kind: Literal["churned"] = "churned"


@dataclass(frozen=True, slots=True)
class Returned:
    """A customer that had left is back."""

    kind: Literal["returned"] = "returned"


@dataclass(frozen=True, slots=True)
class Merged:
    """The customer was merged into another one, `into`, and goes on as that."""

    into: str
    kind: Literal["merged"] = "merged"


@dataclass(frozen=True, slots=True)
class Absorbed:
    """Another customer was merged into this one. `contacts`: its people, as this customer knows them from now on;
    `touched`: what they had from it that caps still see; `contracts`: under ids that this customer does not use.
    """

    customer: str
    contacts: tuple[Contact, ...] = ()
    touched: tuple[Touched, ...] = ()
    contracts: tuple[Contract, ...] = ()
    kind: Literal["absorbed"] = "absorbed"


@dataclass(frozen=True, slots=True)
class HoldPlaced:
    """Nothing goes to this customer, or nothing that one playbook does is done, until the hold is lifted; events keep
    being recorded.
    """

    by: str
    reason: str
    playbook: str = ""
    kind: Literal["hold_placed"] = "hold_placed"


@dataclass(frozen=True, slots=True)
class HoldLifted:
    """The hold is over. `stale`: what becomes of what fell due meanwhile. It goes at the next allowed slot, is skipped,
    or the remaining days of its play move by the length of the hold.
    """

    by: str
    playbook: str = ""
    stale: Literal["send", "skip", "retime"] = "send"
    kind: Literal["hold_lifted"] = "hold_lifted"


@dataclass(frozen=True, slots=True)
class SendsReleased:
    """The hold on everything, which was placed at `since`, is gone; a hold of this customer's own stays. `stale`: what
    becomes of what it kept back, as of `HoldLifted`.
    """

    by: str
    stale: Literal["send", "skip", "retime"] = "send"
    since: datetime | None = None
    kind: Literal["sends_released"] = "sends_released"


@dataclass(frozen=True, slots=True)
class CatalogueApplied:
    """Releases were applied: new plays start from this manifest. Plays in flight keep theirs, but for those of the
    playbooks in `move`: they go on with the new one, and steps that are past due in it are skipped, or fire now.
    """

    digest: str
    move: tuple[str, ...] = ()
    late: Literal["skip", "fire"] = "skip"
    kind: Literal["catalogue_applied"] = "catalogue_applied"


@dataclass(frozen=True, slots=True)
class DueReached:
    """An instant that was owed has come. `late_for` (real time): how long ago; `clock`: the customer's time when the
    shell woke, where that is later than `now`.
    """

    late_for: timedelta = timedelta(0)
    clock: datetime | None = None
    kind: Literal["due_reached"] = "due_reached"


@quick
@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one command. `later`, or `held` by a hold: try again `at`, customer time. `unknown`: ask then."""

    touch: str
    result: Literal["sent", "failed", "later", "held", "unknown", "withdrawn"]
    reason: str = ""
    at: datetime | None = None


@quick
@dataclass(frozen=True, slots=True)
class BatchSettled:
    """The outcomes of a batch; `stored`: how many of the state's oldest records were stored with it."""

    effects: tuple[Effect, ...] = ()
    stored: int = 0
    kind: Literal["batch_settled"] = "batch_settled"


Event = (
    SignedUp
    | ProfileChanged
    | ContactChanged
    | ContactLeft
    | ContactSuppressed
    | ContactRestored
    | TeamChanged
    | Happened
    | FactsReported
    | SurveyAnswered
    | EmailReplied
    | ApprovalAnswered
    | TaskTicked
    | MilestoneTicked
    | MeetingAnswered
    | StageSet
    | PlayRequested
    | PlayStopRequested
    | ContractSigned
    | Churned
    | Returned
    | Merged
    | Absorbed
    | HoldPlaced
    | HoldLifted
    | SendsReleased
    | CatalogueApplied
    | DueReached
    | BatchSettled
)

ANSWERS = (
    "approval_answered",
    "task_ticked",
    "milestone_ticked",
    "meeting_answered",
    "stage_set",
    "play_requested",
    "play_stop_requested",
    "hold_placed",
    "hold_lifted",
)
"""Kinds that people wait for: delivered as updates, answered with a Reply. All others are delivered as signals."""


# --- what a step returns ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a person. `result`: `done`, `approved`, `rejected`, `already`, `too_late`, `not_yours`, `unknown`.
    `text`: one sentence to show.
    """

    result: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The next state; commands in the order to issue; decisions in the order made, also queued in `state.records`; a
    reply where a person waits.
    """

    state: State
    commands: tuple[Command, ...] = ()
    decisions: tuple[Decision, ...] = ()
    reply: Reply | None = None
