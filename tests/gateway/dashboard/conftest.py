"""A browser that is signed in as Mara, a customer, and how forms of pages are filled in."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from store import customers, meetings, outbox
from store.database import Database

MailKeeper = Callable[..., int]
Browser = httpx.AsyncClient
Hidden = Callable[..., dict[str, str]]
Presses = Callable[[], list[dict[str, Any]]]
ActAs = Callable[[str], Awaitable[None]]


@pytest.fixture
async def acme(send: Any, signup: Any, db: Database) -> str:
    await send(signup())
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    return customer.id


@pytest.fixture
async def browser(client: httpx.AsyncClient) -> Browser:
    """Signed in as Mara."""
    answer = await client.post("/sign-in", data={"token": "one-time-token", "acting": "mara"})
    assert answer.status_code == 303
    return client


@pytest.fixture
def mail(db: Database) -> MailKeeper:
    def keep(customer: str, **body: str) -> int:
        at = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
        with db.begin() as c:
            return outbox.keep(
                c,
                f"{customer}/x/1/y/1/send/z",
                customer=customer,
                kind="email",
                to="ada@acme.example.com",
                subject="Welcome <b>",
                body=body,
                at=at,
            )

    return keep


@pytest.fixture
def meeting(db: Database, acme: str) -> str:
    """A booked meeting; what events call it."""
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    touch = f"{acme}/onboarding-14-day/1/kickoff/1/send"
    meetings.book(db, touch, organizer="mara", opens=at, closes=at + timedelta(hours=4), minutes=60, guests=())
    return "onboarding-14-day/1/kickoff"


@pytest.fixture
def hidden() -> Hidden:
    """The hidden fields of a page's nth form for `action`."""

    def read(page: str, form: int = 0, *, action: str) -> dict[str, str]:
        forms = [one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'action="{action}"' in one]
        pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', forms[form])
        return {name: unescape(value) for name, value in pairs}

    return read


@pytest.fixture
def presses(db: Database) -> Presses:
    """What the dashboard's forms put into the inbox, in order."""

    def read() -> list[dict[str, Any]]:
        with db.read() as c:
            query = "SELECT event FROM inbox WHERE source = 'dashboard' ORDER BY seq"
            return [json.loads(row) for row in c.execute(text(query)).scalars()]

    return read


@pytest.fixture
def act_as(browser: Browser, hidden: Hidden) -> ActAs:
    """Answer as another teammate from now on."""

    async def act(teammate: str) -> None:
        page = (await browser.get("/")).text
        await browser.post("/acting", data={**hidden(page, action="/acting"), "acting": teammate})

    return act
