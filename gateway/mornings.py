"""Judges every customer's windows once a day, in its own morning: facts that change by the mere passing of time.

In bounded batches, each customer in a transaction of its own; a workflow is told only what is news, so that nobody's
workflow wakes to be asked. Any number of gateways may do it: whose morning has been seen to is marked in its row.
"""

import asyncio

import structlog
from sqlalchemy.exc import SQLAlchemyError

from gateway import merging
from gateway.intake import Lifecycles
from store import customers, releases, windows
from store.database import Database

EVERY = 1.0
LIMIT = 50
LONGEST_PAUSE = 30.0

_log = structlog.get_logger("gateway.mornings")


class Mornings:
    """The sweep; `run` is its loop."""

    def __init__(self, db: Database, lifecycles: Lifecycles) -> None:
        self._db, self._lifecycles = db, lifecycles

    async def run(self) -> None:
        """Look for ever; pause longer, up to `LONGEST_PAUSE` seconds, while the database is away."""
        pause = EVERY
        while True:
            try:
                full = await asyncio.to_thread(self.sweep) == LIMIT
                pause = 0.0 if full else EVERY
            except Exception as error:  # noqa: BLE001 - the loop must outlive whatever one round meets
                pause = min(max(pause, EVERY) * 2, LONGEST_PAUSE)
                _log.warning("mornings_pause", seconds=pause, why=type(error).__name__)
            await asyncio.sleep(pause)

    def sweep(self) -> int:
        """See to a batch of windows whose morning it is; how many there were. None before anything is applied.

        Raises:
            Exception: what went wrong with the last customer that could not be judged; the others were.
        """
        with self._db.read() as c:
            waiting = windows.due(c, LIMIT) if releases.current(c) else []
        failed: Exception | None = None
        for customer in dict.fromkeys(waiting):
            try:
                self._look(customer)
            except SQLAlchemyError:
                raise
            except Exception as error:  # noqa: BLE001 - one that nobody foresaw must not keep the others waiting
                _log.warning("morning_failed", customer=customer, why=type(error).__name__)
                failed = error
        if failed is not None:
            raise failed
        return len(waiting)

    def _look(self, customer: str) -> None:
        with self._db.begin() as c:
            _, lifecycle = self._lifecycles.current(c)
            merging.alone(c, customers.get(c, customer).outer_id)
            windows.look(c, customers.get(c, customer), lifecycle)
