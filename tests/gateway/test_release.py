"""Whoever lifts the hold on everything need not wait for it to be noticed: those who have something held are told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from gateway import release as module
from gateway.deliver import Connection, Deliverer
from gateway.release import prepare, release, release_here, unheard, yet_to_hear
from lifecycle.jsonform import decode_union
from lifecycle.messages import Event, SendsReleased
from store import customers, ledger
from store.database import Database

pytestmark = pytest.mark.anyio
Lift = Callable[..., Awaitable[None]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
async def everybody(send: Any, signup: Callable[..., Any], db: Database, temporal: Any, until: Until) -> list[str]:
    """Ids of five customers, whose workflows have started."""
    for number in range(5):
        await send(signup(f"evt_{number}", id=f"customer-{number}"))
    await until(lambda: len(temporal.started) == 5)
    with db.read() as c:
        return [found.id for number in range(5) if (found := customers.find(c, f"customer-{number}"))]


def hold_back(db: Database, *who: str) -> str:
    """Hold everything, and note of these customers that they have something to send; when it was placed."""
    with db.begin() as c:
        customers.place_hold(c, customers.EVERYTHING, "mara", "wrong price")
        placed = customers.hold(c, customers.EVERYTHING)
    for one in who:
        ledger.hold_back(db, f"{one}/p/1/welcome/1/send/ada", customer=one, kind="send_email", reason="held")
    assert placed is not None
    return placed.placed_at.isoformat()


@pytest.fixture
async def lift(db: Database, temporal: Any) -> AsyncIterator[Lift]:
    """Lifts the hold placed at an instant, and waits until everybody was told."""
    deliverer = Deliverer(db, Connection(temporal.factory))

    async def lift_it(placed_at: str, stale: Any = "send") -> None:
        await release(db, deliverer, placed_at, "ruth", stale)
        while deliverer._tasks:
            await asyncio.gather(*deliverer._tasks)

    yield lift_it
    await deliverer.close()


def told(temporal: Any, event: SendsReleased = SendsReleased("ruth")) -> int:  # noqa: B008 - frozen
    """How many customers were told this."""
    heard = [delivery["event"] for _, delivery in temporal.signals if delivery["event"]["kind"] == "sends_released"]
    return [decode_union(Event, one) for one in heard].count(event)


async def test_only_customers_who_have_something_held_are_told_and_each_once(
    everybody: list[str], lift: Lift, db: Database, temporal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    placed_at = hold_back(db, *everybody[:3])
    await lift(placed_at)
    await lift(placed_at)
    assert told(temporal) == 3
    with db.read() as c:
        query = "SELECT customer FROM inbox WHERE source = 'release' AND delivered_at IS NOT NULL"
        assert sorted(c.execute(text(query)).scalars()) == sorted(everybody[:3])
        assert customers.hold(c, customers.EVERYTHING) is None


@pytest.mark.parametrize(("stale", "who"), [("skip", 2), ("retime", 5)])
async def test_what_is_not_to_go_is_told_before_the_hold_is_lifted(
    everybody: list[str],
    db: Database,
    temporal: Any,
    stale: Any,
    who: int,
    until: Until,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "PAGE", 2)
    since = datetime.fromisoformat(hold_back(db, *everybody[:2]))
    asked = [prepare(db, since, "ruth", stale) for _ in range(2)]
    assert asked[0] == asked[1]
    assert len(asked[0]) == unheard(db, since, stale) == who
    with db.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is not None
    deliverer = Deliverer(db, Connection(temporal.factory))
    for one in asked[0]:
        await deliverer.deliver(one)
    await deliverer.close()
    await until(lambda: unheard(db, since, stale) == 0)  # the app's own poller may have had a row's lease
    assert told(temporal, SendsReleased("ruth", stale, since)) == who
    assert release_here(db, since.isoformat(), "ruth") == 2


@pytest.mark.parametrize(("stale", "who"), [("skip", 2), ("retime", 5)])
async def test_a_press_has_all_hear_what_is_not_to_go_and_lifts_the_hold_then(
    everybody: list[str], lift: Lift, db: Database, temporal: Any, stale: Any, who: int
) -> None:
    placed_at = hold_back(db, *everybody[:2])
    await lift(placed_at, stale)
    assert told(temporal, SendsReleased("ruth", stale, datetime.fromisoformat(placed_at))) == who
    assert told(temporal) == 2
    with db.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is None
    await lift(placed_at, stale)
    assert told(temporal) == 2


async def test_the_hold_stays_where_some_cannot_hear_and_the_next_press_goes_on(
    everybody: list[str], lift: Lift, db: Database, temporal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed_at = hold_back(db, *everybody[:2])
    temporal.away = True
    with structlog.testing.capture_logs() as logs, monkeypatch.context() as patch:
        patch.setattr(module, "HEARD_WITHIN", timedelta(0))
        await lift(placed_at, "skip")
    assert [(line["event"], line["left"]) for line in logs if line["log_level"] == "warning"] == [("still_on_hold", 2)]
    with db.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is not None
        assert yet_to_hear(c, datetime.fromisoformat(placed_at)) == 2
    temporal.away = False
    await lift(placed_at, "skip")
    with db.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is None


async def test_a_press_on_an_older_page_lifts_and_tells_nothing(
    everybody: list[str], lift: Lift, db: Database, temporal: Any
) -> None:
    hold_back(db, *everybody)
    await lift("2026-03-02T09:00:00+00:00")
    assert told(temporal) == 0
    with db.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is not None


async def test_while_temporal_is_away_the_news_waits_in_the_inbox(
    everybody: list[str], lift: Lift, db: Database, temporal: Any
) -> None:
    placed_at = hold_back(db, everybody[0])
    temporal.away = True
    await lift(placed_at)
    assert told(temporal) == 0
    temporal.away = False
    await Deliverer(db, Connection(temporal.factory)).deliver(everybody[0])
    assert told(temporal) == 1


async def test_what_went_meanwhile_or_belongs_to_nobody_tells_nobody(
    everybody: list[str], lift: Lift, db: Database, temporal: Any
) -> None:
    placed_at = hold_back(db, everybody[0], "cus_forgotten")
    touch = f"{everybody[0]}/p/1/welcome/1/send/ada"
    with db.begin() as c:
        c.execute(text("UPDATE ledger SET state = 'withdrawn' WHERE touch = :touch"), {"touch": touch})
    await lift(placed_at)
    assert told(temporal) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_database_that_is_lost_meanwhile_ends_the_telling_with_a_word_in_the_log(
    everybody: list[str], lift: Lift, db: Database
) -> None:
    placed_at = hold_back(db, everybody[0])
    with db.begin() as c:
        c.execute(text("ALTER TABLE ledger RENAME TO mislaid"))
    with structlog.testing.capture_logs() as logs:
        await lift(placed_at)
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["release_cut_short"]
