"""How long from a signup to the first mail, beside a bare signal-with-start and one activity on the same dev server.

Ours is the whole path: a signed POST /v1/events, the inbox, the workflow, the ledger, a rendered mail in the outbox.
Both arms end when another connection sees the row; both rows are written with WAL and synchronous FULL.
"""

import asyncio
import json
import secrets
import sqlite3
import sys
from pathlib import Path
from time import perf_counter

import httpx

from bench import bare
from bench.harness import Pairs, in_turn, stack, until
from cli.processes import Program
from cli.teller import Teller
from cli.up import Stack
from store.database import now

GATE = 1.6
PAIRS = 10
WARM_UP = 3
REST = 0.3
"""Seconds before each run: a workflow goes on after its row is seen, and its end is no part of the other arm's time."""
MONDAY = "2026-03-02T10:00"  # a time at which mails may go; the customer's clock then runs at real speed


async def measure(pairs: int = PAIRS) -> Pairs:
    """Run both arms in turn, in milliseconds."""
    async with stack() as (running, folder):
        await running.crew.start(_bare_worker(running, folder))
        async with httpx.AsyncClient(base_url=running.gateway, timeout=10, trust_env=False) as http:
            ours = Ours(Teller(http, running.webhook_secret, running.press_secret), folder / "stageplay.db")
            theirs = Theirs(running, folder / "bare.db")
            return Pairs(
                "signup to first touch", "ms", *await in_turn(ours.once, theirs.once, pairs, WARM_UP, REST), GATE
            )


class Ours:
    def __init__(self, teller: Teller, path: Path) -> None:
        self._teller = teller
        self._reader = sqlite3.connect(path)

    async def once(self) -> float:
        name = f"bench-{secrets.token_hex(6)}"
        begun = perf_counter()
        await self._teller.tell(f"{name}-signup", _signup(name), now())
        await until(lambda: self._sent(name), "the welcome")
        return (perf_counter() - begun) * 1000

    def _sent(self, name: str) -> bool:
        query = "SELECT 1 FROM outbox JOIN customers ON outbox.customer = customers.id WHERE outer_id = ?"
        return self._reader.execute(query, (name,)).fetchone() is not None


class Theirs:
    def __init__(self, running: Stack, path: Path) -> None:
        self._client = running.client
        self._reader = sqlite3.connect(path)

    async def once(self) -> float:
        row = secrets.token_hex(6)
        begun = perf_counter()
        await self._client.start_workflow(
            "Bare", row, id=f"bare/{row}", task_queue=bare.TASK_QUEUE, start_signal="event", start_signal_args=[row]
        )
        await until(lambda: self._written(row), "the row")
        return (perf_counter() - begun) * 1000

    def _written(self, row: str) -> bool:
        return self._reader.execute("SELECT 1 FROM effects WHERE id = ?", (row,)).fetchone() is not None


def _bare_worker(running: Stack, folder: Path) -> Program:
    argv = [sys.executable, "-m", "bench.bare", running.client.service_client.config.target_host]
    worker = running.crew.children[1].program
    ready = bare.READY.encode()
    return Program(
        "bare", [*argv, str(folder / "bare.db")], worker.env, folder / "log/bare.log", lambda log: ready in log
    )


def _signup(name: str) -> str:
    customer = {"id": name, "name": "Northwind Freight", "tier": "pro", "journey": "self-serve", "touch": "low"}
    customer |= {"zone": "Europe/Berlin", "country": "DE"}
    champion = {"name": "Lena Vogt", "email": f"{name}@northwind.example.com", "roles": ["champion"]}
    rehearsal = {"day_seconds": 86_400, "start": MONDAY}
    data = {"customer": customer, "contacts": [champion], "team": {}, "rehearsal": rehearsal}
    return json.dumps({"type": "customer.signed_up", "data": data})


def main() -> int:
    """Print JSON lines and a table; 1 above the gate."""
    found = asyncio.run(measure())
    print(*found.lines(), sep="\n")
    print(found.row())
    return int(not found.passed)


if __name__ == "__main__":
    sys.exit(main())
