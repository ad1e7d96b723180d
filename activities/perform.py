"""The one activity: do what a moment's commands say, store what was decided, and tell what became of each.

It never fails because of a command. A command's outcome is `sent`, `failed`, `later`, `held`, `unknown` or `withdrawn`;
what to make of it is the core's business, so retries of a provider never happen here. Only a lost database makes the
activity fail, and Temporal runs the batch again; the ledger sees to it that nothing goes out twice:

    standing? -> prepare -> token -> reserve, if allowed -> write before -> send -> write after -> confirm
"""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from temporalio import activity

from activities import repeated
from activities.delivery import Delivery, Failed, Landing, Later, Sent, Unknown
from activities.effects import Effects, Job, NoLongerOwedError
from activities.mime import UnsendableError
from activities.transports import Rate, doubt_of
from lifecycle import effects, touches, trace
from lifecycle.commands import (
    CancelInvite,
    Command,
    HandOver,
    RaiseTask,
    SendEmail,
    SendInvite,
    SendSurvey,
    SettleApproval,
)
from lifecycle.jsonform import decode_union
from lifecycle.model import Decision
from lifecycle.playbook import Lifecycle, Playbook
from store import customers, ledger, projections
from store.database import Database, now
from store.ledger import Barrier, Reservation, Standing
from store.releases import DatabaseReleases
from workflows.interface import PERFORM, Batch, BatchResult, EffectResult, PlayInfo

HEARTBEAT = 5.0
"""Seconds after which, and then as often as, a batch says that it is alive; shorter ones cost no heartbeat."""
HELD = (timedelta(minutes=5), timedelta(hours=1))
"""How soon a held command is asked about again at first, and how late at most."""
HELD_IN_REHEARSAL = (timedelta(seconds=5), timedelta(minutes=1))
AGAIN = timedelta(seconds=60)
THREADS = 32
"""How many commands may be under way in one process."""
LEFT = Barrier("withdrawn", "its play was left before it went")
LONGEST_QUEUE = 5.0
"""Seconds that a command may wait for a token of its provider."""

_OUTSIDE = SendEmail | SendSurvey | SendInvite | CancelInvite

_log = structlog.get_logger("activities.perform")


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Not sent, because it must not be any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Held(Later):
    """Kept back by a hold, not by a provider."""


Outcome = Landing | Withdrawn


class DatabaseLostError(Exception):
    """The database could not be used; nothing is lost, Temporal runs the batch again. Says what kind of error it was,
    and none of the values, which would stand in the workflow's history.
    """


class Performer:
    """Performs batches. One per worker process; its methods run in threads."""

    def __init__(self, db: Database, releases: DatabaseReleases, delivery: Delivery) -> None:
        self._db = db
        self._releases = releases
        self._limit = delivery.limit
        self._lease = delivery.lease
        self._effects = Effects(db, releases, delivery)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="perform")
        self._free = asyncio.Semaphore(THREADS)
        self._landed: dict[str, tuple[int, Landing]] = {}
        """What a provider answered while the database could not be told; kept until it can."""

    @activity.defn(name=PERFORM)
    async def perform(self, batch: Batch) -> BatchResult:
        """Store the decisions, then carry out the commands in order.

        Raises:
            DatabaseLostError: run the batch again. So does ReleaseMissingError, of a release that decisions name.
        """
        beat = asyncio.create_task(_beat())
        try:
            await asyncio.to_thread(self._store, batch)
            commands = [decode_union(Command, raw) for raw in batch["commands"]]
            plays = batch["plays"]
            outcomes = [await self._within_limit(batch["customer"], command, plays) for command in commands]
            if any(isinstance(outcome, Held) for outcome in outcomes):
                outcomes = await asyncio.to_thread(self._look_again, batch["customer"], commands, outcomes)
            told = [_told(command, outcome) for command, outcome in zip(commands, outcomes, strict=True)]
            return {"effects": [effect for effect in told if effect["result"] != "sent"]}
        finally:
            beat.cancel()

    def _look_again(self, customer: str, commands: list[Command], outcomes: list[Outcome]) -> list[Outcome]:
        """What was held while a hold was on that is gone by now: its lifting was told before this batch is settled."""
        with _database(), self._db.read() as c:
            return [
                replace(outcome, wait=timedelta(0))
                if isinstance(outcome, Held) and _held(c, customer, command) is None
                else outcome
                for command, outcome in zip(commands, outcomes, strict=True)
            ]

    async def _within_limit(self, customer: str, command: Command, plays: Mapping[str, PlayInfo]) -> Outcome:
        """One command, given up after the limit; its thread goes on, and the ledger learns what came of it. Waiting for
        a thread does not count.
        """
        await self._free.acquire()
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(loop.run_in_executor(self._threads, self._outcome, customer, command, plays))
        task.add_done_callback(self._finished)
        done, _ = await asyncio.wait({task}, timeout=self._limit)
        if done:
            return task.result()
        return Unknown("it takes longer than a command may; asked about later", ask_in=self._lease)

    def _finished(self, task: "asyncio.Future[Outcome]") -> None:
        self._free.release()
        if not task.cancelled():
            task.exception()  # of a thread that nobody waits for any more; the ledger has what matters

    def _store(self, batch: Batch) -> None:
        """The disk may wait where a reservation follows, which takes along all that was written before it."""
        with _database(), self._db.begin(durable=not batch["commands"]) as c:
            projections.store_batch(c, batch, self._place)

    def _place(self, decision: Decision) -> str:
        release = self._releases.get(decision.release)
        return trace.place_in(release, decision) if isinstance(release, Playbook | Lifecycle) else ""

    def _outcome(self, customer: str, command: Command, plays: Mapping[str, PlayInfo]) -> Outcome:
        """What becomes of one command, whatever happens; only a lost database raises."""
        log = _log.bind(touch=command.touch, kind=command.kind)
        try:
            with _database():
                outcome = self._deliver(customer, command, plays)
        except DatabaseLostError:
            raise
        except UnsendableError as error:
            outcome = self._given_up(command, Failed(str(error)))
        except NoLongerOwedError as error:
            outcome = self._given_up(command, Withdrawn(str(error)))
        except Exception as error:
            log.exception("a command could not be carried out")
            outcome = Later(AGAIN, f"it could not be carried out ({type(error).__name__}); see the worker's log")
        outcome = self._in_doubt(command, outcome)
        log.info("touch", result=_RESULTS[type(outcome)], reason=getattr(outcome, "reason", ""))
        return outcome

    def _given_up(self, command: Command, outcome: Failed | Withdrawn) -> Outcome:
        with _database():
            ledger.give_up(
                self._db, command.touch, "failed" if isinstance(outcome, Failed) else "withdrawn", outcome.reason
            )
        return outcome

    def _in_doubt(self, command: Command, outcome: Outcome) -> Outcome:
        """What may be out and could not be asked about is unknown: of what is told as `later` nothing has gone."""
        if not isinstance(outcome, Later):
            return outcome
        with _database(), self._db.read() as c:
            row = ledger.standing(c, command.touch)
        return outcome if row is None or row.surely_not_out else Unknown(outcome.reason, ask_in=outcome.wait)

    # --- the ledger -------------------------------------------------------------------------------------------------

    def _deliver(self, customer: str, command: Command, plays: Mapping[str, PlayInfo]) -> Outcome:
        left = effects.of_left_play(command, plays)
        if left and (never := self._withdrawn(customer, command)):
            return never
        found = self._look(customer, command, plays)
        if isinstance(found, Held):
            # Note it before looking a second time: a hold lifted after that finds the note, one lifted before lets go.
            ledger.hold_back(self._db, command.touch, customer=customer, kind=command.kind, reason=found.reason)
            found = self._look(customer, command, plays)
        if isinstance(found, Outcome):
            return found
        job = found()
        if job.way.rate is not None and not self._token(job.way.rate):
            return Later(timedelta(seconds=LONGEST_QUEUE), f"{job.way.name} is busy with others of our messages")

        def barrier(c: Connection) -> Barrier | None:
            if left:
                return LEFT
            return _barrier(c, customer, command, job) or self._repeated(c, customer, command, job)

        for _ in range(2):
            got = ledger.reserve(
                self._db, command.touch, customer=customer, kind=command.kind, lease_for=job.way.lease, barrier=barrier
            )
            if isinstance(got, Reservation):
                return self._send(job, got)
            outcome = _settled(got) or (
                self._held_now(customer, command) if got.state == "held" else self._ask(job, got, barrier)
            )
            if outcome is not None:
                return outcome
        return Later(AGAIN, "somebody else is sending it")

    def _withdrawn(self, customer: str, command: Command) -> Outcome | None:
        """Settle a command of a play that was left, also before a thread past its limit comes to send it; None: it may
        be out.
        """
        whose = {"customer": customer, "kind": command.kind}
        row = ledger.reserve(self._db, command.touch, **whose, lease_for=timedelta(0), barrier=lambda _: LEFT)
        return _settled(row) if isinstance(row, Standing) else None

    def _repeated(self, c: Connection, customer: str, command: Command, job: Job) -> Barrier | None:
        release = self._releases.get(command.release)
        if not isinstance(command, repeated.Seen) or not isinstance(release, Playbook):
            return None
        return repeated.barrier(c, customer, command, job.address, release)

    def _look(self, customer: str, command: Command, plays: Mapping[str, PlayInfo]) -> Outcome | Callable[[], Job]:
        """In one read: what there is to say of a command already, or how to make it ready. What may be out is asked
        about, whatever holds what is not.
        """
        with self._db.read() as c:
            row = ledger.standing(c, command.touch)
            settled = None if row is None else _settled(row)
            held = _held(c, customer, command) if row is None or row.surely_not_out else None
            return settled or held or self._effects.prepare(c, customer, command, plays)

    def _send(self, job: Job, reservation: Reservation) -> Outcome:
        touch, attempt = reservation.touch, reservation.attempt
        try:
            job.before()
        except Exception:
            ledger.defer(self._db, touch, attempt, "what belongs to it could not be written")
            raise
        return self._write(job, touch, attempt, job.send())

    def _ask(self, job: Job, row: Standing, barrier: Callable[[Connection], Barrier | None]) -> Outcome | None:
        """What to make of a touch that may be out. None: it surely is not, or may be repeated, as no `barrier` stands
        before it; then it may be reserved again.
        """
        if row.touch in self._landed and self._landed[row.touch][0] == row.attempt:
            return self._write(job, row.touch, row.attempt, self._landed[row.touch][1])
        lease = row.lease_until - now() if row.lease_until else timedelta(0)
        if row.state == "reserved" and lease > timedelta(0):
            return Unknown("it is being sent at this moment", ask_in=lease)
        match self._found(job, row, barrier):
            case None:
                ledger.defer(self._db, row.touch, row.attempt, "it had not arrived, or may be repeated")
                return None
            case Later() as later:
                return later
            case Unknown() as still if row.state == "unknown":
                return still
            case landing:
                return self._write(job, row.touch, row.attempt, landing)

    def _found(self, job: Job, row: Standing, barrier: Callable[[Connection], Barrier | None]) -> Landing | None:
        """What the way says of a touch in doubt. What may be repeated is: once nothing keeps it back any more."""
        if job.repeatable:
            with self._db.read() as c:
                kept = barrier(c)
            if kept is None:
                return None
            if kept.state == "held":
                return Unknown(kept.reason, ask_in=HELD[1])
        return job.find(doubt_of(row.changed_at, row.lease_until, job.way.lease))

    def _held_now(self, customer: str, command: Command) -> Held | None:
        with self._db.read() as c:
            return _held(c, customer, command)

    def _write(self, job: Job, touch: str, attempt: int, landing: Landing) -> Landing:
        """Write down what the provider answered. While the database is lost it is remembered here."""
        self._landed[touch] = (attempt, landing)
        match landing:
            case Sent(ref):
                job.after(ref)
                if not ledger.confirm(self._db, touch, attempt, transport=job.way.name, provider_ref=ref):
                    _log.error("another attempt was reserved while this one was out; two may have arrived", touch=touch)
            case Later(reason=reason):
                ledger.defer(self._db, touch, attempt, reason)
            case Failed(reason):
                ledger.fail(self._db, touch, attempt, reason)
            case Unknown(reason=reason):
                ledger.unknown(self._db, touch, attempt, reason)
        self._landed.pop(touch, None)  # a thread past its limit may have written the same
        return landing

    def _token(self, rate: Rate) -> bool:
        """Wait for a token; False when that would take too long."""
        waited = 0.0
        while wait := ledger.take_token(self._db, rate.bucket, per_second=rate.per_second, burst=rate.burst):
            if waited + wait > LONGEST_QUEUE:
                return False
            time.sleep(wait)
            waited += wait
        return True


@contextmanager
def _database() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        kind = type(error).__name__
        raise DatabaseLostError(f"the database could not be used ({kind}); the batch runs again") from None


async def _beat() -> None:
    while True:
        await asyncio.sleep(HEARTBEAT)
        activity.heartbeat()


_RESULTS: dict[type[Any], str] = {
    Sent: "sent",
    Later: "later",
    Held: "held",
    Failed: "failed",
    Unknown: "unknown",
    Withdrawn: "withdrawn",
}


def _held(c: Connection, customer: str, command: Command) -> Held | None:
    """The hold on a command, soon asked about again where days are seconds. A customer's own hold keeps back what goes
    to the customer: the team goes on working, as the core says. A hold on everything keeps back everything.

    Waiting as long again as the hold has lasted doubles each wait: a hold of a week costs some 170 questions instead of
    2000. Lifting it tells the customers at once; whoever missed that is asked within the hour.
    """
    hold = _hold(c, customer, command)
    if hold is None:
        return None
    first, longest = HELD_IN_REHEARSAL if customers.get(c, customer).clock.rehearsal else HELD
    wait = min(max(now() - hold.placed_at, first), longest)
    return Held(wait, f"{hold.reason}; asked again in {int(wait.total_seconds())} seconds")


def _hold(c: Connection, customer: str, command: Command) -> customers.Hold | None:
    if not isinstance(command, _OUTSIDE):
        return ledger.hold_on(c, customers.EVERYTHING)
    return ledger.hold_on(c, customer, touches.read(command.touch).playbook)


def _barrier(c: Connection, customer: str, command: Command, job: Job) -> Barrier | None:
    """Read again what may have changed since the core decided: holds, the customer, the address."""
    if hold := _hold(c, customer, command):
        return Barrier("held", hold.reason)
    stopped, suppressed = customers.barred(c, customer, job.address)
    closing = isinstance(command, CancelInvite | HandOver | SettleApproval)
    ours = isinstance(command, RaiseTask) and command.title  # the core's own word to a teammate
    if stopped and not (closing or ours or job.after_leaving):
        return Barrier("withdrawn", "the customer has left")
    if suppressed is not None and not (isinstance(command, CancelInvite) and suppressed == "unsubscribed"):
        return Barrier("withdrawn", f"nothing goes to this person any more: {suppressed}")
    return None


def _told(command: Command, outcome: Outcome) -> EffectResult:
    wait = outcome.wait if isinstance(outcome, Later) else outcome.ask_in if isinstance(outcome, Unknown) else None
    seconds = max(wait.total_seconds(), 0.0) if wait else 0.0
    reason = "" if isinstance(outcome, Sent) else outcome.reason
    return {"touch": command.touch, "result": _RESULTS[type(outcome)], "reason": reason, "retry_in": seconds}


def _settled(row: Standing) -> Outcome | None:
    """The outcome of a touch about which nothing is left to do or to ask."""
    match row.state:
        case "sent":
            return Sent(row.provider_ref)
        case "failed":
            return Failed(row.reason)
        case "withdrawn":
            return Withdrawn(row.reason)
        case _:
            return None
