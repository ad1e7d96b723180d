"""`kill -9` in mid-onboarding, on the real set-up: afterwards every touch has happened once, and nothing hangs.

What should happen is what the simulator says of the same customers; what did is counted in the ledger and the outbox.
"""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from sqlalchemy import select
from temporalio.client import Client

from authoring.simulate import Simulation, simulate
from lifecycle.jsonform import decode_union
from lifecycle.messages import Event, SignedUp
from store import customers, tables
from store.database import Database
from store.releases import DatabaseReleases

MIDDLE = "setup-tasks"  # a touch of day 3
PLAYS = 4  # three onboardings, one sequence of mails
WATCHED = timedelta(days=40)
SILENT = {"tier": "pro", "touch": "mid", "zone": "Europe/Berlin", "country": "DE"}
BOTH_PLAYBOOKS = {"tier": "team", "touch": "low", "zone": "Asia/Tokyo", "country": "JP"}
BUSY = {"tier": "enterprise", "touch": "high", "zone": "America/New_York", "country": "US"}
TOLD: tuple[tuple[str, Mapping[str, Any]], ...] = (
    ("api.connected", {}),
    ("facts.reported", {"facts": {"users.invited": 24, "users.logged_in_share": 0.9, "usage.core_features": 4}}),
    ("insight.named", {}),
)


class House(Protocol):
    """What `conftest` gives; tests import nothing from there."""

    def start(self) -> None: ...
    def stop(self) -> int: ...
    def kill(self, *parts: str) -> None: ...
    def kill_up(self) -> None: ...
    def alive(self) -> list[int]: ...
    def pids(self) -> dict[str, int]: ...
    def run(self, log: str) -> Any: ...
    def post(self, event_id: str, body: Mapping[str, Any]) -> Any: ...
    def database(self) -> Database: ...
    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]: ...
    def count(self, query: str, **values: Any) -> int: ...

    up: Any
    folder: Path

    @property
    def ports(self) -> dict[str, int]: ...


WaitUntil = Callable[..., None]


def sign_up(house: House, name: str, profile: Mapping[str, str], day_seconds: float) -> None:
    """One customer at rehearsal speed, half an hour into a Monday of its own zone."""
    champion = {"name": "Lena Vogt", "email": f"lena@{name}.example.com", "roles": ["champion"]}
    data = {
        "customer": {"id": name, "name": name.title(), "journey": "standard", **profile},
        "contacts": [champion],
        "rehearsal": {"day_seconds": day_seconds, "start": "2026-03-02T00:30"},
    }
    assert house.post(f"{name}-signup", {"type": "customer.signed_up", "data": data}).status_code == 202


def three_sign_up(house: House, day_seconds: float) -> None:
    """One says nothing, one has both playbooks, one has met its targets: told before the signup, so that it is parked
    and taken in the same instant as in the simulation.
    """
    for number, (kind, data) in enumerate(TOLD):
        body = {"type": kind, "data": {"customer": "busy", **data}}
        assert house.post(f"busy-{number}", body).json() == {"status": "parked"}
    for name, profile in {"silent": SILENT, "both": BOTH_PLAYBOOKS, "busy": BUSY}.items():
        sign_up(house, name, profile, day_seconds)


def told(database: Database, customer: str) -> list[Event]:
    """What its inbox holds, in order."""
    with database.read() as c:
        rows = c.execute(select(tables.inbox.c.event).where(tables.inbox.c.customer == customer).order_by("seq"))
        return [decode_union(Event, event) for event in rows.scalars()]


def simulated(database: Database, customer: str) -> Simulation:
    """The same customer on a virtual clock."""
    signup, *others = told(database, customer)
    assert isinstance(signup, SignedUp)
    with database.read() as c:
        found = customers.get(c, customer)
    start, releases = found.clock.virtual_origin, DatabaseReleases(database, None)
    try:
        events = [(start, event) for event in others]
        return simulate(releases, found.catalogue, signup, start, events, start + WATCHED, customer=customer)
    finally:
        releases.close()


def expected(house: House) -> Counter[str]:
    """Every touch that the playbooks owe these customers, with how often: once."""
    database = house.database()
    try:
        runs = [simulated(database, customer) for (customer,) in house.rows("SELECT id FROM customers")]
    finally:
        database.close()
    return Counter(issued.command.touch for run in runs for issued in run.issued)


def sent(house: House) -> Counter[str]:
    return Counter(touch for (touch,) in house.rows("SELECT touch FROM ledger WHERE state = 'sent'"))


def middle_reached(house: House) -> bool:
    """Every customer is in the middle of its onboarding."""
    return house.count("SELECT count(*) FROM ledger WHERE touch LIKE :step", step=f"%/{MIDDLE}/%") == 3


def plays(house: House, reason: str) -> int:
    return house.count("SELECT count(*) FROM decisions WHERE what = 'play' AND reason LIKE :reason", reason=reason)


def check_the_end(house: House, wait_until: WaitUntil) -> None:
    """Wait for the end of all plays; then every touch happened exactly once, and nothing is unknown, open or stuck."""
    wait_until(lambda: plays(house, "ended%") == PLAYS, "the end of all plays", 150)
    owed = expected(house)
    wait_until(lambda: not owed - sent(house), "every touch", 60)

    assert sent(house) == owed
    assert set(owed.values()) == {1}
    assert house.rows("SELECT touch, state FROM ledger WHERE state <> 'sent'") == []
    writes = house.rows("SELECT touch, count(*) FROM drill_writes WHERE kind <> 'card' GROUP BY touch")
    assert dict(writes) == {touch: 1 for (touch,) in house.rows("SELECT touch FROM outbox WHERE kind <> 'card'")}
    assert house.rows("SELECT customer, seq FROM inbox WHERE delivered_at IS NULL") == []
    assert asyncio.run(stuck(house)) == []


async def stuck(house: House) -> list[str]:
    """Open customer workflows with a task that failed, or an activity that is tried again and again."""
    client = await Client.connect(f"127.0.0.1:{house.ports['temporal']}")
    found = []
    async for run in client.list_workflows("ExecutionStatus = 'Running'"):
        raw = (await client.get_workflow_handle(run.id).describe()).raw_description
        if raw.pending_workflow_task.attempt > 1 or any(one.attempt > 1 for one in raw.pending_activities):
            found.append(run.id)
    return found


def test_a_worker_killed_in_mid_onboarding_costs_and_doubles_no_touch(house: House, wait_until: WaitUntil) -> None:
    three_sign_up(house, day_seconds=0.7)
    wait_until(lambda: middle_reached(house), "the middle")
    house.kill("worker")

    check_the_end(house, wait_until)
    assert house.stop() == 0
    assert house.alive() == []


@pytest.mark.nightly
@pytest.mark.parametrize(
    "parts",
    [("worker",), ("temporal",), ("gateway",), ("worker", "temporal", "gateway")],
    ids=["worker", "temporal", "gateway", "all"],
)
def test_parts_killed_in_mid_onboarding_are_started_again_and_go_on(
    house: House, wait_until: WaitUntil, parts: tuple[str, ...]
) -> None:
    three_sign_up(house, day_seconds=2)
    wait_until(lambda: middle_reached(house), "the middle")
    before = house.pids()
    house.kill(*parts)
    wait_until(lambda: all(house.pids()[part] != before[part] for part in parts), "new processes")

    check_the_end(house, wait_until)
    after = house.pids()
    assert {part for part in after if after[part] != before[part]} == set(parts)


@pytest.mark.nightly
def test_everything_killed_the_parent_first_goes_on_when_started_again(house: House, wait_until: WaitUntil) -> None:
    three_sign_up(house, day_seconds=2)
    wait_until(lambda: middle_reached(house), "the middle")
    house.kill_up()
    house.kill("temporal", "worker", "gateway")
    house.start()

    check_the_end(house, wait_until)


@pytest.mark.nightly
def test_children_that_outlive_a_killed_parent_are_ended_before_new_ones_start(
    house: House, wait_until: WaitUntil
) -> None:
    three_sign_up(house, day_seconds=2)
    wait_until(lambda: middle_reached(house), "the middle")
    left = house.pids()
    house.kill_up()
    assert set(left.values()) <= set(house.alive())
    house.start()

    assert not set(left.values()) & set(house.alive())
    check_the_end(house, wait_until)


@pytest.mark.nightly
def test_a_worker_killed_while_it_sends_sends_nothing_twice(house: House, wait_until: WaitUntil) -> None:
    """Killed again and again the moment that a row is reserved, until one kill did fall between reserve and confirm."""
    reserved = "SELECT count(*) FROM ledger WHERE state = 'reserved'"
    three_sign_up(house, day_seconds=3)
    for _ in range(8):
        worker = house.pids()["worker"]
        wait_until(lambda: house.count(reserved) > 0, "a reservation", every=0)
        house.kill("worker")
        caught = house.count(reserved) > 0
        wait_until(lambda gone=worker: house.pids()["worker"] != gone, "a new worker")
        if caught:
            break
    assert caught

    check_the_end(house, wait_until)


@pytest.mark.nightly
def test_while_temporal_is_away_events_are_taken_and_are_delivered_when_it_is_back(
    house: House, wait_until: WaitUntil
) -> None:
    waiting = "SELECT count(*) FROM inbox WHERE delivered_at IS NULL"
    sign_up(house, "early", SILENT, day_seconds=60)
    wait_until(lambda: house.count(waiting) == 0, "the first delivery")
    house.up.send_signal(signal.SIGSTOP)  # or it would start Temporal again within a second
    house.kill("temporal")
    body = {"type": "api.connected", "data": {"customer": "early"}}
    assert house.post("early-connected", body).status_code == 202
    sign_up(house, "meanwhile", {**SILENT, "journey": "self-serve"}, day_seconds=60)
    assert house.post("early-connected", body).status_code == 202
    assert house.count(waiting) == 2
    house.up.send_signal(signal.SIGCONT)

    wait_until(lambda: house.count(waiting) == 0, "the delivery of what waited")
    wait_until(lambda: house.count("SELECT count(*) FROM outbox WHERE kind = 'email'") == 1, "the welcome")
    assert house.stop() == 0
    assert house.alive() == []


@pytest.mark.nightly
def test_a_second_up_on_the_folder_is_refused_and_harms_nothing(house: House) -> None:
    second = house.run("second.log")
    assert second.wait(60) == 2
    said = (house.folder / "second.log").read_text()

    assert f"another `stageplay up` (pid {house.up.pid}) already runs" in said
    assert set(house.pids().values()) <= set(house.alive())


@pytest.mark.nightly
def test_a_sigterm_stops_every_child(house: House) -> None:
    pids = house.pids()
    assert set(pids) == {"temporal", "worker", "gateway"}

    assert house.stop() == 0
    assert house.alive() == []
    assert not (house.folder / "processes.json").exists()
