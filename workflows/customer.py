"""One durable workflow per customer: an inbox, one movable timer, `step`, and one batch of commands at a time.

It decides nothing. It tells the core what time it is and what happened, hands the core's commands to the activity
`perform`, and begins a new run before its history gets
long. Order matters: instants that are owed come before the inbox, so that a tie goes to the timer. All handlers are
synchronous: they take
the message, run the core and return, so no handler is ever unfinished when a run ends.
"""

import asyncio
import hashlib
from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, SearchAttributeUpdate

from lifecycle import calendar, effects, touches, trace
from lifecycle.commands import Command
from lifecycle.engine import FLUSH_AFTER, begin, next_due, step, upcoming
from lifecycle.jsonform import canonical, decode, decode_union, encode, instant_text
from lifecycle.messages import BatchSettled, DueReached, Effect, Event, Outcome, Reply, SignedUp
from lifecycle.model import LATEST, Clock, State, state_from_json, state_to_json
from workflows import interface
from workflows.interface import Batch, BatchResult, Delivery, EffectResult, PlayInfo, Start
from workflows.releases import Loaded

EVENTS_LIMIT = 120
BYTES_LIMIT = 12 * 1024
RECORDS_LIMIT = 50
RECORDS_BYTES = 4 * 1024
BATCH_LIMIT = 20
RENEW_AFTER = timedelta(days=30)
TICK = timedelta(milliseconds=1)
PATIENCE = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(minutes=1))


@workflow.defn(name=interface.WORKFLOW)
class CustomerLifecycle:
    """The customer's whole story, one run after another."""

    @workflow.init
    def __init__(self, start: Start) -> None:
        self._customer = start["customer"]
        self._start = start
        self._clock = decode(Clock, start["clock"])
        self._known: State | None = state_from_json(start["state"]) if start["state"] else None
        self._inbox: deque[Delivery] = deque(start["first"])
        self._releases = Loaded()
        self._outgoing: list[Command] = [decode_union(Command, item) for item in start["outgoing"]]
        self._batch: asyncio.Task[BatchResult] | None = None
        self._issued: tuple[Command, ...] = ()
        self._stored = 0
        self._timer: asyncio.Task[None] | None = None
        self._armed: datetime | None = None
        self._log = start["log"]
        self._play_ended = False
        self._answered = False
        share = calendar.spread(self._customer, "renewal of the run", 24 * 60)
        self._renew_at = workflow.now() + RENEW_AFTER + share
        self._brought = workflow.info().get_current_history_size()

    @workflow.run
    async def run(self, start: Start) -> None:  # noqa: ARG002 - taken apart in __init__, so that handlers find a state
        while True:
            self._answered = False
            self._drain()
            self._dispatch()
            self._publish()
            if self._may_renew():
                workflow.continue_as_new(self._next_start())
            self._arm()
            await workflow.wait_condition(self._woken)
            self._collect()

    # --- messages ---------------------------------------------------------------------------------------------------

    @workflow.signal(name=interface.EVENT)
    def event(self, delivery: Delivery) -> None:
        """Something happened. Told at least once, in order; what was told before is dropped by its number."""
        self._inbox.append(delivery)

    @workflow.update(name=interface.ANSWER)
    def answer(self, delivery: Delivery) -> dict[str, Any]:
        """A person answered. Taken at once, so that the reply is the outcome; the loop goes round once for what follows
        from it without a command: an earlier due, a decision to store, another stage.
        """
        self._answered = True
        self._drain()
        reply = self._take(delivery)
        return dict(encode(reply or Reply("done", "Taken.")))

    @answer.validator
    def _check(self, delivery: Delivery) -> None:
        """Shape and size only: whether an answer counts is a result, and releases are never touched here."""
        if not isinstance(delivery.get("seq"), int) or len(str(delivery)) > 8192:  # noqa: PLR2004 - 8 KiB is 20 times a real one
            raise ValueError("an answer is {seq, event} of at most 8 KiB")
        decode_union(Event, delivery.get("event"))

    @workflow.query(name=interface.STATE)
    def state(self) -> dict[str, Any]:
        """The state as of the last task; times in it, never ages."""
        return state_to_json(self._state)

    @workflow.query(name=interface.OVERVIEW)
    def overview(self) -> dict[str, Any]:
        """Stage, band and what is owed next, as in a batch's summary, with the running plays."""
        return {**self._summary(), "plays": [play.key for play in self._state.plays]}

    @workflow.query(name=interface.UPCOMING)
    def upcoming(self) -> list[trace.Public]:
        """What is next and what it waits for, soonest first."""
        zone = self._state.profile.zone
        return [
            trace.public(item, customer=self._customer, zone=zone, place=trace.place(self._releases, item))
            for item in upcoming(self._releases, self._state)
        ]

    # --- the core ---------------------------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        if self._known is None:
            raise RuntimeError("the customer has not signed up; the first delivery must be its signup")
        return self._known

    def _now(self) -> datetime:
        """The customer's time."""
        return self._clock.virtual(workflow.now())

    def _drain(self) -> None:
        """Bring the state up to now: first what is owed, then what was told."""
        if self._known is not None:
            self._reach()
        while self._inbox:
            self._take(self._inbox.popleft())

    def _reach(self) -> None:
        now = self._now()
        while (due := next_due(self._releases, self._state)) is not None and due <= now:
            late_for = self._clock.real_length(now - due)
            self._step(DueReached(late_for, now), due)

    def _take(self, delivery: Delivery) -> Reply | None:
        event: Event = decode_union(Event, delivery["event"])
        now = self._now()
        if self._known is None:
            if not isinstance(event, SignedUp):
                raise RuntimeError("the first delivery must be the signup")
            spread = self._start["spread"]
            self._known = begin(self._customer, self._start["catalogue"], event, now=now, spread=spread)
        self._reach()
        if delivery["seq"] <= self._state.seq:
            return step(self._releases, self._state, event, now=now).reply
        reply = self._step(event, now).reply
        self._known = replace(self._state, seq=delivery["seq"])
        return reply

    def _step(self, event: Event, now: datetime, issued: tuple[Command, ...] = ()) -> Outcome:
        running = {play.key for play in self._state.plays}
        outcome = step(self._releases, self._state, event, now=now, issued=issued)
        self._known = outcome.state
        self._outgoing.extend(outcome.commands)
        self._play_ended |= not running <= {play.key for play in outcome.state.plays}
        if outcome.decisions:
            text = self._log + canonical([encode(item) for item in outcome.decisions])
            self._log = hashlib.sha256(text.encode()).hexdigest()[:16]
        self._withdraw(now)
        return outcome

    def _withdraw(self, now: datetime) -> None:
        """Take back what waits for the batch that is out and belongs to a play that was left meanwhile."""
        gone = effects.left_behind(self._state, self._outgoing)
        if gone:
            self._outgoing = [command for command in self._outgoing if command not in gone]
            settled = (Effect(command.touch, "withdrawn", "its play was left before it went") for command in gone)
            self._step(BatchSettled(tuple(settled)), now, gone)

    # --- effects ----------------------------------------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Hand one moment's commands to `perform`, with every decision not stored yet; one batch at a time.

        A run that is to end starts none: its commands go first thing in the next run, so that steady traffic cannot
        keep it alive.
        """
        if self._batch is not None or self._wants_renewal() or not (self._outgoing or self._must_flush()):
            return
        self._issued = tuple(self._outgoing[:BATCH_LIMIT])
        del self._outgoing[:BATCH_LIMIT]
        self._stored = len(self._state.records)
        self._known = replace(self._state, batches=self._state.batches + 1)
        batch = Batch(
            customer=self._customer,
            number=self._state.batches,
            commands=[encode(command) for command in self._issued],
            decisions=[trace.to_row(item) for item in self._state.records],
            plays=self._plays(),
            summary=self._summary(stored=len(self._state.records)),
            snapshot={} if self._issued else state_to_json(replace(self._state, records=())),
            log=self._log,
        )
        self._batch = asyncio.create_task(self._perform(batch))

    def _plays(self) -> dict[str, PlayInfo]:
        """What the texts of the issued commands need of their plays, which no snapshot may show yet."""
        wanted = {touches.read(command.touch).play for command in self._issued}
        return {
            play.key: PlayInfo(anchor=play.anchor.isoformat(), zone=play.zone, about=play.about)
            for play in self._state.plays
            if play.key in wanted
        }

    async def _perform(self, batch: Batch) -> BatchResult:
        result: BatchResult = await workflow.execute_activity(
            interface.PERFORM,
            batch,
            result_type=BatchResult,
            activity_id=f"batch-{batch['number']}",
            start_to_close_timeout=timedelta(minutes=10),
            heartbeat_timeout=timedelta(seconds=20),
            retry_policy=PATIENCE,
        )
        return result

    def _must_flush(self) -> bool:
        """Decisions wait for company: a batch with commands, a day, or a certain size. A customer's first ones do not:
        whoever
        looks after a signup must find it.
        """
        records = self._state.records
        if not records:
            return False
        if self._state.batches == 0:
            return True
        if len(records) >= RECORDS_LIMIT or self._now() >= records[0].at + FLUSH_AFTER:
            return True
        return sum(len(item.reason) + len(item.step) + 100 for item in records) >= RECORDS_BYTES

    def _collect(self) -> None:
        """Take the outcomes of a batch that is done."""
        if self._batch is None or not self._batch.done():
            return
        result, self._batch = self._batch.result(), None
        issued, self._issued = self._issued, ()
        self._reach()
        now = self._now()
        told = {item["touch"]: self._effect(item) for item in result["effects"]}
        settled = tuple(told.get(command.touch) or Effect(command.touch, "sent") for command in issued)
        self._step(BatchSettled(settled, self._stored), now, issued)

    def _effect(self, item: EffectResult) -> Effect:
        later = self._clock.virtual(workflow.now() + timedelta(seconds=item["retry_in"]))
        effect: Effect = decode(Effect, {key: item[key] for key in ("touch", "result", "reason")})
        soon = effect.result == "unknown" and item["retry_in"] > 0
        return replace(effect, at=later) if soon or effect.result in ("later", "held") else effect

    def _summary(self, stored: int = 0) -> dict[str, Any]:
        state = self._state
        due = self._next_due(stored)
        return {
            "stage": state.stage,
            "band": state.band,
            "tier": state.profile.tier,
            "overdue": state.overdue,
            "held": state.held,
            "catalogue": state.catalogue,
            "seq": state.seq,
            "as_of": instant_text(state.as_of),
            "next_due": None if due is None else instant_text(due),
        }

    def _next_due(self, stored: int) -> datetime | None:
        """What is owed next, leaving aside the oldest `stored` records, which a batch is storing."""
        return next_due(self._releases, replace(self._state, records=self._state.records[stored:]))

    def _publish(self) -> None:
        """Keep the search attributes true; nothing personal is among them."""
        state = self._state
        wanted = {
            interface.STAGE_ATTRIBUTE: state.stage,
            interface.BAND_ATTRIBUTE: state.band or "unknown",
            interface.TIER_ATTRIBUTE: state.profile.tier,
            interface.CATALOGUE_ATTRIBUTE: state.catalogue,
        }
        known = workflow.info().typed_search_attributes
        updates: list[SearchAttributeUpdate[str]] = []
        for name, value in wanted.items():
            key = SearchAttributeKey.for_keyword(name)
            if known.get(key) != value:
                updates.append(key.value_set(value))
        if updates:
            workflow.upsert_search_attributes(updates)

    # --- time -------------------------------------------------------------------------------------------------------

    def _woken(self) -> bool:
        timer_done = self._timer is not None and self._timer.done()
        batch_done = self._batch is not None and self._batch.done()
        waiting = self._outgoing and self._batch is None
        return bool(self._inbox or self._answered or waiting or timer_done or batch_done)

    def _arm(self) -> None:
        """Keep one timer on the next instant; a later need leaves it alone, an earlier one replaces it.

        While a batch is out and nothing is owed, its end is what wakes the run.
        """
        if self._timer is not None and self._timer.done():
            self._timer = None
        due = self._next_due(self._stored if self._batch is not None else 0)
        due = None if due is None or due > LATEST else due
        if due is None and self._batch is not None:
            return
        wake = self._renew_at
        if due is not None:
            wake = min(wake, workflow.now() + self._clock.real_length(due - self._now()))
        if self._timer is not None:
            if self._armed is not None and self._armed <= wake + TICK:
                return
            self._timer.cancel()
        self._armed = wake
        length = max(wake - workflow.now(), timedelta(0))
        whole = timedelta(milliseconds=-(-length // TICK)) + TICK
        self._timer = asyncio.create_task(asyncio.sleep(whole.total_seconds()))

    def _wants_renewal(self) -> bool:
        """This run is long or old, or a play has ended.

        What it was begun with does not count: after an outage a backlog of commands may exceed the limit by itself, and
        would be handed from run to run for ever.
        """
        info = workflow.info()
        grown = info.get_current_history_size() - self._brought
        long = info.get_current_history_length() >= EVENTS_LIMIT or grown >= BYTES_LIMIT
        return self._play_ended or long or workflow.now() >= self._renew_at

    def _may_renew(self) -> bool:
        """Begin a new run only when nothing is under way."""
        quiet = not self._inbox and self._batch is None and workflow.all_handlers_finished()
        return quiet and self._wants_renewal()

    def _next_start(self) -> Start:
        return Start(
            customer=self._customer,
            catalogue=self._state.catalogue,
            clock=self._start["clock"],
            spread=self._start["spread"],
            state=state_to_json(self._state),
            first=[],
            outgoing=[encode(command) for command in self._outgoing],
            log="",
        )
