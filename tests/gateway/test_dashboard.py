"""The dashboard: who may see it, what its pages show, what its forms do."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest
from freezegun import freeze_time
from sqlalchemy import text

from store import customers, ledger, meetings, outbox, projections
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
PAGES = ("/", "/inbox", "/inbox?all=1", "/outbox", "/outbox?kind=email", "/problems")
POSTS = (
    "/acting",
    "/sign-out",
    "/answers/approval",
    "/answers/task",
    "/answers/milestone",
    "/answers/meeting",
    "/answers/stage",
    "/answers/hold",
    "/answers/everything",
    "/problems/settle",
)
MailKeeper = Callable[..., int]
Browser = httpx.AsyncClient
ENTRY_PAGES = ("/outbox/1", "/outbox/1/html", "/outbox/1/mail.eml")


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


def hidden(page: str, form: int = 0, *, action: str) -> dict[str, str]:
    """The hidden fields of the page's nth form for `action`."""
    forms = [one for one in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'action="{action}"' in one]
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', forms[form])
    return {name: unescape(value) for name, value in pairs}


def presses(db: Database) -> list[dict[str, Any]]:
    with db.read() as c:
        query = "SELECT event FROM inbox WHERE source = 'dashboard' ORDER BY seq"
        return [json.loads(row) for row in c.execute(text(query)).scalars()]


@pytest.mark.parametrize("path", [*PAGES, *ENTRY_PAGES, "/customers/cus_1", "/approvals/a/b/1/c"])
async def test_a_stranger_sees_nothing(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("path", POSTS)
async def test_a_form_without_the_sessions_token_does_nothing(
    browser: Browser, acme: str, ask_approval: Any, db: Database, path: str
) -> None:
    form = {"customer": acme, "approval": ask_approval(acme), "answer": "approve", "press": "p", "acting": "ruth"}
    for csrf in ({}, {"csrf": "x"}, {"csrf": browser.cookies["stageplay"]}):
        assert (await browser.post(path, data={**form, **csrf})).status_code == 403
    assert presses(db) == []


@pytest.mark.parametrize("path", POSTS)
async def test_a_stranger_can_do_nothing(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, data={"press": "p"})).headers["location"] == "/sign-in"


async def test_the_sign_in_link_works_once_and_looking_does_not_use_it(client: httpx.AsyncClient) -> None:
    for _ in range(2):
        assert "Open the dashboard" in (await client.get("/sign-in?token=one-time-token")).text
    form = {"token": "one-time-token", "acting": "mara"}
    assert (await client.post("/sign-in", data={**form, "token": "other"})).status_code == 403
    assert (await client.post("/sign-in", data={**form, "acting": "nobody"})).status_code == 422
    answer = await client.post("/sign-in", data=form)
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert (await client.post("/sign-in", data=form)).status_code == 403
    assert (await client.get("/sign-in?token=one-time-token")).status_code == 403
    assert (await client.get("/")).status_code == 200


async def test_a_session_ends(browser: Browser) -> None:
    real = datetime.now(UTC)  # noqa: TID251 - the moment the cookie was made
    with freeze_time(real + timedelta(hours=13), real_asyncio=True):
        assert (await browser.get("/")).status_code == 303
    page = (await browser.get("/")).text
    await browser.post("/sign-out", data=hidden(page, action="/acting"))
    assert (await browser.get("/")).status_code == 303


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_shows_and_keeps_scripts_out(browser: Browser, send: Any, signup: Any, path: str) -> None:
    await send(signup(name="<script>alert(1)</script>"))
    answer = await browser.get(path)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "style=" not in answer.text


async def test_the_customers_page_says_who_waits(
    browser: Browser, acme: str, ask_approval: Any, raise_task: Any
) -> None:
    ask_approval(acme)
    raise_task(acme)
    page = (await browser.get("/")).text
    assert "Acme" in page
    assert "1 approval" in page
    assert "1 task" in page


async def test_a_customers_page_says_when_the_engine_is_away(browser: Browser, acme: str, temporal: Any) -> None:
    temporal.away = True
    page = await browser.get(f"/customers/{acme}")
    assert page.status_code == 200
    assert "cannot be reached" in page.text
    assert (await browser.get("/customers/cus_nobody")).status_code == 404


async def test_an_approval_is_given_once_however_often_it_is_clicked(
    browser: Browser, acme: str, ask_approval: Any, db: Database
) -> None:
    approval = ask_approval(acme)
    page = (await browser.get("/inbox")).text
    assert "Welcome, Acme" in page
    form = hidden(page, action="/answers/approval")
    for _ in range(2):
        answer = await browser.post(
            "/answers/approval", data={**form, "subject": "Welcome, Acme", "text": "Hello Ada,\r\n\r\nwelcome aboard."}
        )
        assert answer.status_code == 303
    assert "Approved." in (await browser.get(answer.headers["location"])).text
    assert presses(db) == [
        {
            "kind": "approval_answered",
            "approval": approval,
            "by": "mara",
            "answer": "approve",
            "press": f"dashboard:{form['press']}",
        }
    ]


async def test_a_text_changed_before_approving_is_kept_and_said(
    browser: Browser, acme: str, ask_approval: Any, db: Database
) -> None:
    approval = ask_approval(acme)
    form = hidden((await browser.get("/inbox")).text, action="/answers/approval")
    await browser.post("/answers/approval", data={**form, "subject": "Welcome!", "text": "Other words."})
    assert presses(db)[0]["edited"] is True
    with db.read() as c:
        edit = projections.edit(c, acme, approval)
    assert edit is not None
    assert (edit.subject, edit.text, edit.edited_by) == ("Welcome!", "Other words.", "mara")


@pytest.mark.parametrize(
    "change",
    [{"subject": "A\r\nBcc: x"}, {"text": ""}, {"text": "x" * 20_001}, {"text": "\0"}],
    ids=["CR/LF", "empty", "long", "NUL"],
)
async def test_a_wrong_edit_approves_nothing(
    browser: Browser, acme: str, ask_approval: Any, db: Database, change: dict[str, str]
) -> None:
    ask_approval(acme)
    form = hidden((await browser.get("/inbox")).text, action="/answers/approval")
    answer = await browser.post("/answers/approval", data={**form, "subject": "Hi", "text": "Words", **change})
    assert answer.status_code == 422
    assert presses(db) == []


async def test_a_rejection_needs_a_second_click(browser: Browser, acme: str, ask_approval: Any, db: Database) -> None:
    ask_approval(acme)
    page = (await browser.get("/inbox")).text
    assert "Yes, reject it" in page
    await browser.post("/answers/approval", data=hidden(page, 1, action="/answers/approval"))
    assert presses(db)[0]["answer"] == "reject"


async def test_a_person_who_was_not_asked_cannot_answer(
    browser: Browser, acme: str, ask_approval: Any, db: Database
) -> None:
    ask_approval(acme)
    page = (await browser.get("/")).text
    await browser.post("/acting", data={**hidden(page, action="/acting"), "acting": "ivo"})
    assert "Nothing waits" in (await browser.get("/inbox")).text
    form = hidden((await browser.get("/inbox?all=1")).text, action="/answers/approval")
    answer = await browser.post("/answers/approval", data=form)
    assert answer.status_code == 403
    assert "not yours" in answer.text
    assert presses(db) == []


async def test_an_answer_while_temporal_is_away_says_that_it_is_recorded(
    browser: Browser, acme: str, ask_approval: Any, temporal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.deliver.ANSWER_WITHIN", timedelta(seconds=0.1))
    ask_approval(acme)
    temporal.away = True
    answer = await browser.post(
        "/answers/approval", data=hidden((await browser.get("/inbox")).text, action="/answers/approval")
    )
    assert "is recorded" in (await browser.get(answer.headers["location"])).text


async def test_a_decided_approval_is_shown_as_decided(
    browser: Browser, acme: str, ask_approval: Any, db: Database
) -> None:
    approval = ask_approval(acme)
    assert "Edit before sending" in (await browser.get(f"/approvals/{acme}/{approval}")).text
    with db.begin() as c:
        projections.close_approval(c, acme, approval, "approved", "priya")
    page = (await browser.get(f"/approvals/{acme}/{approval}")).text
    assert "Already approved by Priya Nair" in page
    assert (await browser.get(f"/approvals/{acme}/nope")).status_code == 404


async def test_tasks_milestones_and_holds_are_answered_here(
    browser: Browser, acme: str, raise_task: Any, db: Database, temporal: Any
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
        assert customers.hold_on(c, acme) is None
        row = projections.task(c, task)
    assert row is not None
    assert row.ticked_by == "mara"
    assert [event["kind"] for event in presses(db)] == ["task_ticked", "milestone_ticked", "hold_placed", "hold_lifted"]


async def test_a_repeated_press_on_hold_places_and_lifts_nothing(browser: Browser, acme: str, db: Database) -> None:
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/hold")
    lift = {**form, "press": "p1", "place": "no"}
    for sent in (lift, {**form, "press": "p2", "reason": "Outage"}, lift):
        assert (await browser.post("/answers/hold", data=sent)).status_code == 303
    with db.read() as c:
        assert customers.hold_on(c, acme) == "Outage"
    assert [event["kind"] for event in presses(db)] == ["hold_lifted", "hold_placed"]


async def test_a_press_that_was_used_for_another_answer_does_nothing_and_says_so(
    browser: Browser, acme: str, db: Database
) -> None:
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/hold")
    await browser.post("/answers/hold", data={**form, "place": "no"})
    answer = await browser.post("/answers/hold", data={**form, "reason": "Outage"})
    assert answer.status_code == 409
    assert "used for another answer" in answer.text
    with db.read() as c:
        assert customers.hold_on(c, acme) is None


async def test_two_edits_of_one_approval_are_kept_apart(
    browser: Browser, acme: str, ask_approval: Any, db: Database, temporal: Any
) -> None:
    """The second is told that it came too late, and the text of the first is the one that goes out."""
    approval = ask_approval(acme)
    form = hidden((await browser.get("/inbox")).text, action="/answers/approval")
    await browser.post("/answers/approval", data={**form, "subject": "First", "text": "Mara's words."})
    temporal.reply = {"result": "already", "text": "Already approved by mara."}
    late = {**form, "press": "late", "subject": "Second", "text": "Other words."}
    await browser.post("/answers/approval", data=late)
    with db.read() as c:
        edit = projections.edit(c, acme, approval)
    assert edit is not None
    assert (edit.subject, edit.text) == ("First", "Mara's words.")


@pytest.fixture
def meeting(db: Database, acme: str) -> str:
    """A booked meeting; what events call it."""
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    touch = f"{acme}/onboarding-14-day/1/kickoff/1/send"
    meetings.book(db, touch, organizer="mara", opens=at, closes=at + timedelta(hours=4), minutes=60, guests=())
    return "onboarding-14-day/1/kickoff"


async def act_as(browser: Browser, teammate: str) -> None:
    page = (await browser.get("/")).text
    await browser.post("/acting", data={**hidden(page, action="/acting"), "acting": teammate})


async def test_a_meeting_and_a_stage_are_answered_on_the_customers_page(
    browser: Browser, acme: str, meeting: str, db: Database, temporal: Any
) -> None:
    temporal.reply = {"result": "done", "text": "Noted: nobody came."}
    page = (await browser.get(f"/customers/{acme}")).text
    assert '<time datetime="2026-03-05T09:00:00' in page
    form = {**hidden(page, action="/answers/meeting"), "outcome": "no_show"}
    answer = await browser.post("/answers/meeting", data=form)
    assert "nobody came" in (await browser.get(answer.headers["location"])).text
    form = {**hidden(page, action="/answers/stage"), "stage": "adoption", "reason": "They are live"}
    assert (await browser.post("/answers/stage", data=form)).status_code == 303
    assert presses(db) == [
        {"kind": "meeting_answered", "meeting": meeting, "outcome": "no_show", "by": "mara"},
        {"kind": "stage_set", "stage": "adoption", "by": "mara", "reason": "They are live"},
    ]


async def test_a_customer_that_a_person_sets_to_churned_gets_nothing_more(
    browser: Browser, acme: str, db: Database
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
    assert [event["stage"] for event in presses(db)] == ["churned", "adoption"]


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
    browser: Browser, acme: str, db: Database, path: str, fields: dict[str, str], who: str
) -> None:
    await act_as(browser, "ivo")
    with db.begin() as c:
        customers.place_hold(c, acme, "mara", "Outage")
        customers.stop(c, acme, False)
    form = hidden((await browser.get(f"/customers/{acme}")).text, action=path)
    answer = await browser.post(path, data={**form, **fields})
    assert answer.status_code == 403
    assert who in answer.text
    with db.read() as c:
        assert (customers.hold_on(c, acme), customers.get(c, acme).stopped) == ("Outage", False)
    assert presses(db) == []


async def test_the_owner_of_the_stage_may_set_it_and_a_manager_may_too(
    browser: Browser, acme: str, db: Database
) -> None:
    with db.begin() as c:
        c.execute(text("UPDATE customers SET stage = 'onboarding'"))
    for teammate in ("ivo", "ruth"):
        await act_as(browser, teammate)
        form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/stage")
        answer = await browser.post("/answers/stage", data={**form, "stage": "adoption", "reason": "Live"})
        assert answer.status_code == 303
    assert [event["by"] for event in presses(db)] == ["ivo", "ruth"]


@pytest.mark.parametrize("path", ["/answers/stage", "/answers/hold", "/answers/meeting", "/answers/milestone"])
async def test_an_answer_about_nobody_is_told(browser: Browser, acme: str, db: Database, path: str) -> None:
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/hold")
    more = {"customer": "cus_nobody", "stage": "churned", "reason": "x", "meeting": "a/1/b", "milestone": "x"}
    answer = await browser.post(path, data={**form, **more})
    assert answer.status_code == 409
    assert "no such request" in answer.text
    assert presses(db) == []


async def test_everything_is_held_by_anybody_shown_everywhere_and_released_by_a_manager(
    browser: Browser, acme: str, db: Database
) -> None:
    form = hidden((await browser.get("/")).text, action="/answers/everything")
    assert (await browser.post("/answers/everything", data={**form, "reason": "Wrong price"})).status_code == 303
    for path in (*PAGES, f"/customers/{acme}"):
        page = (await browser.get(path)).text
        assert "Everything is on hold" in page
        assert "Wrong price (Mara Lindqvist" in page
    release = {**hidden(page, action="/answers/everything"), "place": "no"}
    assert (await browser.post("/answers/everything", data=release)).status_code == 403
    await act_as(browser, "ruth")
    release = {**hidden((await browser.get("/")).text, action="/answers/everything"), "place": "no"}
    stale = {**release, "placed_at": "2026-01-01T00:00:00+00:00"}
    await browser.post("/answers/everything", data=stale)
    with db.read() as c:
        assert customers.hold_on(c, acme) == "Wrong price"
    await browser.post("/answers/everything", data=release)
    with db.read() as c:
        assert customers.hold_on(c, acme) is None
    assert "Everything is on hold" not in (await browser.get("/")).text


async def test_a_mail_is_shown_where_it_can_run_nothing(browser: Browser, acme: str, mail: MailKeeper) -> None:
    entry = mail(acme, html="<p>Hello</p><script>1</script>", text="Hello", eml="Subject: x\r\n\r\nHello")
    page = (await browser.get(f"/outbox/{entry}")).text
    assert "<iframe sandbox " in page
    assert "Welcome &lt;b&gt;" in page
    inside = await browser.get(f"/outbox/{entry}/html")
    assert inside.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    file = await browser.get(f"/outbox/{entry}/mail.eml")
    assert file.headers["content-type"] == "message/rfc822"
    assert "attachment" in file.headers["content-disposition"]
    for missing in (
        f"/outbox/{entry}/invite.ics",
        f"/outbox/{entry}/x",
        "/outbox/999",
        "/outbox/999/html",
        "/outbox/x",
    ):
        assert (await browser.get(missing)).status_code in (404, 422)


async def test_a_person_settles_a_send_without_an_outcome(browser: Browser, acme: str, db: Database) -> None:
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


async def test_static_files_are_ours_alone(client: httpx.AsyncClient) -> None:
    for name in ("style.css", "live.js", "icon.svg"):
        assert (await client.get(f"/static/{name}")).status_code == 200
    for name in ("layout.html", "..%2Fpages%2Flayout.html", "x"):
        assert (await client.get(f"/static/{name}")).status_code == 404
