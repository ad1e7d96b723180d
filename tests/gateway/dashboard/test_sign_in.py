"""Who may see the dashboard: sign-in links, sessions, and what a stranger gets."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from freezegun import freeze_time
from itsdangerous import URLSafeTimedSerializer

from gateway import sign_in
from gateway.app import create_app
from store import keys
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Browser = httpx.AsyncClient
Hidden = Callable[..., dict[str, str]]
Presses = Callable[[], list[dict[str, Any]]]
PAGES = ("/", "/inbox", "/inbox?all=1", "/outbox", "/outbox?kind=email", "/team", "/problems")
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
ENTRY_PAGES = ("/outbox/1", "/outbox/1/html", "/outbox/1/mail.eml")


@pytest.mark.parametrize("path", [*PAGES, *ENTRY_PAGES, "/customers/cus_1", "/approvals/a/b/1/c"])
async def test_a_stranger_sees_nothing(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


@pytest.mark.parametrize("path", POSTS)
async def test_a_form_without_the_sessions_token_does_nothing(
    browser: Browser, acme: str, ask_approval: Any, path: str, presses: Presses
) -> None:
    form = {"customer": acme, "approval": ask_approval(acme), "answer": "approve", "press": "p", "acting": "ruth"}
    for csrf in ({}, {"csrf": "x"}, {"csrf": browser.cookies["stageplay"]}):
        assert (await browser.post(path, data={**form, **csrf})).status_code == 403
    assert presses() == []


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


async def test_a_fresh_link_signs_in_beside_the_others_as_the_teammate_it_is_for(
    client: httpx.AsyncClient, db: Database
) -> None:
    await client.post("/sign-in", data={"token": "one-time-token", "acting": "mara"})
    with db.read() as c:
        for_ivo, for_anybody = sign_in.make_token(c, "ivo"), sign_in.make_token(c)
    assert "Priya Nair" in (await client.get(f"/sign-in?token={for_anybody}")).text
    page = (await client.get(f"/sign-in?token={for_ivo}")).text
    assert "Ivo Marković" in page
    assert "Priya Nair" not in page
    assert (await client.post("/sign-in", data={"token": for_ivo, "acting": "priya"})).status_code == 403
    for token, acting, status in ((for_ivo, "ivo", 303), (for_ivo, "ivo", 403), (for_anybody, "ruth", 303)):
        assert (await client.post("/sign-in", data={"token": token, "acting": acting})).status_code == status


async def test_a_used_link_stays_used_when_the_gateway_starts_again(
    client: httpx.AsyncClient, db: Database, temporal: Any, make_config: Any
) -> None:
    with db.read() as c:
        tokens = ("one-time-token", sign_in.make_token(c))
    again = httpx.ASGITransport(create_app(make_config(), db, temporal.factory))
    for token in tokens:
        form = {"token": token, "acting": "mara"}
        assert (await client.post("/sign-in", data=form)).status_code == 303
        async with httpx.AsyncClient(transport=again, base_url="http://gateway") as other:
            assert (await other.post("/sign-in", data=form)).status_code == 403


async def test_a_link_ages_and_one_of_another_database_is_nothing(client: httpx.AsyncClient, db: Database) -> None:
    made = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with freeze_time(made, real_asyncio=True), db.read() as c:
        token, ours = sign_in.make_token(c), keys.key(c, "sign-in")
    forged = URLSafeTimedSerializer(b"x" * 32, salt="stageplay/sign-in").dumps(["link", ""])
    odd = URLSafeTimedSerializer(ours, salt="stageplay/sign-in").dumps({"link": 1})
    for after, one, status in ((14, token, 200), (16, token, 403), (0, forged, 403), (0, odd, 403), (0, "é", 403)):
        with freeze_time(made + timedelta(minutes=after), real_asyncio=True):
            assert (await client.get("/sign-in", params={"token": one})).status_code == status


async def test_a_session_ends(browser: Browser, hidden: Hidden) -> None:
    real = datetime.now(UTC)  # noqa: TID251 - the moment the cookie was made
    with freeze_time(real + timedelta(hours=13), real_asyncio=True):
        assert (await browser.get("/")).status_code == 303
    page = (await browser.get("/")).text
    await browser.post("/sign-out", data=hidden(page, action="/acting"))
    assert (await browser.get("/")).status_code == 303
