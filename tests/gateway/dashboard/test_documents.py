"""Documents and opportunities: for the team on the dashboard, for one person behind a signed link."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from freezegun import freeze_time

from activities.links import make_documents, make_unsubscribe
from authoring.compile import compile_folder
from store import documents, opportunities, releases, tables
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
KEY = "a-link-secret-of-more-than-32-characters"
ROOT = Path(__file__).resolve().parent.parent.parent.parent
AT = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
"""Half an hour into the second of March where Acme is."""
FIRST_OF_MAY = datetime(2026, 4, 30, 22, 30, tzinfo=UTC)


@pytest.fixture
def plan(acme: str, db: Database) -> documents.Document:
    made = documents.Document(
        f"{acme}/onboarding/1/plan/1/send/mara", acme, "mara", "Plan <b>", "# Plan\n", "<h1>Plan</h1>\n", AT
    )
    with db.begin() as c:
        documents.keep(c, made)
    return made


async def test_a_customers_page_lists_documents_and_each_can_be_read(
    browser: httpx.AsyncClient, acme: str, plan: documents.Document
) -> None:
    page = (await browser.get(f"/customers/{acme}")).text
    path = f"/customers/{acme}/documents/{plan.name}"
    assert f'<a href="{path}">Plan &lt;b&gt;</a>' in page
    shown = await browser.get(path)
    assert "<h1>Plan</h1>" in shown.text
    assert f'<p class="crumb"><a href="/customers/{acme}">Acme' in shown.text
    assert "# Plan" in shown.text
    assert "Made for Mara" in shown.text
    assert "on 2 Mar 2026." in shown.text
    assert (await browser.get(f"/customers/{acme}/documents/other")).status_code == 404


async def test_nobody_reads_them_without_signing_in(
    client: httpx.AsyncClient, acme: str, plan: documents.Document
) -> None:
    for path in (f"/customers/{acme}/documents/{plan.name}", "/opportunities"):
        assert (await client.get(path)).status_code in (303, 307)


async def test_a_signed_link_opens_what_was_made_for_its_person_only(
    client: httpx.AsyncClient, acme: str, plan: documents.Document
) -> None:
    mine, others = make_documents(KEY, acme, "mara"), make_documents(KEY, acme, "ivo")
    listed = await client.get(f"/documents/{mine}")
    assert f'href="/documents/{mine}/{plan.name}"' in listed.text
    assert "<small>2 Mar 2026</small>" in listed.text
    assert "<h1>Plan</h1>" in (await client.get(f"/documents/{mine}/{plan.name}")).text
    assert "There is none yet" in (await client.get(f"/documents/{others}")).text
    assert (await client.get(f"/documents/{others}/{plan.name}")).status_code == 404


async def test_a_link_that_is_forged_or_too_old_opens_nothing(
    client: httpx.AsyncClient, acme: str, plan: documents.Document
) -> None:
    mine = make_documents(KEY, acme, "mara")
    for token in ("x", mine[:-1], make_unsubscribe(KEY, acme, "mara"), make_documents("other" * 8, acme, "mara")):
        assert (await client.get(f"/documents/{token}")).status_code == 404
        assert (await client.get(f"/documents/{token}/{plan.name}")).status_code == 404
    with freeze_time(datetime.now(UTC) + timedelta(days=91), real_asyncio=True):  # noqa: TID251 - when it was made
        assert (await client.get(f"/documents/{mine}")).status_code == 410


async def test_opportunities_are_listed_with_their_worth(browser: httpx.AsyncClient, acme: str, db: Database) -> None:
    assert "Nothing here yet" in (await browser.get("/opportunities")).text
    known: dict[str, Any] = {"customer": acme, "owner": "mara", "raised_at": AT, "closes_at": FIRST_OF_MAY}
    with db.begin() as c:
        for touch, value, commission in (("a", 12_000.0, 5.0), ("b", None, None)):
            found = opportunities.Opportunity(
                touch=touch, opportunity="seat_expansion", title="Seats", value=value, commission=commission, **known
            )
            assert opportunities.record(c, found)
    page = (await browser.get("/opportunities")).text
    assert page.count("Seats</td>") == 2
    for words in ("12,000", "5%", "600", "not known", "1 May 2026", "Seat expansion"):
        assert words in page
    page = (await browser.get(f"/customers/{acme}")).text
    assert "Opportunities" in page
    assert page.count("close by 1 May 2026") == 2


async def test_of_very_many_opportunities_those_still_open_are_shown(
    browser: httpx.AsyncClient, acme: str, db: Database
) -> None:
    with db.begin() as c:
        for number in range(203):
            stage = "won" if number < 100 else "open"
            closes = AT + timedelta(days=number)
            found = opportunities.Opportunity(
                f"t{number}", acme, "seats", "More", "mara", 10.0, None, AT, closes, stage
            )
            opportunities.record(c, found)
    page = (await browser.get("/opportunities")).text
    rows = [page.count(f'<span class="pill {tone}">{stage}</span>') for stage, tone in (("open", ""), ("won", "good"))]
    assert rows == [103, 97]
    assert "3 more are not shown" in page
    assert '<td data-label="Value">1,030</td>' in page


async def test_a_person_moves_an_opportunity_for_a_reason(
    browser: httpx.AsyncClient, acme: str, db: Database, hidden: Any
) -> None:
    touch = f"{acme}/growth/1/seats/1/send/mara"
    found = opportunities.Opportunity(touch, acme, "seats", "More", "mara", 1000.0, 5, AT, AT + timedelta(days=60))
    with db.begin() as c:
        opportunities.record(c, found)
    page = (await browser.get("/opportunities")).text
    assert "By stage" in page
    form = {**hidden(page, action="/opportunities"), "stage": "lost", "reason": "no budget"}
    assert (await browser.post("/opportunities", data=form)).status_code == 303
    assert (await browser.post("/opportunities", data=form)).status_code == 409
    assert (await browser.post("/opportunities", data={**form, "csrf": "x"})).status_code == 403
    for stage, touched, code in (("won", touch, 303), ("odd", touch, 422), ("open", "odd", 404)):
        told = {**form, "stage": stage, "opportunity": touched}
        assert (await browser.post("/opportunities", data=told)).status_code == code
    with db.read() as c:
        assert [(one.was, one.stage, one.reason) for one in opportunities.moves(c, touch)] == [
            ("open", "lost", "no budget"),
            ("lost", "won", "no budget"),
        ]
    assert "Won: commission due" in (await browser.get("/opportunities")).text


async def test_a_document_as_of_now_is_shown_and_not_kept(browser: httpx.AsyncClient, acme: str, db: Database) -> None:
    assert (await browser.get(f"/customers/{acme}/papers/health-check")).status_code == 404
    shipped = compile_folder(ROOT / "playbooks", ROOT / "templates")
    with db.begin() as c:
        releases.commit(c, shipped.digest, dict(shipped.releases), note="shipped")
    page = (await browser.get(f"/customers/{acme}")).text
    assert f'<a href="/customers/{acme}/papers/health-check">' in page
    shown = await browser.get(f"/customers/{acme}/papers/health-check")
    assert "<h1>Health check: Acme</h1>" in shown.text
    for path in (f"/customers/{acme}/papers/memo", "/customers/odd/papers/health-check"):
        assert (await browser.get(path)).status_code == 404
    with db.begin() as c:
        c.execute(tables.assignments.delete())
        assert documents.of(c, acme) == ()
    assert (await browser.get(f"/customers/{acme}/papers/health-check")).status_code == 422


async def test_a_document_as_of_now_says_of_the_company_what_mails_say(
    browser: httpx.AsyncClient, acme: str, db: Database, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    with (tmp_path / "templates" / "documents" / "health-check.md").open("a") as template:
        template.write("\n{{ company.name }}, {{ company.address }}: {{ links.help }}\n")
    changed = compile_folder(ROOT / "playbooks", tmp_path / "templates")
    with db.begin() as c:
        releases.commit(c, changed.digest, dict(changed.releases), note="changed")
    shown = await browser.get(f"/customers/{acme}/papers/health-check")
    assert "Stageplay, 1 Example Street: https://help.example.com" in shown.text
