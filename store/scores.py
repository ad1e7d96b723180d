"""Health scores of all customers, as of their last stored states: what one customer's is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from lifecycle.conditions import is_number
from lifecycle.scoring import SCORE
from store import tables
from store.customers import Customer

ENOUGH = 5
"""Customers that make a benchmark; of fewer it would say who they are."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The scores of `customers` others like one customer: its `group` in words, their quartiles."""

    group: str
    customers: int
    low: float
    median: float
    high: float


def score_of(state: Mapping[str, Any]) -> float | None:
    """The health score in the JSON form of a state."""
    value = next((row[0] for row, *names in state.get("facts", ()) if SCORE in names), None)
    return value if is_number(value) else None


def benchmark(c: Connection, customer: Customer) -> Benchmark | None:
    """Against customers of the same segment; where few of those have a score, of the same tier, else all of them."""
    profile = tables.customers.c.profile
    segment = customer.profile.segment
    groups: list[tuple[str, ColumnElement[bool] | None]] = [
        (f"segment {segment}", profile["segment"].as_string() == segment if segment else None),
        (f"tier {customer.profile.tier}", tables.customers.c.tier == customer.profile.tier),
        ("all customers", tables.customers.c.id != ""),
    ]
    for group, those in groups:
        found = [] if those is None else _scores(c, customer.id, those)
        if len(found) >= ENOUGH:
            low, median, high = quantiles(found, n=4, method="inclusive")
            return Benchmark(group, len(found), low, median, high)
    return None


def _scores(c: Connection, but: str, those: ColumnElement[bool]) -> list[float]:
    """Of those who have not left, one excepted."""
    known, whose = tables.snapshots, tables.customers
    query = select(known.c.score).join(whose, whose.c.id == known.c.customer)
    query = query.where(those, whose.c.id != but, known.c.score.is_not(None), ~whose.c.stopped)
    return list(c.execute(query).scalars())
