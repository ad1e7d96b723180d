"""Holds on those who sign up later: whom they reach, what replaces them, and what ends them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lifecycle.actions import Expr
from lifecycle.model import Clock, Profile
from store import customers, inbox, standing
from store.customers import Customer
from store.database import Database, now
from store.rollouts import EVERYBODY, Scope

PRO = Scope(Expr("customer.tier == 'pro'", ("==", ("get", "customer.tier"), ("const", "pro"))))
ADOPTION = Scope(Expr("customer.stage == 'adoption'", ("==", ("get", "customer.stage"), ("const", "adoption"))))


def comes(
    database: Database, name: str = "acme", tier: str = "pro", stage: str = "", clock: Clock | None = None
) -> Customer:
    """A customer who signs up now."""
    profile = Profile("Europe/Berlin", now().date(), tier=tier)
    clock = clock or Clock(now(), now())
    with database.begin() as c:
        made, _ = customers.create(c, outer_id=name, name=name, profile=profile, clock=clock, contacts=[], team={})
        standing.meet(c, made, stage)
    return made


def held(database: Database, customer: Customer) -> list[dict[str, object]]:
    with database.read() as c:
        return [row.event for row in inbox.undelivered(c, customer.id)]


def place(database: Database, scope: Scope = EVERYBODY, playbook: str = "", reason: str = "an outage") -> None:
    with database.begin() as c:
        standing.place(c, scope, playbook, "priya", reason)


def test_whoever_signs_up_is_held_as_those_who_were_there(database: Database) -> None:
    place(database, playbook="nps-detractor")
    made = comes(database)
    placed = {"kind": "hold_placed", "by": "priya", "reason": "an outage", "playbook": "nps-detractor"}
    assert held(database, made) == [placed]
    with database.read() as c:
        hold = customers.hold(c, customers.scope_of(made.id, "nps-detractor"))
    assert hold is not None
    assert (hold.placed_by, hold.reason) == ("priya", "an outage")


def test_a_hold_on_a_part_reaches_that_part(database: Database) -> None:
    place(database, PRO)
    assert [len(held(database, comes(database, tier, tier))) for tier in ("pro", "team")] == [1, 0]
    place(database, ADOPTION, reason="a wrong price")
    assert held(database, comes(database, "late", "team", "adoption"))[0]["reason"] == "a wrong price"


def test_a_rehearsal_is_not_held(database: Database) -> None:
    place(database)
    start = datetime(2026, 3, 2, tzinfo=UTC)
    assert held(database, comes(database, clock=replace(Clock(start, start), factor=60.0))) == []


def test_a_later_hold_on_the_same_part_replaces_the_reason(database: Database) -> None:
    place(database, PRO)
    place(database, PRO, reason="a wrong link")
    place(database, PRO, "nps-detractor")
    with database.read() as c:
        found = standing.listed(c)
    assert found[0].text.startswith("everything for customer.tier == 'pro' who signs up, by priya since 20")
    assert found[1].text.endswith(" UTC: an outage")
    assert [(item.scope, item.playbook, item.reason) for item in found] == [
        (PRO, "", "a wrong link"),
        (PRO, "nps-detractor", "an outage"),
    ]


@pytest.mark.parametrize(
    ("scope", "playbook", "ended"),
    [(PRO, "", 1), (ADOPTION, "", 0), (EVERYBODY, "nps-detractor", 2), (PRO, "nps-detractor", 1), (EVERYBODY, "", 1)],
)
def test_a_hold_ends_as_it_was_placed_or_for_everybody(
    database: Database, scope: Scope, playbook: str, ended: int
) -> None:
    place(database, PRO)
    place(database, PRO, "nps-detractor")
    place(database, EVERYBODY, "nps-detractor")
    with database.begin() as c:
        assert standing.lift(c, scope, playbook) == ended
        assert len(standing.listed(c)) == 3 - ended
