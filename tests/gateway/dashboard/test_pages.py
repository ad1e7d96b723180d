"""What the dashboard's pages show."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from authoring.compile import compile_folder
from lifecycle.jsonform import encode
from lifecycle.model import Clock, Decision, Fact, Profile, Snapshot, State, Value, state_to_json
from lifecycle.playbook import Playbook, release_digest
from lifecycle.trace import to_row
from store import customers, outbox, projections, releases, tables
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
MailKeeper = Callable[..., int]
Browser = httpx.AsyncClient
ActAs = Callable[[str], Awaitable[None]]
ROOT = Path(__file__).parents[3]
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAGES = ("/", "/inbox", "/inbox?all=1", "/outbox", "/outbox?kind=email", "/team", "/problems")


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


async def test_a_customers_page_shows_its_journey_and_what_that_wants(
    browser: Browser, send: Any, signup: Any, db: Database
) -> None:
    await send(signup(journey="short"))
    with db.begin() as c:
        customer = customers.find(c, "acme")
        assert customer is not None
        c.execute(text("UPDATE customers SET stage = 'onboarding'"))
    page = (await browser.get(f"/customers/{customer.id}")).text
    assert "<dt>Journey</dt><dd>Short journey, day 0</dd>" in page
    assert "wanted by day 7, csm, by 40% of the customers" in page.lower()
    assert re.findall(r'<option value="(\w+)">', page.split('id="stage"')[1].split("</select>")[0]) == [
        "expansion",
        "churned",
    ]


async def test_a_customers_page_shows_its_place_in_each_phase(browser: Browser, acme: str, send: Any) -> None:
    page = (await browser.get(f"/customers/{acme}")).text
    assert '<b>Onboard</b> 0 of 2 <span class="soft">next: Set up</span>' in page
    await send({"type": "api.connected", "id": "evt_2", "data": {"customer": "acme"}})
    page = (await browser.get(f"/customers/{acme}")).text
    assert '<b>Onboard</b> 1 of 2 <span class="soft">next: Look into it</span>' in page
    assert 'Set up <span class="pill good">done</span>' in page


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
    ada, us = ["Ada", "ada@acme.example.com"], ["Mara", "mara@stageplay.example.com"]
    head = json.dumps({"hash": "a1", "unsubscribe": "", "to": ada, "sender": us, "reply_to": us})
    entry = mail(acme, html="<p>Hello</p><script>1</script>", text="Hello", head=head)
    page = (await browser.get(f"/outbox/{entry}")).text
    assert "<iframe sandbox " in page
    assert "Welcome &lt;b&gt;" in page
    inside = await browser.get(f"/outbox/{entry}/html")
    assert inside.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    file = await browser.get(f"/outbox/{entry}/mail.eml")
    assert file.headers["content-type"] == "message/rfc822"
    assert "To: Ada <ada@acme.example.com>" in file.text
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


async def test_every_time_says_its_zone(
    browser: Browser, acme: str, mail: MailKeeper, ask_approval: Any, raise_task: Any, send: Any, db: Database
) -> None:
    mail(acme, html="<p>hello</p>")
    approval = ask_approval(acme)
    raise_task(acme)
    await send({"type": "facts.reported", "id": "evt_2", "data": {"customer": "acme", "facts": {"nps.score": 9}}})
    await send({"type": "api.conected", "id": "evt_bad", "data": {"customer": "acme"}})
    with db.begin() as c:
        customers.place_hold(c, customers.EVERYTHING, "mara", "Wrong price")
    paths = (*PAGES, f"/customers/{acme}", f"/approvals/{acme}/{approval}", "/outbox/1")
    for path in paths:
        times = re.findall(r"<time.*?</time>", (await browser.get(path)).text)
        assert times, path
        assert all(re.search(r'\d\d:\d\d</span> <span class="zone">(Europe/Berlin|UTC)<', time) for time in times), path


@pytest.mark.parametrize(
    ("zone", "shown"), [("customer", "Europe/Berlin"), ("America/New_York", "America/New_York"), ("csm", "Asia/Tokyo")]
)
async def test_a_reasons_times_say_the_zone_that_its_playbook_writes(
    browser: Browser, acme: str, db: Database, zone: str, shown: str
) -> None:
    shipped = compile_folder(ROOT / "playbooks", ROOT / "templates").releases.values()
    book = replace(next(one for one in shipped if isinstance(one, Playbook)), zone=zone)
    reason = "for milestones.setup until 2026-03-16 17:00"
    told = Decision(
        datetime(2026, 3, 2, 9, tzinfo=UTC), "p", release_digest(encode(book)), 1, "s", "wait", "waiting", reason
    )
    summary = {"stage": "new", "band": "", "tier": "pro", "overdue": False, "held": "", "catalogue": "c"}
    summary |= {"seq": 1, "as_of": "2026-03-02T09:00:00Z", "next_due": None}
    batch = {"customer": acme, "number": 1, "decisions": [to_row(told)], "summary": summary, "snapshot": {}, "log": ""}
    with db.begin() as c:
        current = releases.current(c)
        assert current is not None
        releases.commit(c, current, {release_digest(encode(book)): book}, note="test")
        c.execute(text("UPDATE teammates SET zone = 'Asia/Tokyo' WHERE id = 'mara'"))
        projections.store_batch(c, batch, lambda _: "p.yaml:1")
    assert f"until 2026-03-16 17:00 {shown}<" in (await browser.get(f"/customers/{acme}")).text


async def test_a_customers_page_shows_facts_and_milestones_with_when_they_were_told(
    browser: Browser, acme: str, send: Any
) -> None:
    page = (await browser.get(f"/customers/{acme}")).text
    assert "Nothing was reported yet" in page
    facts = {"usage.dau_wau": 0.42, "setup.api_connected": True}
    await send({"type": "facts.reported", "id": "evt_2", "data": {"customer": "acme", "facts": facts}})
    await send(
        {
            "type": "milestone.ticked",
            "id": "evt_3",
            "data": {"customer": "acme", "milestone": "technical_setup", "by": "mara@stageplay.example.com"},
        }
    )
    page = (await browser.get(f"/customers/{acme}")).text
    for name, value in (("usage.dau_wau", "0.42 ratio"), ("setup.api_connected", "yes")):
        assert f'<span class="mono">{name}</span> <b>{value}</b><br><small>told <time' in page
    assert re.search(r'Technical setup complete <span class="pill good">reached</span><br><small><time', page)


async def test_a_customers_page_shows_the_score_its_parts_and_what_is_not_known(
    browser: Browser, acme: str, temporal: Any, db: Database
) -> None:
    state = _shipped(db, acme)
    temporal.state = state_to_json(state)
    assert (
        "There is no score yet. At least 50% of the model must be known"
        in (await browser.get(f"/customers/{acme}")).text
    )
    told: dict[str, Value] = {"usage.dau_wau": 0.64, "usage.features": 4, "usage.data_growth": 0.2, "nps.score": 3}
    told |= {"engagement.attendance": 0.9, "health.score": 48, "health.fell": True}
    facts = {name: Fact(value, AT) for name, value in told.items()}
    fallen = (Snapshot(AT - timedelta(days=40), 70), Snapshot(AT, 48, 50))
    temporal.state = state_to_json(replace(state, facts=facts, band="red", history=fallen))
    for number in range(5):
        _like(db, number)
    page = unescape((await browser.get(f"/customers/{acme}")).text)
    assert "<b>48</b> of 100" in page
    assert '<span class="pill bad">-22 in 30 days</span><span class="pill bad">fell fast</span>' in page
    assert "At risk: Executive escalation, intensive engagement" in page
    assert "Points, 50% known" in page
    assert "not known: The executive sponsor is engaged (sponsor.engaged)" in page
    assert "usage.dau_wau = 0.64 > 0.6" in page
    assert "up to 50 within the week" in page
    assert "All customers: 70 in the middle, half of 5 between 70 and 70." in page
    assert "Reported from outside" not in page


async def test_a_customers_page_says_where_it_stands_now_and_not_as_it_was_last_stored(
    browser: Browser, acme: str, temporal: Any, db: Database
) -> None:
    with db.begin() as c:
        c.execute(text("UPDATE customers SET stage = 'new', band = '', overdue = 1"))
    stored = (await browser.get(f"/customers/{acme}")).text
    assert '<span class="pill new">New</span>' in stored
    assert '<span class="pill warn">overdue</span>' in stored

    temporal.state = state_to_json(replace(_shipped(db, acme), stage="onboarding", band="red"))
    page = (await browser.get(f"/customers/{acme}")).text
    assert '<span class="pill onboarding">Onboarding</span><span class="pill band red">red</span>' in page
    assert '<span class="pill warn">overdue</span>' not in page, "that was said of the stage before"

    temporal.state = {"v": 1, "odd": True}
    assert '<span class="pill new">New</span>' in (await browser.get(f"/customers/{acme}")).text


async def test_a_hold_that_is_lifted_is_shown_nowhere_though_nothing_was_stored_since(
    browser: Browser, acme: str, db: Database
) -> None:
    with db.begin() as c:
        c.execute(text("UPDATE customers SET held = 'Outage'"))
        customers.place_hold(c, acme, "mara", "Outage")
    for path in ("/", f"/customers/{acme}"):
        assert "on hold" in (await browser.get(path)).text
    with db.begin() as c:
        customers.lift_hold(c, acme)
    for path in ("/", f"/customers/{acme}"):
        assert "on hold" not in (await browser.get(path)).text


def _shipped(db: Database, customer: str) -> State:
    """A state of this customer under what ships."""
    compiled = compile_folder(ROOT / "playbooks", ROOT / "templates")
    with db.begin() as c:
        releases.commit(c, compiled.digest, compiled.releases, note="test")
        return State(customer, AT, compiled.digest, customers.get(c, customer).profile)


def _like(db: Database, number: int) -> None:
    """Another customer, whose score is 70."""
    profile = Profile("Europe/Berlin", date(2026, 3, 2), tier="odd")
    with db.begin() as c:
        made, _ = customers.create(
            c, outer_id=f"o{number}", name="O", profile=profile, clock=Clock(AT, AT), contacts=[], team={}
        )
        row = {"customer": made.id, "batch": 1, "seq": 0, "state": {}, "score": 70, "stored_at": AT}
        c.execute(tables.snapshots.insert().values(row))


async def test_a_score_from_outside_is_said_to_be(browser: Browser, acme: str, temporal: Any, db: Database) -> None:
    reported = replace(_shipped(db, acme), facts={"health.score": Fact(90, AT)}, band="green")
    temporal.state = state_to_json(reported)
    page = (await browser.get(f"/customers/{acme}")).text
    assert "Reported from outside: only 0% of the model is known, and at least 50% must be." in page
    temporal.state = {"v": 1, "odd": True}
    assert "<h2>Health</h2>" not in (await browser.get(f"/customers/{acme}")).text


async def test_the_inbox_counts_what_waits_for_who_is_signed_in(
    browser: Browser, acme: str, ask_approval: Any, raise_task: Any, act_as: ActAs
) -> None:
    ask_approval(acme)
    ask_approval(acme, "kickoff", to="ivo")
    raise_task(acme)
    for teammate, count in (("mara", 2), ("ivo", 1)):
        await act_as(teammate)
        assert f'Inbox<span class="count waiting">{count}</span>' in (await browser.get("/")).text
    await act_as("ruth")
    assert 'Inbox<span class="count' not in (await browser.get("/")).text


async def test_the_outbox_is_leafed_through_with_its_kind_kept(browser: Browser, acme: str, db: Database) -> None:
    with db.begin() as c:
        for n in range(120):
            kind: outbox.Kind = "card" if n < 10 else "email"
            outbox.keep(c, f"t{n}", customer=acme, kind=kind, to="a", subject=f"No {n}.", body={}, at=AT)
    path, seen = "/outbox?kind=email", []
    for _ in range(3):
        page = (await browser.get(path)).text
        seen += re.findall(r"No (\d+)\.", page)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        path = unescape(older[1]) if older else ""
    assert seen == [str(n) for n in range(119, 9, -1)]
    assert path == ""
    assert 'href="/outbox?kind=email">Newest' in page
    counts = [(await browser.get(path)).text.count("<tr>") for path in ("/outbox?before=x", "/outbox")]
    assert counts == [51, 51]


async def test_an_invites_preview_says_when_it_may_lie_and_its_edit_keeps_the_places(
    browser: Browser, acme: str, ask_approval: Any, db: Database
) -> None:
    ask_approval(acme)
    preview: dict[str, Any] = {"title": "Kickoff", "subject": "Kickoff", "text": "When: [meeting day]", "to": []}
    preview |= {"note": "Booked later.", "places": {"[meeting day]": "Wednesday 4 March 2026"}}
    with db.begin() as c:
        c.execute(tables.approvals.update().values(preview=preview))
    page = (await browser.get("/inbox")).text
    assert "<pre>When: Wednesday 4 March 2026</pre>" in page
    assert "Booked later." in page
    assert "When: [meeting day]</textarea>" in page
