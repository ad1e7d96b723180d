"""No touch is sent twice, none is lost in silence, and what is out is known to be out."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Literal

import pytest
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import Connection, event

from store import customers, ledger, pages
from store.database import Database, now
from store.ledger import Reservation, Standing

TOUCH = "cus_1/onboarding/1/welcome/1/send/con_1"
LEASE = timedelta(seconds=60)


def _reserve(database: Database, touch: str = TOUCH) -> Reservation | Standing:
    return ledger.reserve(database, touch, customer="cus_1", kind="email", lease_for=LEASE)


def _standing(database: Database, touch: str = TOUCH) -> Standing:
    with database.read() as c:
        found = ledger.standing(c, touch)
    assert found is not None
    return found


def _state(database: Database) -> str:
    return _standing(database).state


def test_a_touch_is_reserved_sent_and_confirmed(database: Database, clock: FrozenDateTimeFactory) -> None:
    assert _reserve(database) == Reservation(TOUCH, 1)
    reserved = _standing(database)
    assert (reserved.state, reserved.lease_until, reserved.sent_at) == ("reserved", now() + LEASE, None)
    clock.tick(timedelta(seconds=3))
    assert ledger.confirm(database, TOUCH, 1, transport="sendgrid", provider_ref="msg-1")
    expected = Standing(TOUCH, "sent", 1, None, "", "msg-1", "sendgrid", now(), now())
    assert _standing(database) == expected
    assert _reserve(database) == expected


def test_while_it_is_reserved_a_second_worker_is_told_until_when(database: Database) -> None:
    _reserve(database)
    second = _reserve(database)
    assert isinstance(second, Standing)
    assert second.state == "reserved"
    assert second.lease_until is not None
    assert second.lease_until > now()


def test_of_many_workers_on_one_touch_one_may_send(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: _reserve(database), range(24)))
    assert [one for one in found if isinstance(one, Reservation)] == [Reservation(TOUCH, 1)]


def test_of_many_workers_on_a_deferred_touch_one_may_try_again(database: Database) -> None:
    _reserve(database)
    ledger.defer(database, TOUCH, 1, "429")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: _reserve(database), range(24)))
    assert [one for one in found if isinstance(one, Reservation)] == [Reservation(TOUCH, 2)]


def test_an_expired_reservation_is_asked_about_and_not_given_away(
    database: Database, clock: FrozenDateTimeFactory
) -> None:
    _reserve(database)
    clock.tick(LEASE + timedelta(seconds=1))
    found = _reserve(database)
    assert isinstance(found, Standing)
    assert (found.state, found.attempt) == ("reserved", 1)
    assert found.lease_until is not None
    assert found.lease_until < now()


def test_a_confirmation_counts_after_the_lease_has_ended(database: Database, clock: FrozenDateTimeFactory) -> None:
    _reserve(database)
    clock.tick(LEASE * 2)
    assert ledger.confirm(database, TOUCH, 1, transport="slack")
    assert _state(database) == "sent"


def test_a_confirmation_after_another_attempt_began_is_not_taken(database: Database) -> None:
    _reserve(database)
    ledger.defer(database, TOUCH, 1, "the provider knows nothing of it")
    assert _reserve(database) == Reservation(TOUCH, 2)
    assert not ledger.confirm(database, TOUCH, 1, transport="slack")
    assert (_state(database), _standing(database).attempt) == ("reserved", 2)
    assert not ledger.defer(database, TOUCH, 1, "late")
    assert not ledger.fail(database, TOUCH, 1, "late")
    assert not ledger.unknown(database, TOUCH, 1, "late")
    assert ledger.confirm(database, TOUCH, 2, transport="slack")


def test_a_confirmation_that_comes_before_the_next_attempt_prevents_it(database: Database) -> None:
    _reserve(database)
    ledger.defer(database, TOUCH, 1, "the provider knew nothing of it yet")
    assert ledger.confirm(database, TOUCH, 1, transport="slack", provider_ref="late")
    found = _reserve(database)
    assert isinstance(found, Standing)
    assert found.state == "sent"


def test_a_repeated_confirmation_is_true_and_changes_nothing(database: Database) -> None:
    _reserve(database)
    assert ledger.confirm(database, TOUCH, 1, transport="slack", provider_ref="a")
    assert ledger.confirm(database, TOUCH, 1, transport="slack", provider_ref="b")
    assert _standing(database).provider_ref == "a"


def test_what_was_never_reserved_cannot_be_confirmed(database: Database) -> None:
    assert not ledger.confirm(database, TOUCH, 1, transport="slack")
    with database.read() as c:
        assert ledger.standing(c, TOUCH) is None


def test_a_refusal_for_good_is_final(database: Database) -> None:
    _reserve(database)
    assert ledger.fail(database, TOUCH, 1, "no such address")
    found = _reserve(database)
    assert isinstance(found, Standing)
    assert (found.state, found.reason) == ("failed", "no such address")
    assert not ledger.confirm(database, TOUCH, 1, transport="slack")


def test_an_unknown_outcome_is_never_sent_again_before_it_is_known(database: Database) -> None:
    _reserve(database)
    assert ledger.unknown(database, TOUCH, 1, "the answer was lost")
    found = _reserve(database)
    assert isinstance(found, Standing)
    assert (found.state, found.reason, found.lease_until) == ("unknown", "the answer was lost", None)


def test_an_unknown_outcome_is_confirmed_when_the_provider_knows_it(database: Database) -> None:
    _reserve(database)
    ledger.unknown(database, TOUCH, 1, "the answer was lost")
    assert ledger.confirm(database, TOUCH, 1, transport="slack", provider_ref="found")
    assert _state(database) == "sent"


def test_an_unknown_outcome_may_be_tried_again_when_the_provider_knows_nothing(database: Database) -> None:
    _reserve(database)
    ledger.unknown(database, TOUCH, 1, "the answer was lost")
    assert ledger.defer(database, TOUCH, 1, "Slack has no such message")
    assert _reserve(database) == Reservation(TOUCH, 2)


@pytest.mark.parametrize(("sent", "state"), [(True, "sent"), (False, "held")])
def test_a_person_or_the_providers_event_settles_an_unknown_outcome(
    database: Database, *, sent: bool, state: str
) -> None:
    _reserve(database)
    assert not ledger.settle_unknown(database, TOUCH, sent=False, reason="too early")
    ledger.unknown(database, TOUCH, 1, "the answer was lost")
    with database.read() as c:
        assert [one.touch for one in ledger.in_doubt(c)] == [TOUCH]
    assert ledger.settle_unknown(database, TOUCH, sent, "mara looked")
    assert not ledger.settle_unknown(database, TOUCH, sent, "again")
    settled = _standing(database)
    assert (settled.state, settled.reason, settled.sent_at is not None) == (state, "mara looked", sent)
    with database.read() as c:
        assert ledger.in_doubt(c) == ()


@pytest.mark.parametrize("state", ["failed", "withdrawn"])
def test_a_touch_given_up_before_it_went_is_settled(database: Database, state: Literal["failed", "withdrawn"]) -> None:
    _reserve(database)
    ledger.defer(database, TOUCH, 1, "429")
    ledger.give_up(database, TOUCH, state, "the meeting was cancelled")
    found = _reserve(database)
    assert isinstance(found, Standing)
    assert (found.state, found.reason) == (state, "the meeting was cancelled")


def test_giving_up_what_is_being_sent_or_is_out_changes_nothing(database: Database) -> None:
    _reserve(database)
    ledger.give_up(database, TOUCH, "withdrawn", "exit")
    assert _state(database) == "reserved"
    assert ledger.confirm(database, TOUCH, 1, transport="slack")
    ledger.give_up(database, TOUCH, "withdrawn", "exit")
    assert _state(database) == "sent"


def test_a_touch_given_up_that_a_killed_worker_had_begun_is_in_doubt(
    database: Database, clock: FrozenDateTimeFactory
) -> None:
    _reserve(database)
    clock.tick(LEASE)
    ledger.give_up(database, TOUCH, "failed", "nobody has the role")
    found = _standing(database)
    assert (found.state, found.reason) == ("unknown", f"{ledger.UNHEARD}; nobody has the role")
    assert ledger.confirm(database, TOUCH, 1, transport="slack")


def test_a_send_whose_worker_was_not_heard_of_for_an_hour_is_in_doubt(
    database: Database, clock: FrozenDateTimeFactory
) -> None:
    _reserve(database)
    clock.tick(LEASE + timedelta(minutes=59))
    with database.read() as c:
        assert ledger.in_doubt(c) == ()
    clock.tick(timedelta(minutes=1))
    with database.read() as c:
        assert [(one.touch, one.reason) for one in ledger.in_doubt(c)] == [(TOUCH, ledger.UNHEARD)]
        assert pages.counts(c).unknown == 1
    assert ledger.settle_unknown(database, TOUCH, sent=False, reason="mara looked")
    assert _reserve(database) == Reservation(TOUCH, 2)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_in_doubt_is_found_without_reading_all_that_was_sent(database: Database) -> None:
    plans: list[str] = []

    def explain(c: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        cursor = c.connection.cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.extend(row[3] for row in cursor.fetchall() if " ledger" in row[3])

    with database.read() as c:
        event.listen(c, "before_cursor_execute", explain)
        ledger.in_doubt(c)
        pages.counts(c)
    assert plans == ["SCAN ledger USING INDEX ix_ledger_open"] * 2


def test_what_the_provider_says_arrived_counts_while_it_is_being_sent(database: Database) -> None:
    _reserve(database)
    with database.read() as c:
        known_as = ledger.touch_hash(c, TOUCH)
    assert not ledger.settle_unknown(database, TOUCH, sent=True, reason="mara pressed too early")
    assert ledger.arrived(database, known_as, "SendGrid says delivered")
    assert not ledger.arrived(database, known_as, "SendGrid says it again")
    assert ledger.confirm(database, TOUCH, 1, transport="sendgrid")
    assert _state(database) == "sent"


def test_a_hold_on_everything_is_read_at_reservation(database: Database) -> None:
    with database.begin() as c:
        customers.place_hold(c, customers.EVERYTHING, "mara", "wrong prices")
    held = _reserve(database)
    assert isinstance(held, Standing)
    assert (held.state, held.attempt, held.reason) == ("held", 0, "everything is on hold: wrong prices")
    with database.begin() as c:
        customers.lift_hold(c, customers.EVERYTHING)
    assert _reserve(database) == Reservation(TOUCH, 1)


def test_a_hold_on_everything_comes_before_the_customers_own(database: Database) -> None:
    def held(scope: str) -> str:
        hold = ledger.hold_on(c, scope)
        return hold.reason if hold else ""

    with database.begin() as c:
        assert held("cus_1") == ""
        customers.place_hold(c, "cus_1", "mara", "dispute")
        assert held("cus_1") == "on hold: dispute"
        assert held("cus_other") == held(customers.EVERYTHING) == ""
        customers.place_hold(c, customers.EVERYTHING, "mara", "incident")
        customers.place_hold(c, customers.EVERYTHING, "mara", "incident 7")
        assert held("cus_1") == held("cus_other") == "everything is on hold: incident 7"
        ledger.set_reconciling(c, on=True)
        assert "reconciled" in held("cus_1")
        ledger.set_reconciling(c, on=False)
        assert customers.lift_hold(c, customers.EVERYTHING)
        assert not customers.lift_hold(c, customers.EVERYTHING)
        assert held("cus_1") == "on hold: dispute"


def test_a_hold_on_a_playbook_keeps_back_that_playbook_of_that_customer(database: Database) -> None:
    with database.begin() as c:
        customers.place_hold(c, customers.scope_of("cus_1", "tips"), "mara", "wrong prices")
        hold = ledger.hold_on(c, "cus_1", "tips")
        assert hold is not None
        assert hold.reason == "tips is on hold: wrong prices"
        assert ledger.hold_on(c, "cus_1", "onboarding") is None
        assert ledger.hold_on(c, "cus_2", "tips") is None
        assert ledger.hold_on(c, "cus_1") is None
        customers.place_hold(c, customers.scope_of("cus_1"), "mara", "dispute")
        before = ledger.hold_on(c, "cus_1", "tips")
        assert before is not None
        assert before.reason == "on hold: dispute"


def test_after_a_restore_nothing_is_sent_before_the_ledger_is_reconciled(database: Database) -> None:
    with database.begin() as c:
        ledger.set_reconciling(c, on=True)
        ledger.set_reconciling(c, on=True)
        assert ledger.reconciling(c)
    held = _reserve(database)
    assert isinstance(held, Standing)
    assert held.state == "held"
    with database.begin() as c:
        ledger.set_reconciling(c, on=False)
        assert not ledger.reconciling(c)
    assert _reserve(database) == Reservation(TOUCH, 1)


def test_providers_see_a_keyed_hash_that_leads_back(database: Database) -> None:
    _reserve(database)
    with database.read() as c:
        seen = ledger.touch_hash(c, TOUCH)
        assert len(seen) == 32
        assert int(seen, 16)
        assert ledger.touch_hash(c, TOUCH) == seen != ledger.touch_hash(c, TOUCH + "x")
        assert ledger.by_hash(c, seen) == ledger.standing(c, TOUCH)
        assert ledger.by_hash(c, "0" * 32) is None


def test_a_bucket_gives_its_burst_and_then_its_rate(database: Database, clock: FrozenDateTimeFactory) -> None:
    def take() -> float:
        return ledger.take_token(database, "sendgrid", per_second=2, burst=3)

    assert [take() for _ in range(5)] == [0, 0, 0, 0.5, 0.5]
    clock.tick(timedelta(milliseconds=250))
    assert take() == pytest.approx(0.25, abs=0.001)
    clock.tick(timedelta(milliseconds=251))
    assert take() == 0
    assert take() > 0
    clock.tick(timedelta(hours=1))
    assert [take() == 0 for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_went_back_takes_no_tokens_away(database: Database, clock: FrozenDateTimeFactory) -> None:
    def take() -> float:
        return ledger.take_token(database, "slack", per_second=1, burst=2)

    take()
    clock.tick(timedelta(seconds=-100))
    assert take() == 0
    assert take() == 1


@pytest.mark.usefixtures("clock")
def test_parallel_workers_take_no_more_than_the_burst(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        waits = list(
            pool.map(lambda _: ledger.take_token(database, "sendgrid", per_second=1, burst=10), range(40)),
        )
    assert waits.count(0) == 10
