"""Events are stored once, numbered without gaps and delivered by one deliverer at a time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from freezegun.api import FrozenDateTimeFactory

from lifecycle.jsonform import decode_union, encode
from lifecycle.messages import Churned, Event, Happened
from lifecycle.model import Clock, Profile
from store import customers, inbox
from store.customers import Customer
from store.database import Database, now
from store.inbox import Accepted, Row

EVENT = Happened("api.connected", {"setup.api_connected": True})
MINUTE = timedelta(minutes=1)


def _accept(database: Database, customer: str, event_id: str, digest: str = "d") -> tuple[Accepted, Row]:
    with database.begin() as c:
        return inbox.accept(c, customer, "api", event_id, EVENT, body_digest=digest)


def _other(database: Database, outer_id: str) -> str:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    with database.begin() as c:
        profile, clock = Profile("UTC", date(2026, 3, 2)), Clock(at, at)
        made, _ = customers.create(c, outer_id=outer_id, name="X", profile=profile, clock=clock, contacts=[], team={})
    return made.id


def test_an_accepted_event_comes_back_as_it_was(database: Database, customer: Customer) -> None:
    accepted, row = _accept(database, customer.id, "e1")
    assert accepted is Accepted.NEW
    assert (row.customer, row.seq, row.source, row.event_id) == (customer.id, 1, "api", "e1")
    assert decode_union(Event, row.event) == EVENT
    assert row.event == encode(EVENT)
    with database.read() as c:
        assert inbox.undelivered(c, customer.id) == [row]
        assert customers.get(c, customer.id).seq == 1


def test_a_repeated_event_gets_no_second_number(database: Database, customer: Customer) -> None:
    _, first = _accept(database, customer.id, "e1")
    assert _accept(database, customer.id, "e1") == (Accepted.REPEATED, first)
    assert _accept(database, customer.id, "e1", "other") == (Accepted.CONFLICT, first)
    assert _accept(database, customer.id, "e2")[1].seq == 2


def _accept_and_fail(database: Database, customer: str) -> None:
    with database.begin() as c:
        inbox.accept(c, customer, "api", "lost", EVENT, body_digest="d")
        customers.get(c, "nobody")


def test_a_transaction_that_fails_gives_its_number_back(database: Database, customer: Customer) -> None:
    with pytest.raises(LookupError):
        _accept_and_fail(database, customer.id)
    assert _accept(database, customer.id, "e1")[1].seq == 1


def test_parallel_events_are_numbered_without_gaps_and_each_once(database: Database, customer: Customer) -> None:
    def send(n: int) -> Accepted:
        return _accept(database, customer.id, f"e{n % 40}")[0]

    with ThreadPoolExecutor(8) as pool:
        accepted = list(pool.map(send, range(120)))
    assert accepted.count(Accepted.NEW) == 40
    assert accepted.count(Accepted.REPEATED) == 80
    with database.read() as c:
        rows = inbox.undelivered(c, customer.id, limit=100)
        assert customers.get(c, customer.id).seq == 40
    assert [row.seq for row in rows] == list(range(1, 41))
    assert len({row.event_id for row in rows}) == 40


def test_one_id_raced_to_two_customers_is_accepted_once(database: Database, customer: Customer) -> None:
    other = _other(database, "other")

    def send(n: int) -> Accepted:
        return _accept(database, (customer.id, other)[n % 2], f"e{n // 2}")[0]

    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(send, range(40)))
    assert accepted.count(Accepted.NEW) == 20
    for name in (customer.id, other):
        with database.read() as c:
            seqs = [row.seq for row in inbox.undelivered(c, name)]
            assert seqs == list(range(1, customers.get(c, name).seq + 1))


def test_a_delivered_row_is_done_and_keeps_its_reply(database: Database, customer: Customer) -> None:
    _accept(database, customer.id, "e1")
    _accept(database, customer.id, "e2")
    with database.begin() as c:
        assert inbox.reply_to(c, "api", "e1") is None
        assert inbox.delivered(c, customer.id, 1, {"result": "done", "text": "Thanks."})
        assert not inbox.delivered(c, customer.id, 1, None)
        assert inbox.reply_to(c, "api", "e1") == {"result": "done", "text": "Thanks."}
        assert inbox.reply_to(c, "api", "unknown") is None
        assert [row.seq for row in inbox.undelivered(c, customer.id)] == [2]


def test_one_customer_is_leased_to_one_deliverer_and_another_to_another(database: Database, customer: Customer) -> None:
    other = _other(database, "other")
    assert inbox.lease(database, by="a", for_=MINUTE) == []
    _accept(database, customer.id, "e1")
    _accept(database, other, "e2")
    assert inbox.lease(database, by="a", for_=MINUTE) == [customer.id]
    assert inbox.lease(database, by="b", for_=MINUTE, limit=5) == [other]
    assert inbox.lease(database, by="c", for_=MINUTE, limit=5) == []
    with database.begin() as c:
        assert not inbox.lease_one(c, other, by="c", for_=MINUTE)
        assert inbox.release(c, customer.id, "a")
        assert inbox.lease_one(c, customer.id, by="c", for_=MINUTE)


def test_racing_deliverers_share_no_customer(database: Database, customer: Customer) -> None:
    names = [customer.id, *(_other(database, f"o{n}") for n in range(9))]
    for n, name in enumerate(names):
        _accept(database, name, f"e{n}")

    def take(n: int) -> list[str]:
        return inbox.lease(database, by=f"w{n}", for_=MINUTE, limit=3)

    with ThreadPoolExecutor(8) as pool:
        taken = [name for names in pool.map(take, range(8)) for name in names]
    assert len(taken) == len(set(taken))
    taken += inbox.lease(database, by="last", for_=MINUTE, limit=10)
    assert sorted(taken) == sorted(names)


def test_a_lease_that_expired_may_be_taken_and_not_released_by_its_old_holder(
    database: Database, customer: Customer, clock: FrozenDateTimeFactory
) -> None:
    _accept(database, customer.id, "e1")
    assert inbox.lease(database, by="a", for_=MINUTE) == [customer.id]
    clock.tick(timedelta(seconds=59))
    assert inbox.lease(database, by="b", for_=MINUTE) == []
    clock.tick(timedelta(seconds=1))
    assert inbox.lease(database, by="b", for_=MINUTE) == [customer.id]
    with database.begin() as c:
        assert not inbox.release(c, customer.id, "a")
    assert inbox.lease(database, by="a", for_=MINUTE) == []


def test_after_failures_a_customer_rests_longer_and_longer_up_to_a_minute(
    database: Database, customer: Customer, clock: FrozenDateTimeFactory
) -> None:
    _accept(database, customer.id, "e1")
    rests = []
    for _ in range(9):
        with database.begin() as c:
            rests.append((inbox.failed(c, customer.id, 1, "no connection") - now()).total_seconds())
        assert inbox.lease(database, by="a", for_=MINUTE) == []
    assert rests == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    clock.tick(timedelta(seconds=60))
    assert inbox.lease(database, by="a", for_=MINUTE) == [customer.id]
    with database.begin() as c:
        assert inbox.undelivered(c, customer.id)[0].attempts == 9
        inbox.delivered(c, customer.id, 1, None)
        assert (inbox.failed(c, customer.id, 1, "again") - now()).total_seconds() == 1


def test_a_customer_that_rests_is_delivered_when_a_person_waits(database: Database, customer: Customer) -> None:
    _accept(database, customer.id, "e1")
    with database.begin() as c:
        inbox.failed(c, customer.id, 1, "no connection")
        assert inbox.lease_one(c, customer.id, by="a", for_=MINUTE)


def test_an_event_before_its_signup_waits_for_it(database: Database) -> None:
    with database.begin() as c:
        assert inbox.park(c, "acme", "api", "e1", {"type": "x", "n": 1.5}) is Accepted.NEW
        assert inbox.park(c, "acme", "api", "e1", {"n": 1.5, "type": "x"}) is Accepted.REPEATED
        assert inbox.park(c, "acme", "api", "e1", {"type": "y"}) is Accepted.CONFLICT
        inbox.park(c, "acme", "api", "e2", {"type": "z"})
        inbox.park(c, "zeta", "api", "e3", {"type": "z"})
        assert [event.event_id for event in inbox.parked(c)] == ["e1", "e2", "e3"]
        assert [event.event_id for event in inbox.parked(c, "acme")] == ["e1", "e2"]
        assert [event.event_id for event in inbox.parked(c, limit=2)] == ["e1", "e2"]
        first, _ = inbox.unpark(c, "acme")
        assert (first.source, first.event_id, first.raw) == ("api", "e1", {"type": "x", "n": 1.5})
        assert inbox.unpark(c, "acme") == []
        assert len(inbox.parked(c)) == 1


def test_what_was_refused_is_kept_as_it_came(database: Database) -> None:
    hostile = {"type": "x\0", "n": float("nan"), "bad": "\ud800"}
    with database.begin() as c:
        inbox.refuse(c, "api", "e\0", "{broken", "broken JSON")
        inbox.refuse(c, "api", "e2", hostile, "unknown type x\0")
    with database.read() as c:
        second, first = inbox.refused(c, 10)
        assert inbox.refused(c, 1) == [second]
    assert (first.raw, first.problem, first.event_id) == ("{broken", "broken JSON", "e")
    assert second.raw == {"type": "x\0", "n": "NaN", "bad": "\ud800"}


def test_parked_and_refused_events_are_purged_after_30_days(database: Database, clock: FrozenDateTimeFactory) -> None:
    with database.begin() as c:
        inbox.park(c, "acme", "api", "e1", {})
        inbox.refuse(c, "api", "e2", "", "empty")
    clock.tick(timedelta(seconds=30 * 86_400))
    with database.begin() as c:
        assert inbox.purge(c) == 0
    clock.tick(timedelta(seconds=1))
    with database.begin() as c:
        assert inbox.purge(c) == 2
        assert (inbox.parked(c), inbox.refused(c)) == ([], [])


def test_the_core_value_survives_the_inbox(database: Database, customer: Customer) -> None:
    with database.begin() as c:
        inbox.accept(c, customer.id, "api", "e1", Churned("price"), body_digest="d")
        (row,) = inbox.undelivered(c, customer.id)
    assert decode_union(Event, row.event) == Churned("price")
