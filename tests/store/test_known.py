"""What is known of a customer: the newest snapshot and what came in since, each with its time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory

from lifecycle.actions import Expr
from lifecycle.jsonform import encode
from lifecycle.messages import (
    Absorbed,
    Churned,
    ContractSigned,
    EmailReplied,
    Event,
    FactsReported,
    Happened,
    MilestoneTicked,
    SignedUp,
    SurveyAnswered,
)
from lifecycle.model import Contract, Fact, State, Value
from lifecycle.playbook import Course, EventSpec, Lifecycle, Milestone, Target
from store import inbox, tables
from store.customers import Customer
from store.database import Database, now
from store.known import Known, Reached, known, milestones

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(hours=5)
LIFE = Lifecycle(
    name="standard",
    title="Standard",
    file="lifecycle.yaml",
    stages=(),
    milestones={
        "kickoff_held": Milestone("Kickoff held", ticked_by=("csm",)),
        "setup": Milestone("Setup complete", Expr("a and b", ("and", ("get", "a.done"), ("get", "b.done")))),
        "pro": Milestone("On pro", Expr("customer.tier", ("==", ("get", "customer.tier"), ("const", "pro")))),
        "live": Milestone("Live", Expr("setup", ("get", "milestones.setup"))),
        "placed": Milestone("Placed", Expr("segment", ("known", ("get", "customer.segment")))),
    },
    events={"b.finished": EventSpec("B is finished", {"b.done": True})},
)


SHORT = Course("Short", (), (Target("kickoff_held", 7, "csm"),), ("own",))


def test_milestones_are_those_of_the_journey_with_the_day_by_which_it_wants_them(customer: Customer) -> None:
    other = Course("Other", (), (), ("else",))
    extra = {name: Milestone(name, ticked_by=("csm",)) for name in ("own", "else")}
    life = replace(LIFE, journeys={"short": SHORT, "other": other}, milestones={**LIFE.milestones, **extra})
    names = [item.name for item in milestones(life, customer, Known())]
    assert names == list(LIFE.milestones)
    short = replace(customer, profile=replace(customer.profile, journey="short"))
    found = {item.name: item.target for item in milestones(life, short, Known())}
    assert list(found) == [*LIFE.milestones, "own"]
    assert (found["kickoff_held"], found["own"]) == (Target("kickoff_held", 7, "csm"), None)


def _take(database: Database, customer: Customer, *events: Event) -> None:
    with database.begin() as c:
        for event in events:
            inbox.accept(c, customer.id, "api", f"{event}", event, body_digest="d")


def _known(database: Database, customer: Customer, life: Lifecycle | None = LIFE) -> Known:
    with database.read() as c:
        return known(c, customer, life)


def test_nothing_is_known_of_a_new_customer(database: Database, customer: Customer) -> None:
    assert _known(database, customer) == Known()


def test_events_since_the_snapshot_count_with_the_time_they_came(
    database: Database, customer: Customer, clock: FrozenDateTimeFactory
) -> None:
    clock.move_to(AT)
    _take(database, customer, Churned())
    facts = {"a.done": Fact(value=True, at=AT), "nps.score": Fact(9, AT)}
    state = State(customer.id, AT, "0" * 16, customer.profile, seq=1, facts=facts, ticked={"kickoff_held": AT})
    with database.begin() as c:
        values = {"customer": customer.id, "batch": 1, "seq": 1, "state": encode(state), "stored_at": now()}
        c.execute(tables.snapshots.insert().values(values))
    assert _known(database, customer) == Known(facts, {"kickoff_held": AT})
    clock.move_to(LATER)
    told = (FactsReported({"seats": 5}), Happened("b.finished", {"b.by": "ada"}), SurveyAnswered("nps", "ada", 4))
    _take(database, customer, *told, MilestoneTicked("kickoff_held", "mara", done=False))
    since: dict[str, Value] = {"seats": 5, "b.done": True, "b.by": "ada", "nps.score": 4}
    found = _known(database, customer)
    assert found == Known({**facts, **{name: Fact(value, LATER) for name, value in since.items()}}, {})
    assert "b.done" not in _known(database, customer, None).facts
    _take(database, customer, MilestoneTicked("kickoff_held", "mara"))
    assert _known(database, customer).ticked == {"kickoff_held": LATER}


def test_the_contract_is_the_one_that_ends_next(database: Database, customer: Customer) -> None:
    assert _known(database, customer).contract is None
    over, last, soon = (
        Contract("over", date(2026, 3, 1), "complete"),
        Contract("last", date(2027, 5, 1)),
        Contract("soon", date(2027, 4, 1)),
    )
    _take(database, customer, SignedUp(customer.profile, contracts=(over,)))
    assert _known(database, customer).contract == over
    _take(database, customer, ContractSigned(last), ContractSigned(soon))
    assert _known(database, customer).contract == soon
    _take(database, customer, ContractSigned(replace(soon, ends_on=date(2028, 4, 1))))
    assert _known(database, customer).contract == last


def test_the_contracts_of_a_customer_that_was_merged_into_this_one_are_known_at_once(
    database: Database, customer: Customer, clock: FrozenDateTimeFactory
) -> None:
    clock.move_to(AT)
    own = Contract("main", date(2027, 4, 1))
    _take(database, customer, SignedUp(customer.profile, contracts=(own,)))
    theirs = [Contract(f"main-{day}", date.fromisoformat(day)) for day in ("2026-03-01", "2027-04-01", "2026-12-01")]
    _take(database, customer, Absorbed("cus_gone", contracts=tuple(theirs)))
    assert _known(database, customer).contracts == (own, theirs[2])
    assert _known(database, customer).contract == theirs[2]


def test_what_a_reply_sets_is_known_at_once(
    database: Database, customer: Customer, clock: FrozenDateTimeFactory
) -> None:
    clock.move_to(AT)
    life = replace(LIFE, events={"email.replied": EventSpec("A reply", {"open": True})})
    _take(database, customer, EmailReplied("con_1"))
    assert _known(database, customer, life) == Known({"open": Fact(value=True, at=AT)})


def test_a_milestone_is_reached_since_it_was_ticked_or_since_its_last_fact(customer: Customer) -> None:
    facts = {"a.done": Fact(value=True, at=LATER), "b.done": Fact(value=True, at=AT)}
    assert milestones(LIFE, customer, Known(facts, {"kickoff_held": AT})) == (
        Reached("kickoff_held", "Kickoff held", reached=True, at=AT),
        Reached("setup", "Setup complete", reached=True, at=LATER),
        Reached("pro", "On pro", reached=True, at=None),
        Reached("live", "Live", reached=True, at=None),
        Reached("placed", "Placed", reached=False, at=None),
    )
    assert [one.reached for one in milestones(LIFE, customer, Known())] == [False, False, True, False, False]
