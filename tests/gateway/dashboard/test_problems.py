"""What the problems page shows, and what is settled there."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from store import ledger
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Browser = httpx.AsyncClient
Hidden = Callable[..., dict[str, str]]


async def test_a_person_settles_a_send_without_an_outcome(
    browser: Browser, acme: str, db: Database, hidden: Hidden
) -> None:
    touch = f"{acme}/onboarding/1/welcome/1/send/con_1"
    reservation = ledger.reserve(db, touch, customer=acme, kind="send_email", lease_for=timedelta(seconds=30))
    ledger.unknown(db, touch, reservation.attempt, "no answer")
    page = (await browser.get("/problems")).text
    await browser.post("/problems/settle", data={**hidden(page, action="/problems/settle"), "arrived": "yes"})
    with db.read() as c:
        standing = ledger.standing(c, touch)
    assert standing is not None
    assert standing.state == "sent"
    assert "no answer" not in (await browser.get("/problems")).text


async def test_refused_and_parked_events_are_shown(browser: Browser, send: Any) -> None:
    await send({"type": "api.conected", "id": "evt_bad", "data": {"customer": "acme"}})
    await send({"type": "api.connected", "id": "evt_early", "data": {"customer": "globex"}})
    page = (await browser.get("/problems")).text
    assert "evt_bad" in page
    assert "globex" in page


async def test_a_stuck_customer_is_shown_with_what_to_do(browser: Browser, acme: str, temporal: Any) -> None:
    assert "Every customer's workflow goes on" in unescape((await browser.get("/problems")).text)
    temporal.failing = {f"customer/{acme}": ("category=WorkflowTaskFailed",), "customer/cus_gone": ()}
    page = (await browser.get("/problems")).text
    assert f'<a href="/customers/{acme}">Acme</a>' in page
    assert "category=WorkflowTaskFailed" in page
    assert "cus_gone" in page
    assert "the worker's log" in page


async def test_while_temporal_is_away_nobody_can_say_who_is_stuck(browser: Browser, temporal: Any) -> None:
    temporal.away = True
    page = await browser.get("/problems")
    assert page.status_code == 200
    assert "Temporal does not answer" in page.text
    assert "goes on" not in page.text
