"""Who looks after how many customers, on the dashboard: the books, who is over, away or gone, and what to see to."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from html import unescape
from typing import Any

import httpx
import pytest

from lifecycle.staffing import Away, Cover, Policy, RoleRule, Span
from store import team
from store.database import Database
from store.team import Person

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Browser = httpx.AsyncClient


def teach(db: Database, full: Span, covers: dict[str, Cover], but: Iterable[str] = ()) -> None:
    """The same team with a full book for the CSMs, these absences, and without those who have left."""
    with db.begin() as c:
        people: list[Person] = [one for one in team.teammates(c) if one.id not in but]
        rules = Policy({"csm": RoleRule(accounts=full)})
        chains = {role: tuple(chain) for role, chain in team.staff(c).chains.items()}
        team.save_team(c, [replace(one, cover=covers.get(one.id, one.cover)) for one in people], chains, rules)


async def shown(browser: Browser) -> str:
    page = await browser.get("/team")
    assert page.status_code == 200
    return " ".join(unescape(page.text).split())


@pytest.fixture
async def two(send: Any, signup: Any) -> None:
    for name in ("acme-1", "acme-2"):
        await send(signup(f"evt_{name}", id=name, name=name))


@pytest.mark.usefixtures("two")
async def test_a_book_that_is_too_full_is_seen(browser: Browser, db: Database) -> None:
    teach(db, Span(1, 1), {})
    page = await shown(browser)
    assert '<span class="pill bad">over</span>' in page
    assert "has 2 customers; a full book is 1" in page
    teach(db, Span(20, 50), {})
    page = await shown(browser)
    assert "over</span>" not in page
    assert "To be seen to" not in page
    assert '<td data-label="Full book">20-50</td> <td data-label="Load">4%</td>' in page


@pytest.mark.usefixtures("two")
async def test_who_is_away_leaves_or_has_left_is_seen(browser: Browser, db: Database) -> None:
    day = date(2999, 12, 31)
    teach(db, Span(), {"mara": Cover(away=(Away(date(2020, 1, 1), day, "dana"),))})
    page = await shown(browser)
    assert "away until 31 Dec 2999" in page
    assert "is away and still has 2 customers: `stageplay reassign mara dana --until 2999-12-31`" in page
    teach(db, Span(), {"mara": Cover(leaves=day)})
    assert "leaves 31 Dec 2999" in await shown(browser)
    teach(db, Span(), {}, but=("mara",))
    assert '<span class="pill bad">has left</span>' in await shown(browser)


async def test_before_there_is_a_team_the_page_says_so(browser: Browser, db: Database) -> None:
    with db.begin() as c:
        team.save_team(c, [], {}, Policy())
    assert "The team stands in playbooks/team.yaml" in await shown(browser)
