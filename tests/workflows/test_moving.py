"""A plan is true: on the real dev server, after `apply --move`, every play in flight is where the plan said."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from authoring.plan import Flight, flights
from authoring.simulate import Library, simulate
from lifecycle.actions import Email, Invite, Length, Slack, Task, Wait, When
from lifecycle.engine import upcoming
from lifecycle.jsonform import encode
from lifecycle.messages import CatalogueApplied, SignedUp
from lifecycle.model import Clock, Contact, Profile, State, Teammate, state_from_json, state_to_json
from lifecycle.playbook import Approval, Lifecycle, Playbook, Step, Trigger, digest_of
from tests.workflows.conftest import ORIGIN, shelf
from workflows import interface
from workflows.interface import Start

if TYPE_CHECKING:
    from temporalio.client import WorkflowHandle

    from tests.workflows.conftest import Rig, RigFactory

pytestmark = pytest.mark.anyio

DAYS = (0, 1, 2, 4, 5, 8, 11)
"""How far into its play each customer is."""
RULE = Approval("csm", Length(2, "business_days"), ahead=Length(1, "days"))
BASE = (
    Step("welcome", Email(("champion",), "welcome"), When(day=1)),
    Step("plan", Task(("csm",), "Plan"), When(day=1), approval=RULE),
    Step("kickoff", Invite(("champion", "csm"), "kickoff", 4, "10:00", "16:00", 30), When(day=2)),
    Step("setup", Wait(When(day=6), event="never")),
    Step("blocked", Slack(("csm",), "blocked"), When(), under="setup", branch="otherwise"),
    Step("offer", Email(("champion",), "offer"), When(day=7), approval=RULE),
    Step("again", Email(("champion",), "again"), When(after="offer", delay=Length(3, "days"))),
    Step("end", Slack(("csm",), "end"), When(day=14)),
)


def book(steps: tuple[Step, ...]) -> Playbook:
    start = Trigger(event="customer.signed_up")
    return Playbook("onboarding", "Onboarding", "csm", (start,), steps, "onboarding.yaml", anchor="signup")


def edited(seed: int) -> Playbook:
    """The same playbook after an author went over it: what becomes of each step comes of the seed."""
    found: list[Step] = []
    for step in BASE:
        lot = hashlib.sha256(f"{seed}/{step.id}".encode()).digest()
        retimed = replace(step, when=replace(step.when, day=lot[1] % 12)) if step.when.day is not None else step
        match lot[0] % 5:
            case 0 if step.id not in ("setup", "offer"):
                continue
            case 1:
                found.append(replace(retimed, id=f"{step.id}-new", was=step.id))
            case 2:
                found.append(retimed)
            case 3:
                new = Step(f"extra-{step.id}", Task(("csm",), f"Extra {step.id}"), When(day=lot[2] % 12))
                found += [new, step]
            case _:
                found.append(step)
    ids = {step.was: step.id for step in found if step.was}
    return book(tuple(_referring(step, ids) for step in found))


def _referring(step: Step, ids: dict[str, str]) -> Step:
    after = ids.get(step.when.after, step.when.after)
    return replace(step, under=ids.get(step.under, step.under), when=replace(step.when, after=after))


def stood(library: Library, catalogue: str, customer: str, days: int) -> State:
    """A customer who signed up some days ago."""
    at = datetime(2026, 3, 2, 10, tzinfo=UTC)
    profile = Profile("Europe/Berlin", date(2026, 3, 2), tier="pro")
    mara = Teammate("mara", "Europe/Berlin")
    signup = SignedUp(profile, (Contact("con_1", ("champion",)),), {"csm": mara, "cs_manager": mara})
    return simulate(library, catalogue, signup, at, [], at + timedelta(days=days, hours=2), customer).state


async def begun(rig: Rig, state: State) -> WorkflowHandle[Any, Any]:
    """A workflow that goes on from a state, as after continue-as-new."""
    rig.seq[state.customer] = state.seq
    clock = Clock(await rig.env.get_current_time(), state.as_of + timedelta(minutes=1))
    start = Start(
        customer=state.customer,
        catalogue=state.catalogue,
        clock=encode(clock),
        spread=False,
        state=state_to_json(state),
        first=[],
        outgoing=[],
        log="",
    )
    return await rig.client.start_workflow(
        interface.WORKFLOW, start, id=interface.workflow_id(state.customer), task_queue=interface.TASK_QUEUE
    )


async def now_is(handle: WorkflowHandle[Any, Any]) -> State:
    return state_from_json(await handle.query(interface.STATE, result_type=dict))


def check(library: Library, flight: Flight, state: State, release: str) -> None:
    """Hold where a play is against what the plan said of it."""
    play = next((item for item in state.plays if item.key == flight.play), None)
    if play is None:  # nothing was left to do in it
        assert all(change.after is None for change in flight.changes)
        return
    assert play.release == release
    due = {item.step: item.at for item in upcoming(library, state) if item.play == play.number}
    for change in flight.changes:
        match change.what:
            case "skipped":
                assert play.steps[change.step].status == "skipped"
            case "fires":
                assert play.steps[change.step].status != "skipped" or change.step.endswith("setup")
            case "removed" | "pinned":
                assert change.step not in due
            case "retimed" | "added" if change.after is not None and change.after > state.as_of:
                assert due[change.step] == change.after
            case "renamed":
                assert play.name_of(change.step) == change.reason.removeprefix("was ")
            case _:
                pass


@pytest.mark.parametrize("late", ["skip", "fire"])
async def test_after_a_move_every_play_is_where_the_plan_said(local: RigFactory, life: Lifecycle, late: Any) -> None:
    editions = [edited(seed) for seed in range(4)]
    async with local((book(BASE),), life) as rig, rig.worker():
        moved = 0
        for seed, edition in enumerate(editions):
            releases, digest = shelf((edition,), life)
            rig.shelf.update(releases)
            library, event = Library(rig.shelf), CatalogueApplied(digest, ("onboarding",), late)
            for days in DAYS:
                state = stood(library, rig.catalogue, f"cus_{seed}_{days}", days)
                handle = await begun(rig, state)
                before = await now_is(handle)
                said = flights(library, before, "Acme", event, now=before.as_of)
                await rig.tell(event, state.customer)
                after = await now_is(handle)
                assert after.catalogue == digest
                for flight in said:
                    check(library, flight, after, digest_of(edition))
                    moved += flight.fate == "moves"
        assert moved == len(editions) * len(DAYS)


async def test_the_older_release_can_be_applied_again(local: RigFactory, life: Lifecycle) -> None:
    new = book(tuple(step for step in BASE if step.id != "end"))
    async with local((book(BASE),), life) as rig, rig.worker():
        releases, digest = shelf((new,), life)
        rig.shelf.update(releases)
        library = Library(rig.shelf)
        state = stood(library, rig.catalogue, "cus_undo", 2)
        handle = await begun(rig, state)
        before = await now_is(handle)
        for catalogue in (digest, rig.catalogue):
            await rig.tell(CatalogueApplied(catalogue, ("onboarding",)), state.customer)
        after = await now_is(handle)
    assert upcoming(library, after) == upcoming(library, before)
    assert after.plays[0].release == before.plays[0].release
    assert ORIGIN.date() == before.plays[0].anchor
