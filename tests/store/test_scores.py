"""What one customer's health score is held against: others of its segment, else of its tier, else all."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from lifecycle.model import Clock, Fact, Profile, State, state_to_json
from store import customers, projections, scores
from store.customers import Customer
from store.database import Database
from store.scores import Benchmark

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PROFILE = Profile("Europe/Berlin", date(2026, 3, 2), tier="pro", segment="smb")


def add(db: Database, number: int, score: Any, profile: Profile = PROFILE) -> Customer:
    """A customer whose last stored state has this score, and none where it is None."""
    with db.begin() as c:
        made, _ = customers.create(
            c,
            outer_id=f"other-{number}",
            name=f"Other {number}",
            profile=profile,
            clock=Clock(AT, AT),
            contacts=[],
            team={},
        )
        facts = {} if score is None else {"health.score": Fact(score, AT), "health.fell": Fact(value=False, at=AT)}
        summary = {"stage": "adoption", "band": "", "tier": profile.tier, "overdue": False, "held": ""}
        batch = {
            "customer": made.id,
            "number": 1,
            "decisions": [],
            "summary": {**summary, "catalogue": "", "as_of": None, "next_due": None},
            "snapshot": state_to_json(State(made.id, AT, "0" * 16, profile, facts=facts)),
            "log": "1",
        }
        projections.store_batch(c, batch, lambda item: item.playbook)
    return made


def benchmark(db: Database, customer: Customer) -> Benchmark | None:
    with db.read() as c:
        return scores.benchmark(c, customer)


def test_a_score_is_held_against_others_of_the_segment(database: Database) -> None:
    mine = add(database, 0, 10)
    for number, score in enumerate((50, 60, 70, 80, 90), 1):
        add(database, number, score)
    add(database, 10, None)
    add(database, 11, "high")
    add(database, 12, 5, replace(PROFILE, segment="enterprise"))
    assert benchmark(database, mine) == Benchmark("segment smb", 5, 60, 70, 80)


def test_a_small_segment_falls_back_to_the_tier_and_then_to_all(database: Database) -> None:
    mine = add(database, 0, 10)
    for number in range(1, 5):
        add(database, number, 40)
    assert benchmark(database, mine) is None
    add(database, 5, 90, replace(PROFILE, segment="enterprise", tier="team"))
    assert benchmark(database, mine) == Benchmark("all customers", 5, 40, 40, 40)
    add(database, 6, 90, replace(PROFILE, segment="enterprise"))
    assert benchmark(database, mine) == Benchmark("tier pro", 5, 40, 40, 40)


def test_a_customer_without_a_segment_is_held_against_its_tier(database: Database) -> None:
    for number in range(5):
        add(database, number, 75)
    mine = add(database, 9, None, replace(PROFILE, segment=""))
    found = benchmark(database, mine)
    assert found is not None
    assert (found.group, found.median) == ("tier pro", 75)


@pytest.mark.parametrize("state", [{}, {"facts": []}, {"facts": [[["x", 1], "health.score"]]}])
def test_a_state_without_a_score_has_none(state: dict[str, Any]) -> None:
    assert scores.score_of(state) is None
