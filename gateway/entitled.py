"""Who may give an answer: those asked, the people who have the customer, and managers.

Judged by the rows of the database before anything is written, so that a stranger's press leaves no trace,
neither in the workflow nor in what sends in flight look at. The core judges again what depends on the present state.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from lifecycle import machine
from lifecycle.messages import (
    ApprovalAnswered,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    MilestoneTicked,
    PlayRequested,
    PlayStopRequested,
    Reply,
    StageSet,
    TaskTicked,
)
from lifecycle.playbook import Lifecycle
from store import customers, meetings, merges, projections, team
from store.customers import Customer
from store.team import Person

Answer = (
    ApprovalAnswered
    | TaskTicked
    | MilestoneTicked
    | MeetingAnswered
    | StageSet
    | PlayRequested
    | PlayStopRequested
    | HoldPlaced
    | HoldLifted
)

ACCOUNT_OWNER = "csm"
NOT_YOURS = "This one is not yours to answer; {who} can."
MERGED = "This account was merged into {name}. Do it there."
NO_SUCH = Reply("unknown", "There is no such request any more.")


def refusal(c: Connection, lifecycle: Lifecycle, customer: str, by: Person, event: Answer) -> Reply | None:
    """Why this answer is not taken from this person; None when it is."""
    try:
        found = customers.get(c, customer)
    except LookupError:
        return NO_SUCH
    if found.merged_into and not isinstance(event, ApprovalAnswered | TaskTicked):
        return Reply("too_late", MERGED.format(name=merges.home(c, found).name))
    match event:
        case ApprovalAnswered(approval=approval):
            return _approval(c, lifecycle, found, by, approval)
        case TaskTicked():
            return _task(c, found, event)
        case MeetingAnswered(meeting=meeting):
            return None if meeting in {one.name for one in meetings.of(c, customer)} else NO_SUCH
        case MilestoneTicked(milestone=milestone):
            spec = lifecycle.milestones.get(milestone)
            return NO_SUCH if spec is None else _unless(c, lifecycle, found, by, spec.ticked_by)
        case StageSet(stage=stage):
            return _unless(c, lifecycle, found, by, _owners(lifecycle, found)) or _no_move(lifecycle, found, stage)
        case PlayRequested() | PlayStopRequested():
            return _unless(c, lifecycle, found, by, tuple(team.team_of(c, customer)))
        case HoldPlaced() | HoldLifted():
            return _unless(c, lifecycle, found, by, _owners(lifecycle, found))


def is_manager(lifecycle: Lifecycle, by: Person) -> bool:
    """Whether a person has one of the managers' roles."""
    return bool(set(by.roles) & set(lifecycle.managers))


def _approval(c: Connection, lifecycle: Lifecycle, customer: Customer, by: Person, approval: str) -> Reply | None:
    row = projections.approval(c, customer.id, approval)
    if row is None:
        return NO_SUCH
    if by.id in row.asked or is_manager(lifecycle, by):
        return None
    return _not_yours([person.name for one in row.asked if (person := team.teammate(c, one))])


def _task(c: Connection, customer: Customer, event: TaskTicked) -> Reply | None:
    """The core keeps no list of tasks: whether one is done is known here. A merged customer's stands at the other."""
    row = projections.task(c, event.task)
    if row is None or row.customer not in (customer.id, customer.merged_into):
        return NO_SUCH
    if event.done == (row.ticked_at is not None):
        return Reply("already", f"Already done by {row.ticked_by}." if event.done else "It is open already.")
    return None


def _owners(lifecycle: Lifecycle, customer: Customer) -> tuple[str, ...]:
    """The roles that answer for a customer where it stands."""
    stages = lifecycle.course(customer.profile.journey).stages
    here = next((stage for stage in stages if stage.name == customer.stage), None)
    return (*((here.owner, *here.others) if here else ()), ACCOUNT_OWNER)


def _unless(c: Connection, lifecycle: Lifecycle, customer: Customer, by: Person, roles: Sequence[str]) -> Reply | None:
    """A refusal, unless the person has one of the roles for this customer, or is a manager."""
    people = team.team_of(c, customer.id)
    if is_manager(lifecycle, by) or by.id in {
        people[role].id for role in (*roles, *lifecycle.managers) if role in people
    }:
        return None
    return _not_yours([people[role].name for role in roles if role in people])


def _not_yours(names: Sequence[str]) -> Reply:
    return Reply("not_yours", NOT_YOURS.format(who=" or ".join([*dict.fromkeys(names), "a manager"])))


def moves(lifecycle: Lifecycle | None, customer: Customer) -> list[str]:
    """The stages that a person can move a customer to: those of its journey, and of customers who left."""
    known = lifecycle.stages_of(customer.profile.journey) if lifecycle and lifecycle.stages else machine.STAGES
    return [stage for stage in known if machine.move("journey", customer.stage, f"set_to_{stage}") is not None]


def _no_move(lifecycle: Lifecycle, customer: Customer, stage: str) -> Reply | None:
    """Checked here too because a customer set to churned stops at once, before the core has heard of it."""
    if stage not in moves(lifecycle, customer):
        return Reply("unknown", f"There is no move from {customer.stage} to {stage}.")
    return None
