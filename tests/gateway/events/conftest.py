"""What tests of events look at: the rows that the core gets, the answers to bad input, what was refused."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from store import customers, inbox
from store.database import Database

Rows = Callable[[], list[dict[str, Any]]]
Problem = Callable[[httpx.Response, int], dict[str, str]]
Refusals = Callable[[], list[str]]


@pytest.fixture
def rows(db: Database) -> Rows:
    """The events of the sample customer as the core gets them, in order."""

    def read() -> list[dict[str, Any]]:
        with db.read() as c:
            customer = customers.find(c, "acme")
            assert customer is not None
            query = "SELECT event FROM inbox WHERE customer = :customer ORDER BY seq"
            found = c.execute(text(query), {"customer": customer.id}).scalars()
            return [json.loads(row) if isinstance(row, str) else row for row in found]

    return read


@pytest.fixture
def problem() -> Problem:
    """The error in a refusal, which says all it must."""

    def read(answer: httpx.Response, status: int) -> dict[str, str]:
        assert answer.status_code == status, answer.text
        error: dict[str, str] = answer.json()["error"]
        assert set(error) == {"field", "problem", "fix"}
        assert all(error.values())
        return error

    return read


@pytest.fixture
def refusals(db: Database) -> Refusals:
    """The problems of what was refused and kept, the newest first."""

    def read() -> list[str]:
        with db.read() as c:
            return [row.problem for row in inbox.refused(c, 50)]

    return read
