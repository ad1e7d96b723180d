"""A forecast is true: the week that it tells is the week that the workflows then live, to the teammate and the day."""

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from sqlalchemy import select

from authoring.answers import SILENCE
from authoring.forecast import Standing, forecast
from authoring.lives import World
from authoring.scenario import Scenario
from lifecycle.model import State, state_from_json
from lifecycle.playbook import Playbook
from store import tables
from store.outbox import Entry
from tests.time_travel.rig import Rig
from workflows import interface

pytestmark = [pytest.mark.anyio, pytest.mark.nightly]
WEEK = timedelta(days=7)
STORIES = {
    "onboarding-happy-path": 1,
    "onboarding-nobody-answers": 2,
    "onboarding-kickoff-expires": 1,
    "onboarding-clock-change-new-york": 5,
    "team-tier-both-playbooks": 3,
}
"""Whose week, and how many days after the signup it begins."""
Sends = Counter[tuple[date, str]]
Load = Counter[tuple[str, date, str]]


def counted(rig: Rig, since: datetime) -> tuple[Sends, Load]:
    """What the outbox kept from an instant on: by day and kind what the customer got, by teammate, day and kind what
    they did. A reminder of a question is not another question.
    """
    sends, load = Sends(), Load()
    asked: set[tuple[str, str]] = set()
    sent = _sent(rig)
    team = {mate.id: ZoneInfo(mate.zone) for mate in rig.signup.team.values()}
    for entry in rig.entries():
        _, playbook, play, step, _, part, *rest = entry.touch.split("/")
        to = rest[0]
        kind, at = _kind(rig, playbook, step, part), sent[entry.touch]
        question = (f"{playbook}/{play}/{step}", to)
        if kind == "approval" and question in asked:
            continue
        asked |= {question} if kind == "approval" else set()
        if at < since:
            continue
        if to not in team:
            sends[at.astimezone(ZoneInfo(rig.signup.profile.zone)).date(), kind] += 1
        elif kind == "invite":
            load[to, _starts(entry).astimezone(team[to]).date(), "meeting"] += 1
        else:
            load[to, at.astimezone(team[to]).date(), kind] += 1
    return sends, load


def _sent(rig: Rig) -> dict[str, datetime]:
    """When each touch went, in the customer's time; a card that is settled is kept anew, later."""
    table = tables.ledger
    with rig.db.read() as c:
        rows = c.execute(select(table.c.touch, table.c.sent_at).where(table.c.sent_at.is_not(None)))
        return {row.touch: rig.clock.virtual(row.sent_at) for row in rows}


def _kind(rig: Rig, playbook: str, step: str, part: str) -> str:
    """As the forecast calls it, from the touch and the release."""
    if part == "ask" or part.startswith("remind"):
        return "approval"
    if part.startswith("task"):
        return "task"
    if part == "cancel":
        return "cancel"
    books = (item for item in rig.library.releases.values() if isinstance(item, Playbook) and item.name == playbook)
    return next(item.action.kind for book in books for item in book.steps if item.id == step)


def _starts(entry: Entry) -> datetime:
    event: Any = icalendar.Calendar.from_ical(entry.body["ics"]).walk("VEVENT")[0]
    found: datetime = event["DTSTART"].dt
    return found


async def lived(travel: Any, scenario: Scenario, days: int) -> tuple[World, Standing, Sends, Load]:
    """Where a customer stands after some days as its workflow says, and what comes of a week of scripted events."""
    since = scenario.start + timedelta(days=days)
    async with travel(scenario.catalogue) as rig:
        await rig.sign_up(scenario.signup, scenario.start)
        script = [item for item in scenario.events if item[0] <= since + WEEK]
        for at, event in script:
            if at <= since:
                await rig.tell(event, at)
        await rig.reach(since)
        state: State = state_from_json(await rig.handle.query(interface.STATE, result_type=dict))
        before = len(rig.told)
        for at, event in script:
            if at > since:
                await rig.tell(event, at)
        await rig.reach(since + WEEK)
        sends, load = counted(rig, since)
        standing = Standing(scenario.name, state, "workflow", tuple(rig.told[before:]))
        world = World(rig.library, rig.catalogue, SILENCE, since, since + WEEK)
        await rig.handle.terminate("the week is over")
    return world, standing, sends, load


@pytest.mark.parametrize(("name", "days"), STORIES.items(), ids=STORIES)
async def test_the_week_that_is_forecast_is_the_week_that_comes(
    scenario_of: Callable[[str], Scenario], travel: Any, name: str, days: int
) -> None:
    world, standing, sends, load = await lived(travel, scenario_of(name), days)
    told = forecast(world, [standing], []).future.tally

    assert (told.sends, told.load) == (sends, load)
    assert sum(sends.values()) > 0
    assert sum(load.values()) > 0
