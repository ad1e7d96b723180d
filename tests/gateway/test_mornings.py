"""What the gateway derives from events, at once and in the mornings, is what the simulator derives from the same."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlalchemy import select, update

from authoring.mornings import with_windows
from gateway import mornings
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles
from gateway.mornings import Mornings
from lifecycle.messages import Event, FactsReported, Happened
from lifecycle.playbook import Derived, EventSpec, FactSpec, Lifecycle, Manifest, digest_of
from store import customers, facts, inbox, releases
from store.database import Database
from store.result_tables import daily_sums

ZONE = "Europe/Berlin"
START = datetime.fromisoformat("2026-03-02T10:00+01:00")
Signup = Callable[..., dict[str, Any]]
LOGIN = "user.logged_in"


@dataclass
class Office:
    """A gateway whose catalogue derives facts. Acme signed up on `START`; time is what `at` says."""

    db: Database
    life: Lifecycle
    intake: Intake
    count: int = 0

    def tell(self, kind: str, at: datetime, event_id: str = "", stamp: datetime | None = None, **data: Any) -> None:
        self.count += 1
        with freeze_time(at):
            name = event_id or f"e{self.count}"
            self.intake.take(Inbound("api", kind, name, {"customer": "acme", **data}, stamp))

    def sweep(self, at: datetime) -> int:
        with freeze_time(at):
            return Mornings(self.db, Lifecycles()).sweep()

    def told(self) -> list[tuple[str, dict[str, Any]]]:
        """What the workflow hears besides the signup: kinds, and the facts that came with them."""
        with self.db.read() as c:
            found = customers.find(c, "acme")
            assert found is not None
            rows = inbox.undelivered(c, found.id)
        return [(row.event["kind"], row.event.get("facts", {})) for row in rows[1:]]

    def kept(self) -> dict[str, Any]:
        with self.db.read() as c:
            return {row.source: row for row in c.execute(select(daily_sums))}


@pytest.fixture
def office(db: Database, signup: Signup) -> Office:
    with db.begin() as c:
        manifest = releases.load(c, releases.current(c) or "")
        assert isinstance(manifest, Manifest)
        life = releases.load(c, manifest.lifecycle)
        assert isinstance(life, Lifecycle)
        derived = {
            "usage.actions": FactSpec("number", by_day=True),
            "usage.logins_7d": FactSpec("number", resolution=1, derived=Derived(LOGIN, "count", 7)),
            "usage.logins_change": FactSpec("number", resolution=0.01, derived=Derived(LOGIN, "change", 7, 7, 5)),
            "usage.change": FactSpec("number", resolution=0.01, derived=Derived("usage.actions", "change", 7, 7, 5)),
        }
        life = replace(life, facts={**life.facts, **derived}, events={**life.events, LOGIN: EventSpec()})
        new = Manifest(digest_of(life))
        releases.commit(c, digest_of(new), {digest_of(life): life, digest_of(new): new}, note="windows")
    made = Office(db, life, Intake(db, Lifecycles(), allow_rehearsal=True))
    with freeze_time(START):
        event = signup()
        made.intake.take(Inbound("api", event["type"], "signup", event["data"]))
    return made


def _at(day: int, hour: int) -> datetime:
    return START.replace(hour=hour) + timedelta(days=day)


def _mornings(office: Office, since: int, until: int) -> None:
    for day in range(since, until + 1):
        office.sweep(_at(day, 7))


def _simulated(office: Office, events: Iterable[tuple[datetime, Event]], until: datetime) -> list[tuple[str, Any]]:
    told = with_windows(events, office.life, ZONE, until)
    return [(event.kind, dict(event.facts)) for _, event in told if isinstance(event, Happened | FactsReported)]


def test_the_gateway_derives_what_the_simulator_derives(office: Office) -> None:
    """Over the change of the clock on 29 March: logins on ten days, then none."""
    events: list[tuple[datetime, Event]] = []
    for day in range(20, 30):
        office.sweep(_at(day, 7))
        office.tell(LOGIN, _at(day, 12))
        office.tell("facts.reported", _at(day, 19), facts={"usage.actions": 10 + day, "usage.dau_wau": 0.5})
        events.append((_at(day, 12), Happened(LOGIN)))
        events.append((_at(day, 19), FactsReported({"usage.actions": 10 + day, "usage.dau_wau": 0.5})))
    _mornings(office, 30, 60)
    simulated = _simulated(office, events, _at(60, 8))
    news, known = [], None
    for kind, found in simulated:  # of a report that is no news the workflow hears nothing, as `simulate.Run` has it
        fresh = {name: value for name, value in found.items() if name != "usage.dau_wau" or value != known}
        known = found.get("usage.dau_wau", known)
        if kind == "happened" or fresh:
            news.append((kind, fresh))
    assert office.told() == news
    assert any(found.get("usage.logins_change") == -1 for kind, found in news if kind == "facts_reported")
    assert all(row.look_at is None for row in office.kept().values())


def test_an_event_carries_what_it_moves(office: Office) -> None:
    office.tell(LOGIN, _at(1, 12))
    office.tell(LOGIN, _at(1, 13))
    assert office.told() == [("happened", {"usage.logins_7d": 1}), ("happened", {"usage.logins_7d": 2})]


def test_a_repeat_is_counted_once(office: Office) -> None:
    office.tell(LOGIN, _at(1, 12), "same")
    office.tell(LOGIN, _at(1, 13), "same")
    assert office.kept()[LOGIN].days == {"2026-03-03": 1}


def test_a_late_event_counts_for_its_own_day(office: Office) -> None:
    office.tell(LOGIN, _at(5, 12))
    office.tell(LOGIN, _at(5, 13), stamp=_at(2, 23))
    office.tell(LOGIN, _at(5, 14), stamp=_at(9, 9))
    office.tell(LOGIN, _at(5, 14), stamp=datetime.fromisoformat("0001-01-01T00:00+14:00"))
    assert list(office.kept()[LOGIN].days.items())[1:] == [("2026-03-04", 1), ("2026-03-07", 2)]


def test_what_is_only_kept_by_the_day_is_not_told(office: Office) -> None:
    office.tell("facts.reported", _at(1, 12), facts={"usage.actions": 5})
    assert office.told() == []
    assert office.kept()["usage.actions"].days == {"2026-03-03": 5}


def test_a_morning_without_news_tells_nothing_and_is_seen_to_once(office: Office) -> None:
    office.tell(LOGIN, _at(1, 12))
    before = office.told()
    assert [office.sweep(_at(1, 23)), office.sweep(_at(2, 7)), office.sweep(_at(2, 8))] == [0, 1, 0]
    assert office.told() == before


def test_a_batch_is_full_by_its_windows_so_that_the_next_one_follows_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.tell(LOGIN, _at(1, 12))
    office.tell("facts.reported", _at(1, 13), facts={"usage.actions": 5})
    monkeypatch.setattr(mornings, "LIMIT", 2)
    assert [office.sweep(_at(2, 7)), office.sweep(_at(2, 7))] == [2, 0]


def test_a_customer_who_cannot_be_judged_does_not_keep_the_others_waiting(
    office: Office, signup: Signup, db: Database
) -> None:
    office.tell(LOGIN, _at(1, 12))
    with freeze_time(_at(1, 9)):
        event = signup("second", id="globex", name="Globex")
        office.intake.take(Inbound("api", event["type"], "second", event["data"]))
        office.intake.take(Inbound("api", LOGIN, "in", {"customer": "globex"}))
    with db.begin() as c:
        globex = customers.find(c, "globex")
        assert globex
        of_globex = daily_sums.c.customer == globex.id
        c.execute(update(daily_sums).where(of_globex).values(days={"no day": 1}, look_at=_at(1, 10)))
    with pytest.raises(ValueError, match="isoformat"):
        office.sweep(_at(2, 7))
    with db.read() as c:
        waiting = set(c.execute(select(daily_sums.c.customer).where(daily_sums.c.look_at < _at(2, 8))).scalars())
    assert waiting == {globex.id}


def test_the_count_falls_with_the_days(office: Office) -> None:
    office.tell(LOGIN, _at(1, 12))
    _mornings(office, 2, 9)
    assert office.told() == [("happened", {"usage.logins_7d": 1}), ("facts_reported", {"usage.logins_7d": 0})]


def test_what_there_is_too_little_for_is_told_as_unknown(office: Office, db: Database) -> None:
    for day in range(1, 7):
        office.tell(LOGIN, _at(day, 12))
    _mornings(office, 7, 25)
    changes = [found["usage.logins_change"] for _, found in office.told() if "usage.logins_change" in found]
    assert changes[-1] is None
    with db.read() as c:
        acme = customers.find(c, "acme")
        assert acme
        assert "usage.logins_change" not in facts.last(c, acme.id)


def test_the_days_of_a_merged_customer_are_the_survivors(office: Office, signup: Signup) -> None:
    with freeze_time(_at(1, 9)):
        event = signup("second", id="globex", name="Globex")
        office.intake.take(Inbound("api", event["type"], "second", event["data"]))
        for number, customer in enumerate(("globex", "globex", "acme")):
            office.intake.take(Inbound("api", LOGIN, f"in{number}", {"customer": customer}))
        office.intake.take(Inbound("api", "customer.merged", "one", {"customer": "globex", "into": "acme"}))
        office.intake.take(Inbound("api", LOGIN, "late", {"customer": "globex"}))
    assert office.kept()[LOGIN].days == {"2026-03-03": 4}
    assert office.told()[-1] == ("happened", {"usage.logins_7d": 4})


def test_a_rehearsal_counts_by_its_own_days(office: Office, signup: Signup) -> None:
    with freeze_time(_at(1, 9)):
        event = signup("quick", id="quick")
        event["data"]["rehearsal"] = {"day_seconds": 10}
        office.intake.take(Inbound("api", event["type"], "quick", event["data"]))
        office.intake.take(Inbound("api", LOGIN, "in1", {"customer": "quick"}, _at(0, 9)))
    assert len(office.kept()[LOGIN].days) == 1
    assert office.sweep(_at(1, 9) + timedelta(seconds=11)) == 1


def test_nothing_is_looked_at_before_playbooks_are_applied(database: Database) -> None:
    assert Mornings(database, Lifecycles()).sweep() == 0


@pytest.mark.anyio
async def test_the_loop_outlives_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, office: Office) -> None:
    rounds: list[str] = []
    done = asyncio.Event()

    def broken(_self: Mornings) -> int:
        rounds.append("tried")
        if len(rounds) == 1:
            raise RuntimeError("away")
        if len(rounds) > 2:
            done.set()
        return mornings.LIMIT

    monkeypatch.setattr(mornings, "EVERY", 0.001)
    monkeypatch.setattr(Mornings, "sweep", broken)
    loop = asyncio.create_task(Mornings(office.db, Lifecycles()).run())
    await asyncio.wait_for(done.wait(), 60)
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)
    assert len(rounds) > 2
