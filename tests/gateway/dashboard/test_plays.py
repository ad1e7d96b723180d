"""Plays that people start and stop on a customer's page."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from lifecycle.commands import SendEmail
from lifecycle.jsonform import digest, encode
from lifecycle.model import Play, Profile, Retry, State, Teammate, state_to_json
from lifecycle.playbook import Manifest, Playbook, Release, Trigger
from store import releases, team
from store.database import Database
from store.team import Person

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Browser = httpx.AsyncClient
Hidden = Callable[..., dict[str, str]]
Presses = Callable[[], list[dict[str, Any]]]
ActAs = Callable[[str], Awaitable[None]]
NUDGE = Playbook("nudge", "A nudge", "csm", triggers=(Trigger(by_hand=True),), steps=(), file="playbooks/nudge.yaml")
ZOE = Person("zoe", "Zoe Adler", "zoe@stageplay.example.com", ("csm",), zone="Europe/Berlin", slack="")


@pytest.fixture
def offered(db: Database) -> None:
    """A playbook that can be started by hand, and a teammate who has no customer."""
    with db.begin() as c:
        manifest = releases.load(c, str(releases.current(c)))
        assert isinstance(manifest, Manifest)
        new = Manifest(manifest.lifecycle, {"nudge": digest(encode(NUDGE))})
        those: dict[str, Release] = {digest(encode(NUDGE)): NUDGE, digest(encode(new)): new}
        releases.commit(c, digest(encode(new)), those, note="test")
        team.save_team(c, [*team.teammates(c), ZOE], {})


@pytest.mark.usefixtures("offered")
async def test_plays_are_started_and_stopped_on_the_customers_page(
    browser: Browser, acme: str, temporal: Any, hidden: Hidden, presses: Presses
) -> None:
    at = datetime(2026, 3, 5, 9, tzinfo=UTC).isoformat()
    temporal.reply = {"result": "refused", "text": "Not started: entry not met: usage.dau_wau unknown."}
    temporal.upcoming = [
        {"playbook": "nudge", "release": "r", "play": 2, "step": step, "kind": "task", "to": "", "reason": "x"}
        | {"at": at, "place": "nudge.yaml:3", "verdict": "waiting", "customer": acme}
        for step in ("call", "write")
    ]
    page = (await browser.get(f"/customers/{acme}")).text
    assert '<option value="nudge">A nudge</option>' in page
    assert page.count('action="/answers/stop"') == 1

    form = {**hidden(page, action="/answers/start"), "playbook": "nudge", "reason": "They asked"}
    answer = await browser.post("/answers/start", data=form)
    assert "Not started: entry not met" in (await browser.get(answer.headers["location"])).text
    form = {**hidden(page, action="/answers/stop"), "reason": "Enough"}
    assert (await browser.post("/answers/stop", data=form)).status_code == 303
    assert presses() == [
        {"kind": "play_requested", "playbook": "nudge", "by": "mara", "reason": "They asked"},
        {"kind": "play_stop_requested", "play": "nudge/2", "by": "mara", "reason": "Enough"},
    ]


@pytest.mark.usefixtures("offered")
async def test_a_page_says_when_nothing_runs_and_when_nobody_knows(browser: Browser, acme: str, temporal: Any) -> None:
    assert "None is running." in (await browser.get(f"/customers/{acme}")).text
    temporal.away = True
    assert "What is running is not known right now." in (await browser.get(f"/customers/{acme}")).text


async def test_a_press_without_a_reason_does_nothing(
    browser: Browser, acme: str, hidden: Hidden, presses: Presses
) -> None:
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/hold")
    for path, more in (("/answers/start", {"playbook": "nudge"}), ("/answers/stop", {"play": "nudge/1"})):
        assert (await browser.post(path, data={**form, **more})).status_code == 422
    assert presses() == []


@pytest.mark.usefixtures("offered")
async def test_who_has_nothing_to_do_with_the_customer_starts_and_stops_no_play(
    browser: Browser, acme: str, act_as: ActAs, hidden: Hidden, presses: Presses
) -> None:
    await act_as("zoe")
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/start")
    for path, more in (("/answers/start", {"playbook": "nudge"}), ("/answers/stop", {"play": "nudge/1"})):
        answer = await browser.post(path, data={**form, **more, "reason": "x"})
        assert answer.status_code == 403
        assert "Mara Lindqvist" in answer.text
    assert presses() == []


@pytest.mark.usefixtures("offered")
async def test_a_page_says_why_a_playbook_does_not_run_and_what_would_change_that(
    browser: Browser, acme: str, temporal: Any, db: Database
) -> None:
    with db.read() as c:
        current = str(releases.current(c))
    profile = Profile("Europe/Berlin", date(2026, 3, 2))
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    seen = {"customer.signed_up": at}
    temporal.state = state_to_json(State(acme, at, current, profile, team={"csm": Teammate("mara", "UTC")}, seen=seen))
    page = (await browser.get(f"/customers/{acme}")).text
    assert "Why, and why not" in page
    assert "No step is planned." in page
    assert "never started; nothing but its trigger is missing" in page
    assert "It starts when somebody starts it by hand." in page
    folded = page.index("1 playbook has never started")
    assert folded < page.index("never started; nothing but its trigger is missing")

    for raw in ({**temporal.state, "catalogue": "gone"}, {**temporal.state, "odd": 1}):
        temporal.state = raw
        assert "Why, and why not" not in (await browser.get(f"/customers/{acme}")).text


@pytest.mark.usefixtures("offered")
async def test_a_page_says_what_its_provider_puts_off_and_until_when(
    browser: Browser, acme: str, temporal: Any, db: Database
) -> None:
    with db.read() as c:
        current = str(releases.current(c))
    at, again = datetime(2026, 3, 2, 9, tzinfo=UTC), datetime(2100, 1, 4, 9, 20, tzinfo=UTC)
    play = Play("nudge", digest(encode(NUDGE)), 1, date(2026, 3, 2), "UTC", at, over=True)
    mail = SendEmail(f"{acme}/nudge/1/first-word/1/send/con_1", play.release, "first-word", "con_1", at)
    team, retries = {"csm": Teammate("mara", "UTC")}, (Retry(again, encode(mail)),)
    state = State(acme, at, current, Profile("UTC", date(2026, 3, 2)), team=team, plays=(play,), retries=retries)
    temporal.state = state_to_json(state)
    page = (await browser.get(f"/customers/{acme}")).text
    assert "First word has not gone yet: its provider puts it off until then" in page
    assert '<time datetime="2100-01-04T09:20' in page


async def test_who_lifts_a_hold_says_what_becomes_of_what_fell_due(
    browser: Browser, acme: str, hidden: Hidden, presses: Presses
) -> None:
    form = hidden((await browser.get(f"/customers/{acme}")).text, action="/answers/hold")
    await browser.post("/answers/hold", data={**form, "reason": "Outage"})
    page = (await browser.get(f"/customers/{acme}")).text
    assert "moved with the rest of its play" in page
    lift = {**hidden(page, action="/answers/hold"), "place": "no"}
    for press, stale in (("p1", "retime"), ("p2", "odd")):
        await browser.post("/answers/hold", data={**lift, "press": press, "stale": stale})
    assert presses()[1:] == [
        {"kind": "hold_lifted", "by": "mara", "stale": "retime"},
        {"kind": "hold_lifted", "by": "mara"},
    ]
