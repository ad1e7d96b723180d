"""Who looks after how many customers, on the dashboard: the books, who is over, away or gone, and what to see to."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from lifecycle.staffing import Away, Cover, Policy, RoleRule, Span
from store import meetings, tables, team
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


@pytest.mark.usefixtures("two")
async def test_customers_that_count_for_their_first_days_are_said_to(browser: Browser, db: Database) -> None:
    with db.begin() as c:
        rules = Policy({"csm": RoleRule(accounts=Span(20, 20), first_days=30)})
        team.save_team(c, team.teammates(c), {}, rules)
    assert '<td data-label="Customers">2 <small>in their first 30 days</small></td>' in await shown(browser)


async def test_who_has_work_and_no_customers_is_seen(
    browser: Browser, db: Database, acme: str, raise_task: Any, ask_approval: Any
) -> None:
    raise_task(acme)
    ask_approval(acme)
    with db.begin() as c:
        c.execute(tables.customers.update().values(stopped=True))
    teach(db, Span(), {}, but=("mara",))
    page = await shown(browser)
    assert '<td data-label="Customers">0</td>' in page
    assert '<td data-label="Waits for them"><span class="pill waiting">2 open</span></td>' in page
    assert "Mara Lindqvist has left and still has 2 open tasks or questions: `stageplay reassign mara`" in page
    with db.begin() as c:
        c.execute(tables.approvals.delete())
    page = await shown(browser)
    assert "1 open task or question:" in page
    assert '<a class="name" href="/?of=mara">' in page
    with db.begin() as c:
        c.execute(tables.assignments.delete())
    assert "open task or question" not in await shown(browser), "it is being handed on, and no command could do more"


ROOM = "https://meet.example.com/mara?pwd=1&x=2"


def furnish(db: Database, room: str) -> None:
    with db.begin() as c:
        rooms = [replace(one, meeting_url=room if one.id == "mara" else "") for one in team.teammates(c)]
        team.save_team(c, rooms, {})


async def test_a_room_is_a_link_on_the_page_of_the_team_and_of_the_customer(
    browser: Browser, db: Database, acme: str
) -> None:
    furnish(db, "")
    for path in ("/team", f"/customers/{acme}"):
        assert "Meeting room" not in (await browser.get(path)).text
    furnish(db, ROOM)
    for path in ("/team", f"/customers/{acme}"):
        page = (await browser.get(path)).text
        assert unescape(page).count(f'<a href="{ROOM}" rel="noreferrer">Meeting room</a>') == 1


@pytest.mark.parametrize(("year", "seen"), [(2020, False), (2999, True)])
async def test_meetings_to_come_that_do_not_say_where_are_seen_to(
    browser: Browser, db: Database, acme: str, year: int, seen: bool
) -> None:
    at = datetime(year, 3, 5, 9, tzinfo=UTC)
    touch = f"{acme}/onboarding-14-day/1/kickoff/1/send"
    meetings.book(db, touch, organizer="mara", opens=at, closes=at + timedelta(hours=4), minutes=60, guests=())
    furnish(db, "")
    found = (
        "Mara Lindqvist holds a meeting to come without a place: tell the guests, and add `meeting_url` to team.yaml"
    )
    assert (found in await shown(browser)) == seen
    furnish(db, ROOM)
    assert "without a place" not in await shown(browser)


async def test_before_there_is_a_team_the_page_says_so(browser: Browser, db: Database) -> None:
    with db.begin() as c:
        team.save_team(c, [], {}, Policy())
    assert "The team stands in playbooks/team.yaml" in await shown(browser)
