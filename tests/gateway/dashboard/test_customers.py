"""The list of customers: leafed through, searched, and one's own."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from html import unescape

import httpx
import pytest

from lifecycle.model import Clock, Profile
from store import customers, tables, team
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Browser = httpx.AsyncClient
ActAs = Callable[[str], Awaitable[None]]
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def test_the_customers_are_leafed_through(browser: Browser, db: Database) -> None:
    profile = Profile("UTC", date(2026, 3, 2))
    with db.begin() as c:
        for n in range(51):
            customers.create(
                c, outer_id=f"c{n}", name=f"C {n:02}.", profile=profile, clock=Clock(AT, AT), contacts=[], team={}
            )
    first, last = [(await browser.get(path)).text for path in ("/", "/?page=2")]
    assert re.findall(r"C (\d\d)\.", first + last) == [f"{n:02}" for n in range(51)]
    assert "Page 1 of 2, 51 customers" in first
    assert "There is no such page" in (await browser.get("/?page=3")).text


async def test_a_customer_is_found_by_name_or_id(browser: Browser, acme: str, db: Database) -> None:
    profile = Profile("UTC", date(2026, 3, 2))
    with db.begin() as c:
        for n in range(51):
            customers.create(
                c, outer_id=f"c{n}", name=f"100% {n:02}.", profile=profile, clock=Clock(AT, AT), contacts=[], team={}
            )
    first = (await browser.get("/?named=100%25")).text
    assert "Page 1 of 2, 51 customers" in first
    assert 'href="/?page=2&amp;named=100%25"' in first
    assert len(re.findall(r"100% \d\d\.", (await browser.get("/?page=2&named=100%25")).text)) == 1
    for written in ("100% 07", "c7", "ACME", acme):
        page = (await browser.get("/", params={"named": written})).text
        assert page.count('data-label="Customer"') == 1, written
        assert ("100% 07." in page) == (written in {"100% 07", "c7"})
    assert "No customer is called that" in (await browser.get("/?named=nobody_")).text
    assert "Page 1 of 2" in (await browser.get("/?page=0")).text


@pytest.mark.usefixtures("acme")
async def test_a_search_leaves_out_what_no_database_can_look_for(browser: Browser) -> None:
    for address in ("/?named=Acme%00", "/?of=mara%00", "/?named=%00&of=%00"):
        answered = await browser.get(address)
        assert (answered.status_code, answered.text.count('data-label="Customer"')) == (200, 1)


def tabs(page: str) -> list[str]:
    """The tabs over a list, each with where it leads; the one that is shown with a star."""
    (row,) = re.findall(r'<div class="tabs">(.*?)</div>', page, re.DOTALL)
    found = re.findall(r'<a href="([^"]*)"( aria-current="true")?>([^<]+)</a>', row)
    return [f"{unescape(to)} {unescape(label)}{'*' if here else ''}" for to, here, label in found]


async def test_ones_own_customers_are_a_click_away_and_stay_in_the_address(
    browser: Browser, acme: str, db: Database, act_as: ActAs
) -> None:
    profile = Profile("UTC", date(2026, 3, 2))
    with db.begin() as c:
        priya = team.teammate(c, "priya")
        assert priya is not None
        for n in range(51):
            customers.create(
                c,
                outer_id=f"d{n}",
                name=f"D {n:02}.",
                profile=profile,
                clock=Clock(AT, AT),
                contacts=[],
                team={"csm": priya},
            )
    assert acme
    assert tabs((await browser.get("/")).text) == ["/ Everybody's 52*", "/?of=mara Mine 1"]
    mine = (await browser.get("/?of=mara")).text
    assert (mine.count('data-label="Customer"'), "Acme" in mine) == (1, True)
    assert tabs(mine) == ["/ Everybody's 52", "/?of=mara Mine 1*"]
    assert tabs((await browser.get("/?of=priya")).text)[2:] == ["/?of=priya Priya Nair 52*"]
    await act_as("priya")
    page = (await browser.get("/?of=priya")).text
    assert 'href="/?page=2&amp;of=priya"' in page
    assert '<input type="hidden" name="of" value="priya">' in page
    assert "D 50." in (await browser.get("/?page=2&of=priya")).text
    found = (await browser.get("/?of=priya&named=D%2007")).text
    assert found.count('data-label="Customer"') == 1
    assert tabs(found) == ["/?named=D%2007 Everybody's 1", "/?of=priya&named=D%2007 Mine 1*"]


@pytest.mark.usefixtures("acme")
async def test_who_has_no_customers_is_led_back_to_everybodys(browser: Browser, act_as: ActAs, db: Database) -> None:
    with db.begin() as c:
        c.execute(tables.assignments.delete().where(tables.assignments.c.teammate == "ivo"))
    await act_as("ivo")
    assert "You have no role for any customer" in (await browser.get("/?of=ivo")).text
    assert "zoe has no role for any customer" in (await browser.get("/?of=zoe")).text
    assert "No customer here is called that" in (await browser.get("/?of=mara&named=Bluefin")).text
    assert "There is no such page" in (await browser.get("/?of=mara&page=2")).text
