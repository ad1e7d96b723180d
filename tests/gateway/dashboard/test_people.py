"""What else people answer on the dashboard: tasks, meetings, stages, holds."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, text

from gateway.release import prepare
from store import customers, ledger, projections
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Browser = httpx.AsyncClient
PAGES = ("/", "/inbox", "/outbox", "/problems")
Hidden = Callable[..., dict[str, str]]
Presses = Callable[[], list[dict[str, Any]]]
ActAs = Callable[[str], Awaitable[None]]


def _held(c: Connection, customer: str) -> str:
    hold = ledger.hold_on(c, customer)
    return hold.reason if hold else ""


async def test_tasks_milestones_and_holds_are_answered_here(
    browser: Browser, acme: str, raise_task: Any, db: Database, temporal: Any, hidden: Hidden, presses: Presses
) -> None:
    temporal.reply = {"result": "done", "text": "Ticked."}
    task = raise_task(acme)
    await browser.post("/answers/task", data=hidden((await browser.get("/inbox")).text, action="/answers/task"))
    page = (await browser.get(f"/customers/{acme}")).text
    milestone = {**hidden(page, action="/answers/milestone"), "milestone": "technical_setup"}
    answer = await browser.post("/answers/milestone", data=milestone)
    assert answer.headers["location"].startswith(f"/customers/{acme}?press=")
    await browser.post("/answers/hold", data={**hidden(page, action="/answers/hold"), "reason": "Outage"})
    page = (await browser.get(f"/customers/{acme}")).text
    assert "on hold: Outage" in page
    await browser.post("/answers/hold", data={**hidden(page, action="/answers/hold"), "place": "no"})
    with db.read() as c:
        assert ledger.hold_on(c, acme) is None
        row = projections.task(c, task)
    assert row is not None
    assert row.ticked_by == "mara"
    assert [event["kind"] for event in presses()] == ["task_ticked", "milestone_ticked", "hold_placed", "hold_lifted"]


async def test_a_repeated_press_on_hold_places_and_lifts_nothing(
    browser: Browser, acme: str, db: Database, hidden: Hidden, presses: Presses
) -> None:
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/hold")
    lift = {**form, "press": "p1", "place": "no"}
    for sent in (lift, {**form, "press": "p2", "reason": "Outage"}, lift):
        assert (await browser.post("/answers/hold", data=sent)).status_code == 303
    with db.read() as c:
        assert _held(c, acme) == "on hold: Outage"
    assert [event["kind"] for event in presses()] == ["hold_lifted", "hold_placed"]


async def test_a_meeting_and_a_stage_are_answered_on_the_customers_page(
    browser: Browser, acme: str, meeting: str, temporal: Any, hidden: Hidden, presses: Presses
) -> None:
    temporal.reply = {"result": "done", "text": "Noted: nobody came."}
    page = (await browser.get(f"/customers/{acme}")).text
    assert '<time datetime="2026-03-05T09:00:00' in page
    form = {**hidden(page, action="/answers/meeting"), "outcome": "no_show"}
    answer = await browser.post("/answers/meeting", data=form)
    assert "nobody came" in (await browser.get(answer.headers["location"])).text
    form = {**hidden(page, action="/answers/stage"), "stage": "adoption", "reason": "They are live"}
    assert (await browser.post("/answers/stage", data=form)).status_code == 303
    assert presses() == [
        {"kind": "meeting_answered", "meeting": meeting, "outcome": "no_show", "by": "mara"},
        {"kind": "stage_set", "stage": "adoption", "by": "mara", "reason": "They are live"},
    ]


async def test_a_customer_that_a_person_sets_to_churned_gets_nothing_more(
    browser: Browser, acme: str, db: Database, hidden: Hidden, presses: Presses
) -> None:
    page = (await browser.get(f"/customers/{acme}")).text
    form = {**hidden(page, action="/answers/stage"), "reason": "They said so"}
    for number, (stage, status, stopped) in enumerate(
        [("win_back", 409, False), ("nowhere", 409, False), ("churned", 303, True), ("adoption", 303, False)]
    ):
        answer = await browser.post("/answers/stage", data={**form, "stage": stage, "press": f"p{number}"})
        assert answer.status_code == status
        with db.read() as c:
            assert customers.get(c, acme).stopped is stopped
    assert [event["stage"] for event in presses()] == ["churned", "adoption"]


@pytest.mark.parametrize(
    ("path", "fields", "who"),
    [
        ("/answers/stage", {"stage": "churned", "reason": "x"}, "Mara Lindqvist or a manager can"),
        ("/answers/hold", {"reason": "x"}, "Mara Lindqvist or a manager can"),
        ("/answers/hold", {"place": "no"}, "Mara Lindqvist or a manager can"),
        ("/answers/milestone", {"milestone": "technical_setup"}, "Mara Lindqvist or a manager can"),
    ],
    ids=["stage", "hold", "lift", "milestone"],
)
async def test_who_does_not_have_the_customer_changes_nothing(
    browser: Browser,
    acme: str,
    db: Database,
    path: str,
    fields: dict[str, str],
    who: str,
    hidden: Hidden,
    presses: Presses,
    act_as: ActAs,
) -> None:
    await act_as("ivo")
    with db.begin() as c:
        customers.place_hold(c, acme, "mara", "Outage")
        customers.stop(c, acme, False)
    form = hidden((await browser.get(f"/customers/{acme}")).text, action=path)
    answer = await browser.post(path, data={**form, **fields})
    assert answer.status_code == 403
    assert who in answer.text
    with db.read() as c:
        assert (_held(c, acme), customers.get(c, acme).stopped) == ("on hold: Outage", False)
    assert presses() == []


async def test_the_owner_of_the_stage_may_set_it_and_a_manager_may_too(
    browser: Browser, acme: str, db: Database, hidden: Hidden, presses: Presses, act_as: ActAs
) -> None:
    with db.begin() as c:
        c.execute(text("UPDATE customers SET stage = 'onboarding'"))
    for teammate in ("ivo", "ruth"):
        await act_as(teammate)
        form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/stage")
        answer = await browser.post("/answers/stage", data={**form, "stage": "adoption", "reason": "Live"})
        assert answer.status_code == 303
    assert [event["by"] for event in presses()] == ["ivo", "ruth"]


@pytest.mark.parametrize("path", ["/answers/stage", "/answers/hold", "/answers/meeting", "/answers/milestone"])
async def test_an_answer_about_nobody_is_told(
    browser: Browser, acme: str, path: str, hidden: Hidden, presses: Presses
) -> None:
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/hold")
    more = {"customer": "cus_nobody", "stage": "churned", "reason": "x", "meeting": "a/1/b", "milestone": "x"}
    answer = await browser.post(path, data={**form, **more})
    assert answer.status_code == 409
    assert "no such request" in answer.text
    assert presses() == []


async def test_everything_is_held_by_anybody_shown_everywhere_and_released_by_a_manager(
    browser: Browser, acme: str, db: Database, hidden: Hidden, act_as: ActAs
) -> None:
    form = hidden((await browser.get("/")).text, action="/answers/everything")
    assert (await browser.post("/answers/everything", data={**form, "reason": "Wrong price"})).status_code == 303
    for path in (*PAGES, f"/customers/{acme}"):
        page = (await browser.get(path)).text
        assert "Everything is on hold" in page
        assert re.search(r"Wrong price \(Mara Lindqvist, .*Europe/Berlin", page), "in the reader's own zone"
    release = {**hidden(page, action="/answers/everything"), "place": "no"}
    assert (await browser.post("/answers/everything", data=release)).status_code == 403
    await act_as("ruth")
    release = {**hidden((await browser.get("/")).text, action="/answers/everything"), "place": "no"}
    stale = {**release, "placed_at": "2026-01-01T00:00:00+00:00"}
    await browser.post("/answers/everything", data=stale)
    with db.read() as c:
        assert _held(c, acme) == "everything is on hold: Wrong price"
    await browser.post("/answers/everything", data=release)
    with db.read() as c:
        assert ledger.hold_on(c, acme) is None
    assert "Everything is on hold" not in (await browser.get("/")).text


@pytest.mark.usefixtures("acme")
async def test_the_page_says_how_many_have_yet_to_hear_what_becomes_of_what_was_kept_back(
    browser: Browser, db: Database
) -> None:
    with db.begin() as c:
        customers.place_hold(c, customers.EVERYTHING, "mara", "Wrong price")
        found = customers.hold(c, customers.EVERYTHING)
    assert found is not None
    page = (await browser.get("/")).text
    assert "yet to hear" not in page
    assert '<option value="retime">moved with the rest of its play</option>' in page
    prepare(db, found.placed_at, "ruth", "retime")
    assert "1 customer has yet to hear" in (await browser.get("/")).text
