"""Which reports are news: those that are not are kept, and not told to the workflow."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from store import customers, inbox, surveys
from store.database import Database, now

pytestmark = pytest.mark.anyio
Send = Any
Signup = Callable[..., dict[str, Any]]


async def test_a_report_without_news_is_kept_and_not_told(
    send: Send, signup: Signup, db: Database, temporal: Any
) -> None:
    temporal.away = True
    await send(signup())
    answers = []
    for number, share in enumerate((0.4, 0.4, 0.6, 0.6), start=2):
        event = {"customer": "acme", "facts": {"usage.dau_wau": share}}
        answers.append(await send({"type": "facts.reported", "id": f"evt_{number}", "data": event}))
    assert [answer.json()["seq"] for answer in answers] == [2, 3, 4, 5]
    with db.read() as c:
        waiting = inbox.undelivered(c, answers[0].json()["customer"])
    assert [(row.seq, row.event.get("facts")) for row in waiting] == [
        (1, None),
        (2, {"usage.dau_wau": 0.4}),
        (4, {"usage.dau_wau": 0.6}),
    ]


def told(db: Database, customer: str) -> list[Any]:
    """What the workflow will hear, by kind, with the facts that came with it."""
    with db.read() as c:
        return [(row.event["kind"], row.event.get("facts")) for row in inbox.undelivered(c, customer)]


async def test_a_report_is_news_when_an_event_said_otherwise_in_between(
    send: Send, signup: Signup, db: Database, temporal: Any
) -> None:
    """An event that sets a fact counts as telling it: the false reported before it is news again after it."""
    temporal.away = True
    customer = (await send(signup())).json()["customer"]
    report = {"customer": "acme", "facts": {"setup.api_connected": False}}
    await send({"type": "facts.reported", "id": "evt_2", "data": report})
    await send({"type": "api.connected", "id": "evt_3", "data": {"customer": "acme", "facts": {"usage.dau_wau": 0.5}}})
    again = {"customer": "acme", "facts": {"setup.api_connected": False, "usage.dau_wau": 0.5}}
    await send({"type": "facts.reported", "id": "evt_4", "data": again})
    assert told(db, customer)[1:] == [
        ("facts_reported", {"setup.api_connected": False}),
        ("happened", {"usage.dau_wau": 0.5}),
        ("facts_reported", {"setup.api_connected": False}),
    ]


async def test_what_was_parked_counts_as_told_too(send: Send, signup: Signup, db: Database, temporal: Any) -> None:
    temporal.away = True
    await send({"type": "api.connected", "id": "evt_1", "data": {"customer": "acme"}})
    report = {"customer": "acme", "facts": {"usage.dau_wau": 0.5}}
    await send({"type": "facts.reported", "id": "evt_2", "data": report})
    customer = (await send(signup())).json()["customer"]
    for number, connected in ((3, True), (4, False)):
        again = {"customer": "acme", "facts": {"usage.dau_wau": 0.5, "setup.api_connected": connected}}
        await send({"type": "facts.reported", "id": f"evt_{number}", "data": again})
    assert told(db, customer)[1:] == [
        ("happened", None),
        ("facts_reported", {"usage.dau_wau": 0.5}),
        ("facts_reported", {"setup.api_connected": False}),
    ]


@pytest.mark.parametrize(
    ("days", "late", "open_after"),
    [
        pytest.param(3, None, False, id="in-time"),
        pytest.param(20, True, False, id="late"),
        pytest.param(100, None, True, id="so-long-ago-that-it-is-another-question"),
    ],
)
async def test_an_answer_through_the_api_answers_the_survey_that_was_mailed(
    send: Send, signup: Signup, db: Database, temporal: Any, days: int, late: bool | None, open_after: bool
) -> None:
    temporal.away = True
    customer = (await send(signup())).json()["customer"]
    with db.begin() as c:
        (ada,) = customers.contacts(c, customer)
        at = now() - timedelta(days=days)
        surveys.sent(c, touch="t/1", customer=customer, contact=ada.id, survey="nps", at=at)
        surveys.sent(c, touch="t/2", customer=customer, contact=ada.id, survey="csat", at=at)
    answer = {"customer": "acme", "contact": "ada@acme.example.com", "score": 7}
    await send({"type": "survey.answered", "id": "evt_2", "data": answer})
    with db.read() as c:
        nps, csat = surveys.get(c, "t/1"), surveys.get(c, "t/2")
        (_, row) = inbox.undelivered(c, customer)
    assert nps
    assert csat
    assert (nps.score is None, csat.score) == (open_after, None)
    assert row.event.get("late") == late


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        ("alternative", "yes"),
        ("no_longer_needed", "maybe"),
        ("too_expensive", "unlikely"),
        ("missing_features", "no"),
        ("poor_experience", "no"),
        ("other", "maybe"),
    ],
)
async def test_each_reason_to_leave_and_each_wish_to_return_is_taken(
    send: Send, signup: Signup, db: Database, temporal: Any, reason: str, again: str
) -> None:
    temporal.away = True
    customer = (await send(signup())).json()["customer"]
    data = {"customer": "acme", "contact": "ada@acme.example.com", "reason": reason, "would_return": again}
    answer = await send({"type": "survey.answered", "id": "evt_2", "data": {**data, "survey": "exit"}})
    assert answer.status_code == 202
    with db.read() as c:
        (_, row) = inbox.undelivered(c, customer)
    assert row.event["answers"] == {"reason": reason, "would_return": again}


async def test_a_survey_score_counts_as_told(send: Send, signup: Signup, db: Database, temporal: Any) -> None:
    temporal.away = True
    customer = (await send(signup())).json()["customer"]
    for number, score in enumerate((7, 9), start=2):
        answer = {"customer": "acme", "contact": "ada@acme.example.com", "score": score}
        await send({"type": "survey.answered", "id": f"evt_s{number}", "data": answer})
        report = {"customer": "acme", "facts": {"nps.score": 7}}
        await send({"type": "facts.reported", "id": f"evt_r{number}", "data": report})
    assert [kind for kind, _ in told(db, customer)] == [
        "signed_up",
        "survey_answered",
        "survey_answered",
        "facts_reported",
    ]
