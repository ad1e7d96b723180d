"""Two real workflows become one customer, with all that runs around them, in simulated time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from activities.repeated import HAD
from authoring.scenario import Scenario
from gateway import merging
from lifecycle.messages import ApprovalAnswered, Happened
from store import customers, inbox, meetings, pages
from tests.time_travel.rig import Rig
from workflows.interface import EVENT, OVERVIEW, Delivery

pytestmark = pytest.mark.anyio


async def merge(gone: Rig, into: Rig) -> None:
    """As the gateway does: rows and both events in one transaction, then each workflow hears its own."""
    with gone.db.begin() as c:
        two = (customers.get(c, gone.customer), customers.get(c, into.customer))
        merging.merge(c, *two, source="test", event_id="merge", body_digest="d")
    for rig in (gone, into):
        with rig.db.begin() as c:
            rows = inbox.undelivered(c, rig.customer)
            for row in rows:
                inbox.delivered(c, rig.customer, row.seq, None)
        for row in rows[-1:]:
            await rig.handle.signal(EVENT, Delivery(seq=row.seq, event=row.event))


def steps(rig: Rig, kind: str) -> list[tuple[str, str]]:
    """What went to a customer's people of a kind: the step and whether it was sent or taken back."""
    touches = [
        entry.touch.split("/") for entry in rig.entries() if (entry.kind, entry.customer) == (kind, rig.customer)
    ]
    return [(touch[3], touch[5]) for touch in touches if touch[-1] in rig.contacts.values()]


async def test_the_old_account_takes_back_what_it_began_and_the_survivor_goes_on_and_repeats_nothing(
    scenario_of: Callable[[str], Scenario], travel: Any
) -> None:
    scenario = scenario_of("onboarding-happy-path")
    signup, start, day = scenario.signup, scenario.start, scenario.start.replace(hour=0)
    later = replace(
        signup, profile=replace(signup.profile, signed_up_on=signup.profile.signed_up_on + timedelta(days=1))
    )
    approve = ApprovalAnswered("onboarding-14-day/1/kickoff", "csm", "approve", "press")
    async with travel(scenario.catalogue) as gone:
        into = Rig(gone.env, gone.db, gone.library, gone.catalogue, gone.follow)
        await gone.sign_up(signup, start)
        await gone.tell(approve, day + timedelta(days=1, hours=8, minutes=40))
        await into.sign_up(later, day + timedelta(days=1, hours=9), "Acme Two", "outer-2")
        await gone.reach(day + timedelta(days=1, hours=13))
        assert steps(gone, "email") == [("welcome", "send")]
        assert steps(gone, "invite") == [("kickoff", "send")]
        with gone.db.read() as c:
            (meeting,) = meetings.of(c, gone.customer)
            open_tasks = {work.task.task for work in pages.inbox_page(c).tasks if work.task.customer == gone.customer}

        await merge(gone, into)
        for rig in (gone, into):
            await rig.reach(day + timedelta(days=1, hours=13, minutes=5))
        assert steps(gone, "invite") == [("kickoff", "send"), ("kickoff", "cancel")]
        assert (await gone.handle.query(OVERVIEW))["plays"] == []
        with gone.db.read() as c:
            at_survivor = {work.task.task for work in pages.inbox_page(c).tasks if work.task.customer == into.customer}
            assert meetings.of(c, gone.customer) == ()
        assert open_tasks < at_survivor, "the old tasks, and one to look"

        await gone.tell(approve, day + timedelta(days=1, hours=14))
        await gone.tell(Happened("kickoff.held"), day + timedelta(days=1, hours=15))
        assert gone.replies[-1]["result"] in ("already", "approved")
        await into.tell(replace(approve, press="other"), day + timedelta(days=2, hours=8, minutes=40))
        await into.reach(day + timedelta(days=4, hours=13))
        decided = into.decided(day + timedelta(days=5))

        assert steps(into, "email") == [("setup-guide", "send")], "the welcome it has had"
        assert [item["reason"] for item in decided if (item["step"], item["verdict"]) == ("welcome", "cancelled")] == [
            HAD
        ]
        assert steps(into, "invite") == [("kickoff", "send")], "the old one was cancelled"
        await into.reach(day + timedelta(days=40))
        assert steps(gone, "email") == [("welcome", "send")]
        assert len(steps(gone, "invite")) == 2
        assert (await gone.handle.query(OVERVIEW))["next_due"] is None
        assert meeting.name == "onboarding-14-day/1/kickoff"
