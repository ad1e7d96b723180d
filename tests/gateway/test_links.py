"""The pages behind links in mails: only a POST records, and every bad token has a page of its own."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from freezegun import freeze_time
from sqlalchemy import text

from activities.links import make_survey, make_unsubscribe
from store import customers, surveys
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
KEY = "a-link-secret-of-more-than-32-characters"
NOW = datetime(2026, 3, 3, 8, 30, tzinfo=UTC)


@pytest.fixture
async def acme(send: Any, signup: Callable[..., Any], db: Database) -> tuple[str, str]:
    """Ids of the customer and of its one contact."""
    await send(signup())
    with db.read() as c:
        customer = customers.find(c, "acme")
        assert customer is not None
        return customer.id, customers.contacts(c, customer.id)[0].id


@pytest.fixture
def survey_of(acme: tuple[str, str], db: Database) -> Callable[..., str]:
    """Sends a survey, dated `NOW`, and says its path."""

    def send_it(kind: str = "nps") -> str:
        customer, contact = acme
        touch = f"{customer}/onboarding-14-day/1/{kind}/1/send/{contact}"
        with db.begin() as c:
            surveys.sent(c, touch=touch, customer=customer, contact=contact, survey=kind, at=NOW)
        return f"/survey/{make_survey(KEY, touch, contact)}"

    return send_it


@pytest.fixture
def survey(survey_of: Callable[..., str]) -> str:
    """The path of a survey that was sent."""
    return survey_of()


@pytest.fixture
def unsubscribe(acme: tuple[str, str]) -> str:
    return f"/unsubscribe/{make_unsubscribe(KEY, *acme)}"


def events(db: Database, source: str) -> list[dict[str, Any]]:
    with db.read() as c:
        query = text("SELECT event FROM inbox WHERE source = :source ORDER BY seq")
        return [json.loads(row) for row in c.execute(query, {"source": source}).scalars()]


def safe(answer: httpx.Response, status: int) -> str:
    """The page, once its headers keep it from being stored, indexed, or telling where it was."""
    assert answer.status_code == status
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "set-cookie" not in answer.headers
    assert "example.com" not in answer.text
    return answer.text


async def test_a_get_shows_the_survey_and_records_nothing(client: httpx.AsyncClient, survey: str, db: Database) -> None:
    page = safe(await client.get(survey), 200)
    assert page.count('type="radio"') == 11
    assert "checked" not in page
    assert "<fieldset>" in page
    for score in range(11):
        assert f'value="{score}" required checked' in safe(await client.get(f"{survey}?score={score}"), 200)
    assert events(db, "survey") == []


@pytest.mark.parametrize("score", ["11", "-1", "x", "\0", "", "1e1", "٣", "9" * 5000])
async def test_a_strange_score_in_the_link_chooses_nothing(client: httpx.AsyncClient, survey: str, score: str) -> None:
    assert "checked" not in safe(await client.get(survey, params={"score": score}), 200)


async def test_an_answer_is_recorded_once_and_its_change_counts(
    client: httpx.AsyncClient, survey: str, db: Database
) -> None:
    thanks = safe(await client.post(survey, data={"score": "9", "comment": "Fine <b>work</b>"}), 200)
    assert "recorded" in thanks
    safe(await client.post(survey, data={"score": "9", "comment": "Fine <b>work</b>"}), 200)
    assert [event["score"] for event in events(db, "survey")] == [9]
    assert "changed" in safe(await client.post(survey, data={"score": "3"}), 200)
    assert "Thank you" in safe(await client.post(survey, data={"score": "9"}), 200)
    assert [event["score"] for event in events(db, "survey")] == [9, 3, 9]
    await client.post(survey, data={"score": "9", "comment": "<script>alert(1)</script>"})
    assert "&lt;script&gt;" in safe(await client.get(survey), 200)


@pytest.mark.parametrize(
    ("kind", "choices", "form", "told"),
    [
        ("csat", 5, {"score": "2"}, {"score": 2}),
        ("ces", 7, {"score": "7"}, {"score": 7}),
        (
            "exit",
            10,
            {"reason": "too_expensive", "would_return": "maybe"},
            {"score": None, "answers": {"reason": "too_expensive", "would_return": "maybe"}},
        ),
    ],
)
async def test_each_survey_has_its_own_page_and_its_free_text_stays_here(
    client: httpx.AsyncClient,
    survey_of: Callable[..., str],
    db: Database,
    kind: str,
    choices: int,
    form: dict[str, str],
    told: dict[str, Any],
) -> None:
    path = survey_of(kind)
    assert safe(await client.get(path), 200).count('type="radio"') == choices
    assert "Thank you" in safe(await client.post(path, data={**form, "comment": "Our budget was cut"}), 200)
    (event,) = events(db, "survey")
    assert {name: event.get(name) for name in ("survey", *told)} == {"survey": kind, **told}
    assert "budget" not in json.dumps(event)
    again = safe(await client.get(path), 200)
    assert again.count(" checked") == len(form)
    assert "Our budget was cut" in again
    safe(await client.post(path, data={**form, "comment": "Our budget was cut"}), 200)
    assert len(events(db, "survey")) == 1


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("csat", {"score": "0"}),
        ("ces", {"score": "8"}),
        ("exit", {"reason": "too_expensive"}),
        ("exit", {"reason": "boredom", "would_return": "no"}),
    ],
)
async def test_an_answer_that_a_survey_does_not_offer_is_asked_for_again(
    client: httpx.AsyncClient, survey_of: Callable[..., str], db: Database, kind: str, form: dict[str, str]
) -> None:
    assert "every question" in safe(await client.post(survey_of(kind), data=form), 422)
    assert events(db, "survey") == []


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"score": "11"},
        {"score": "ten"},
        {"score": "\0"},
        {"score": "9", "comment": "x" * 2001},
        {"score": "9", "comment": "\0"},
    ],
    ids=["nothing", "eleven", "a word", "a NUL for a score", "a long comment", "a NUL"],
)
async def test_a_wrong_answer_gets_the_form_again(
    client: httpx.AsyncClient, survey: str, db: Database, form: dict[str, str]
) -> None:
    assert "alert" in safe(await client.post(survey, data=form), 422)
    assert events(db, "survey") == []


async def test_forged_expired_and_closed_surveys_each_have_their_page(
    client: httpx.AsyncClient, acme: tuple[str, str], survey: str, unsubscribe: str, db: Database
) -> None:
    other_key = make_survey("another-secret-another-secret-another", "cus_1/x", acme[1])
    never_sent = make_survey(KEY, f"{acme[0]}/other/1/nps/1/send/{acme[1]}", acme[1])
    wrong_purpose = unsubscribe.removeprefix("/unsubscribe/")
    for token in ("x", survey[8:-1], other_key, never_sent, wrong_purpose, "%00", "a" * 5000):
        assert "cannot open" in safe(await client.get(f"/survey/{token}"), 404)
        assert "cannot open" in safe(await client.post(f"/survey/{token}", data={"score": "1"}), 404)
    await client.post(survey, data={"score": "9"})
    real = datetime.now(UTC)  # noqa: TID251 - the moment the token was made
    with freeze_time(real + timedelta(hours=25), real_asyncio=True):
        assert "closed" in safe(await client.post(survey, data={"score": "1"}), 410)
        assert "closed" in safe(await client.get(survey), 410)
    with freeze_time(real + timedelta(days=71), real_asyncio=True):
        assert "expired" in safe(await client.get(survey), 410)
        assert "expired" in safe(await client.post(survey, data={"score": "1"}), 410)
    assert [event["score"] for event in events(db, "survey")] == [9]


@pytest.mark.parametrize(
    ("days", "late"),
    [pytest.param(14, {}, id="within-two-weeks"), pytest.param(15, {"late": True}, id="later")],
)
async def test_an_answer_that_comes_late_is_thanked_for_and_flagged(
    client: httpx.AsyncClient, survey_of: Callable[..., str], db: Database, days: int, late: dict[str, bool]
) -> None:
    with freeze_time(NOW):
        survey = survey_of()
    with freeze_time(NOW + timedelta(days=days), real_asyncio=True):
        assert "Thank you" in safe(await client.post(survey, data={"score": "3"}), 200)
    (event,) = events(db, "survey")
    assert {key: event[key] for key in ("score", "late") if key in event} == {"score": 3, **late}
    with db.read() as c:
        told = c.execute(text("SELECT value FROM told_facts WHERE name = 'nps.score'")).scalar_one()
    assert int(told) == 3


async def test_a_look_at_the_unsubscribe_page_changes_nothing(
    client: httpx.AsyncClient, unsubscribe: str, db: Database
) -> None:
    assert "<form" in safe(await client.get(unsubscribe), 200)
    with db.read() as c:
        assert customers.is_suppressed(c, "ada@acme.example.com") is None


@pytest.mark.parametrize(
    "form",
    [{"data": {"List-Unsubscribe": "One-Click"}}, {"files": {"List-Unsubscribe": (None, "One-Click")}}, {}],
    ids=["one click, urlencoded", "one click, multipart", "our page"],
)
async def test_one_post_unsubscribes_and_again_is_fine(
    client: httpx.AsyncClient, unsubscribe: str, db: Database, form: dict[str, Any]
) -> None:
    for _ in range(2):
        safe(await client.post(unsubscribe, **form), 200)
    with db.read() as c:
        assert customers.is_suppressed(c, "Ada@acme.example.com") == "unsubscribed"
    assert [event["why"] for event in events(db, "unsubscribe")] == ["unsubscribed"]


async def test_every_customer_that_has_the_address_is_told(
    client: httpx.AsyncClient, send: Any, signup: Callable[..., Any], unsubscribe: str, db: Database
) -> None:
    await send(signup("evt_2", id="globex", name="Globex"))
    await client.post(unsubscribe)
    assert len(events(db, "unsubscribe")) == 2


async def test_a_forged_unsubscribe_link_has_its_page(client: httpx.AsyncClient, unsubscribe: str) -> None:
    for token in ("x", unsubscribe[13:-1], make_unsubscribe(KEY, "cus_1", "con_1")):
        assert "cannot read" in safe(await client.post(f"/unsubscribe/{token}"), 404)
