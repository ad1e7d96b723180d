"""Whatever workers, providers and crashes do in whatever order: at most one touch is out, and the ledger finds it."""

from datetime import timedelta
from itertools import count
from typing import cast

from freezegun.api import FrozenDateTimeFactory
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from store import ledger
from store.database import Database, now
from store.ledger import Reservation

LEASE = timedelta(seconds=30)
_numbers = count()


class Sending(RuleBasedStateMachine):
    """One touch. `holder`: the attempt of the worker that may send now; `out`: how many the provider has taken."""

    def __init__(self, database: Database, clock: FrozenDateTimeFactory) -> None:
        super().__init__()
        self.database, self.clock = database, clock
        self.holder: int | None = None
        self.out = 0

    @initialize()
    def begin(self) -> None:
        self.touch = f"cus_1/p/{next(_numbers)}/s/1/send"

    def _state(self) -> str:
        with self.database.read() as c:
            found = ledger.standing(c, self.touch)
        return "" if found is None else found.state

    @rule()
    def a_worker_wants_to_send(self) -> None:
        found = ledger.reserve(self.database, self.touch, customer="cus_1", kind="email", lease_for=LEASE)
        if isinstance(found, Reservation):
            assert self.holder is None
            assert self.out == 0
            self.holder = found.attempt
        elif found.state == "unknown" or (found.lease_until is not None and found.lease_until <= now()):
            self._ask_the_provider(found.attempt)

    def _ask_the_provider(self, attempt: int) -> None:
        if self.out:
            assert ledger.confirm(self.database, self.touch, attempt, transport="slack", provider_ref="found")
        else:
            assert ledger.defer(self.database, self.touch, attempt, "the provider knows nothing of it")
        self.holder = None

    @precondition(lambda self: self.holder is not None)
    @rule()
    def it_is_taken_and_confirmed(self) -> None:
        assert self.holder is not None
        self.out += 1
        assert ledger.confirm(self.database, self.touch, self.holder, transport="slack")
        self.holder = None

    @precondition(lambda self: self.holder is not None)
    @rule()
    def it_is_taken_and_the_worker_dies(self) -> None:
        self.out += 1
        self.holder = None

    @precondition(lambda self: self.holder is not None)
    @rule()
    def it_is_taken_and_the_answer_is_lost(self) -> None:
        assert self.holder is not None
        self.out += 1
        assert ledger.unknown(self.database, self.touch, self.holder, "time-out")
        self.holder = None

    @precondition(lambda self: self.holder is not None)
    @rule()
    def the_worker_dies_before_it_sends(self) -> None:
        self.holder = None

    @precondition(lambda self: self.holder is not None)
    @rule()
    def the_provider_asks_for_patience(self) -> None:
        assert self.holder is not None
        taken = ledger.defer(self.database, self.touch, self.holder, "429")
        assert taken == (self._state() == "held")
        self.holder = None

    @precondition(lambda self: self.holder is not None)
    @rule()
    def it_is_taken_and_refused(self) -> None:
        """A proxy says no of what the provider has taken: the worker believes it."""
        assert self.holder is not None
        self.out += 1
        ledger.defer(self.database, self.touch, self.holder, "503")
        self.holder = None
        self.the_provider_reports()

    @rule()
    def the_provider_reports(self) -> None:
        if self.out:
            with self.database.read() as c:
                known_as = ledger.touch_hash(c, self.touch)
            ledger.arrived(self.database, known_as, "delivered")
            assert self._state() == "sent"

    @rule()
    def a_hold_is_noted(self) -> None:
        ledger.hold_back(self.database, self.touch, customer="cus_1", kind="email", reason="an incident")

    @rule()
    def a_person_says_how_it_is(self) -> None:
        if ledger.settle_unknown(self.database, self.touch, bool(self.out), "mara asked"):
            assert self._state() == ("sent" if self.out else "held")
            assert self.holder is None

    @rule()
    def nothing_more_is_to_be_sent(self) -> None:
        ledger.give_up(self.database, self.touch, "withdrawn", "exit")

    @rule()
    def the_lease_runs_out(self) -> None:
        # A worker that is still at it by then has been killed: its lease is longer than its provider's time-out.
        self.holder = None
        self.clock.tick(LEASE + timedelta(seconds=1))

    @invariant()
    def at_most_one_is_out(self) -> None:
        assert self.out <= 1

    @invariant()
    def what_the_ledger_calls_sent_is_out(self) -> None:
        if hasattr(self, "touch") and self._state() == "sent":
            assert self.out == 1

    def teardown(self) -> None:
        """Once somebody looks again, what is out is known."""
        if hasattr(self, "touch") and self.out:
            self.the_lease_runs_out()
            self.a_worker_wants_to_send()
            assert self._state() == "sent"


def test_no_order_of_events_sends_a_touch_twice_or_forgets_it(database: Database, clock: FrozenDateTimeFactory) -> None:
    # The type asked for is a class; what is called is any way to make a machine.
    machine = cast("type[RuleBasedStateMachine]", lambda: Sending(database, clock))
    checks = list(HealthCheck)  # a frozen clock and a database make them all guess wrong
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=200, stateful_step_count=12, deadline=None, derandomize=True, suppress_health_check=checks
        ),
    )
