"""Approvals on the dashboard: given once, edited, rejected, and by whom."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from store import ledger, projections
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Browser = httpx.AsyncClient
Hidden = Callable[..., dict[str, str]]
Presses = Callable[[], list[dict[str, Any]]]


async def test_an_approval_is_given_once_however_often_it_is_clicked(
    browser: Browser, acme: str, ask_approval: Any, hidden: Hidden, presses: Presses
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
    assert presses() == [
        {
            "kind": "approval_answered",
            "approval": approval,
            "by": "mara",
            "answer": "approve",
            "press": f"dashboard:{form['press']}",
        }
    ]


async def test_a_text_changed_before_approving_is_kept_and_said(
    browser: Browser, acme: str, ask_approval: Any, db: Database, hidden: Hidden, presses: Presses
) -> None:
    approval = ask_approval(acme)
    form = hidden((await browser.get("/inbox")).text, action="/answers/approval")
    await browser.post("/answers/approval", data={**form, "subject": "Welcome!", "text": "Other words."})
    assert presses()[0]["edited"] is True
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
    browser: Browser,
    acme: str,
    ask_approval: Any,
    change: dict[str, str],
    hidden: Hidden,
    presses: Presses,
) -> None:
    ask_approval(acme)
    form = hidden((await browser.get("/inbox")).text, action="/answers/approval")
    answer = await browser.post("/answers/approval", data={**form, "subject": "Hi", "text": "Words", **change})
    assert answer.status_code == 422
    assert presses() == []


async def test_a_rejection_needs_a_second_click(
    browser: Browser, acme: str, ask_approval: Any, hidden: Hidden, presses: Presses
) -> None:
    ask_approval(acme)
    page = (await browser.get("/inbox")).text
    assert "Yes, reject it" in page
    await browser.post("/answers/approval", data=hidden(page, 1, action="/answers/approval"))
    assert presses()[0]["answer"] == "reject"


async def test_a_person_who_was_not_asked_cannot_answer(
    browser: Browser, acme: str, ask_approval: Any, hidden: Hidden, presses: Presses
) -> None:
    ask_approval(acme)
    page = (await browser.get("/")).text
    await browser.post("/acting", data={**hidden(page, action="/acting"), "acting": "ivo"})
    assert "Nothing waits" in (await browser.get("/inbox")).text
    form = hidden((await browser.get("/inbox?all=1")).text, action="/answers/approval")
    answer = await browser.post("/answers/approval", data=form)
    assert answer.status_code == 403
    assert "not yours" in answer.text
    assert presses() == []


async def test_an_answer_while_temporal_is_away_says_that_it_is_recorded(
    browser: Browser, acme: str, ask_approval: Any, temporal: Any, monkeypatch: pytest.MonkeyPatch, hidden: Hidden
) -> None:
    monkeypatch.setattr("gateway.deliver.ANSWER_WITHIN", timedelta(seconds=0.1))
    ask_approval(acme)
    temporal.away = True
    answer = await browser.post(
        "/answers/approval", data=hidden((await browser.get("/inbox")).text, action="/answers/approval")
    )
    assert "is recorded" in (await browser.get(answer.headers["location"])).text


async def test_a_press_that_was_used_for_another_answer_does_nothing_and_says_so(
    browser: Browser, acme: str, db: Database, hidden: Hidden
) -> None:
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/hold")
    await browser.post("/answers/hold", data={**form, "place": "no"})
    answer = await browser.post("/answers/hold", data={**form, "reason": "Outage"})
    assert answer.status_code == 409
    assert "used for another answer" in answer.text
    with db.read() as c:
        assert ledger.hold_on(c, acme) is None


async def test_two_edits_of_one_approval_are_kept_apart(
    browser: Browser, acme: str, ask_approval: Any, db: Database, temporal: Any, hidden: Hidden
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


async def test_an_inbox_of_hundreds_shows_the_most_urgent_and_says_so(
    browser: Browser, acme: str, raise_task: Any
) -> None:
    for number in range(99):
        raise_task(acme, f"step-{number}")
    assert "are shown" not in (await browser.get("/inbox")).text
    raise_task(acme, "step-99")
    raise_task(acme, "step-100")
    page = (await browser.get("/inbox?all=1")).text
    assert page.count('action="/answers/task"') == 100
    assert "no more than 100 are shown" in page
