"""What the dashboard's pages show."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from store import projections
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
MailKeeper = Callable[..., int]
Browser = httpx.AsyncClient
Hidden = Callable[..., dict[str, str]]
Presses = Callable[[], list[dict[str, Any]]]
ActAs = Callable[[str], Awaitable[None]]
PAGES = ("/", "/inbox", "/inbox?all=1", "/outbox", "/outbox?kind=email", "/problems")


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


async def test_static_files_are_ours_alone(client: httpx.AsyncClient) -> None:
    for name in ("style.css", "live.js", "icon.svg"):
        assert (await client.get(f"/static/{name}")).status_code == 200
    for name in ("layout.html", "..%2Fpages%2Flayout.html", "x"):
        assert (await client.get(f"/static/{name}")).status_code == 404
