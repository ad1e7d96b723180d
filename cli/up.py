"""The embedded mode: Temporal's dev server, the worker and the gateway as children of one process, on one folder.

In order: take the folder, compile the playbooks, start Temporal, replay every open run with today's code, migrate, make
the playbooks current, start the worker, start the gateway. Whatever is refused is refused before the database changes.
Stopping goes backwards, from wherever the start has got to.
"""

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

import settings as configuration
import worker
from authoring.actions import so_many
from authoring.compile import Compiled
from cli.apply import Applied, compiled, make_current, unchanged
from cli.connection import connect, has_schema
from cli.failures import FailedError
from cli.processes import Crew, ProcessError, Program, end_leftovers, only_one
from cli.serve import GATEWAY_READY, WORKER_READY
from gateway.sign_in import sign_in_link
from settings import Settings
from store.database import Database, open_database
from workflows.interface import ATTRIBUTES

Say = Callable[[str], None]


@dataclass(frozen=True)
class Ports:
    """Where the parts listen, all on loopback but the gateway, which listens where the settings say."""

    temporal: int = 7233
    ui: int = 8233
    gateway: int = 8700


@dataclass(frozen=True)
class Stack:
    """What runs. `addresses`: name to web address, for people, in the order to show them. `gateway`: its address from
    here; the secrets sign events and presses.
    """

    database: Database
    client: Client
    crew: Crew
    addresses: Mapping[str, str]
    gateway: str
    webhook_secret: str
    press_secret: str


class OpenRunsDifferError(FailedError):
    """Today's code decides otherwise than the recorded runs did; going on would leave their workflows stuck."""

    def __init__(self, differences: list[str]) -> None:
        shown = "\n".join("  | " + line for line in differences[:5])
        super().__init__(
            f"{len(differences)} open runs do not replay with this version of Stageplay\n{shown}\n"
            "  why: a running workflow must decide again exactly what it decided before, or it stops.\n"
            "  fix: go back to the version that ran last (its `up` continues), or set the folder aside "
            "(STAGEPLAY_VAR_DIR) and start a fresh one; database and playbooks in it were not changed."
        )


async def serve(
    settings: Settings, say: Say, then: Callable[[Stack], Awaitable[int]] | None = None, books: Compiled | None = None
) -> int:
    """Run the stack until a signal comes, or until `then` returns its exit code. `books`: what it applies, alone; None:
    the files of the settings.

    Raises:
        ProcessError, DoesNotCompileError, OpenRunsDifferError: it cannot run; everything started was stopped again.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    os.umask(0o077)  # databases, logs and made secrets are their owner's alone, those that Temporal makes too
    with only_one(settings.var_dir / "up.lock"):
        _keep_private(settings.var_dir)
        return await _until_stopped(_run(settings, say, then, books), stop)


async def _run(
    settings: Settings, say: Say, then: Callable[[Stack], Awaitable[int]] | None, books: Compiled | None
) -> int:
    async with running(settings, say, books) as stack:
        return await _until_done(stack, then)


async def _until_stopped(work: Coroutine[Any, Any, int], stop: asyncio.Event) -> int:
    """The exit code of the work; 0 when a signal comes first, be it during the start: the work then cleans up."""
    working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait((working, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if not working.done():
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        return 0
    return working.result()


@contextlib.asynccontextmanager
async def running(settings: Settings, say: Say, books: Compiled | None = None) -> AsyncIterator[Stack]:
    """Have the stack up for the length of a block. `books`: as of `serve`."""
    alone = books is not None
    var = settings.var_dir.resolve()
    crew = Crew(var / "processes.json", say)
    await end_leftovers(crew.record, say)
    if books is None:
        books = await asyncio.to_thread(compiled, settings.playbooks_dir, settings.templates_dir)
    database = open_database(settings.database_url)
    try:
        ports = choose_ports(settings, settings.ports_file)
        await crew.start(_temporal(settings, ports))
        client = await connect({"target_host": f"127.0.0.1:{ports.temporal}"})
        await _check_open_runs(client, settings, database, say)
        say(_told(await asyncio.to_thread(_prepare, settings, database, books, alone=alone)))
        env = _environment(settings, ports)
        await crew.start(_worker(settings, env))
        await crew.start(_gateway(settings, env))
        yield Stack(
            database,
            client,
            crew,
            _addresses(settings, ports, env),
            gateway=f"http://{_reach(settings.host)}:{ports.gateway}",
            webhook_secret=settings.webhook_secrets[0],
            press_secret=env.get(configuration.name_of("slack_signing_secret"))
            or settings.slack_signing_secret.get_secret_value(),
        )
    finally:
        await crew.stop()
        database.close()


def choose_ports(settings: Settings, kept: Path) -> Ports:
    """The ports of the last time or the usual ones where they are free, else the next free ones after those.

    Raises:
        ProcessError: the gateway's port was set by hand and is taken.
    """
    usual = Ports()
    last = Ports(**json.loads(kept.read_text())) if kept.is_file() else usual
    asked = "port" in settings.model_fields_set
    if asked and not _free(settings.port, settings.host):
        name = configuration.name_of("port")
        raise ProcessError(
            f"port {settings.port} is taken\n  why: {name} says that the gateway listens there.\n"
            f"  fix: stop what listens there, name another port, or leave {name} out and a free one is taken."
        )
    ports = Ports(
        _free_from(last.temporal, usual.temporal),
        _free_from(last.ui, usual.ui),
        settings.port if asked else _free_from(last.gateway, usual.gateway, settings.host),
    )
    kept.write_text(json.dumps({"temporal": ports.temporal, "ui": ports.ui, "gateway": ports.gateway}))
    return ports


async def _until_done(stack: Stack, then: Callable[[Stack], Awaitable[int]] | None) -> int:
    """Whatever ends first decides: `then` (its code), or a program that cannot be kept up (an error)."""
    watching = asyncio.create_task(stack.crew.watch())
    acting = asyncio.ensure_future(then(stack)) if then else asyncio.get_running_loop().create_future()
    tasks: tuple[asyncio.Future[Any], ...] = (watching, acting)
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        return acting.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _keep_private(var: Path) -> None:
    """Take from others what an earlier version let them read."""
    for file in (*var.glob("*.db"), *var.glob("*.db-*")):
        file.chmod(0o600)


def _prepare(settings: Settings, database: Database, books: Compiled, *, alone: bool) -> Applied:
    database.migrate()
    return make_current(database, books, settings.playbooks_dir.name, alone=alone)


def _told(applied: Applied) -> str:
    if applied.current:
        return (
            f"playbooks stay as they were applied ({applied.current[:12]}): the files ({applied.digest[:12]}) "
            "are for a part, a shadow, more than was rehearsed, or were undone; `stageplay apply` makes them current"
        )
    if not applied.changed:
        return unchanged(applied)
    return f"playbooks applied (catalogue {applied.digest[:12]}); {so_many(applied.told, 'open customer')} told"


async def _check_open_runs(client: Client, settings: Settings, database: Database, say: Say) -> None:
    if await asyncio.to_thread(has_schema, database):  # else it holds no release, and no run of ours can be open
        worker.use_releases(database, settings.var_dir / "releases")
    replayed = await worker.replay_open_runs(client)
    differences = [difference for difference in replayed if difference]
    if differences:
        raise OpenRunsDifferError(differences)
    if replayed:
        say(f"{len(replayed)} open runs replayed without a difference")


def _temporal(settings: Settings, ports: Ports) -> Program:
    var = settings.var_dir.resolve()
    argv = [
        *(_beside("temporal"), "server", "start-dev", "--ip", "127.0.0.1", "--log-level", "warn"),
        *("--db-filename", str(var / "temporal.db"), "--port", str(ports.temporal), "--ui-port", str(ports.ui)),
    ]
    for name in ATTRIBUTES:
        argv += ["--search-attribute", f"{name}=Keyword"]
    env = configuration.for_children({})
    ready = _answers(ports.temporal)
    return Program("temporal", argv, env, var / "log" / "temporal.log", ready, grace=timedelta(seconds=10))


def _worker(settings: Settings, env: Mapping[str, str]) -> Program:
    argv = [sys.executable, "-m", "cli.main", "worker"]
    return Program(
        "worker", argv, env, settings.var_dir / "log" / "worker.log", lambda log: WORKER_READY.encode() in log
    )


def _gateway(settings: Settings, env: Mapping[str, str]) -> Program:
    argv = [sys.executable, "-m", "cli.main", "gateway", "--allow-rehearsal"]
    health = f"http://{_reach(settings.host)}:{env[configuration.name_of('port')]}/healthz"
    return Program("gateway", argv, env, settings.var_dir / "log" / "gateway.log", _healthy(health))


def _environment(settings: Settings, ports: Ports) -> dict[str, str]:
    """What the children need besides the settings they read themselves: the ports, and this Temporal and no other."""
    changes = {
        configuration.name_of("dashboard_token"): secrets.token_urlsafe(24),
        configuration.name_of("temporal_ui"): f"http://127.0.0.1:{ports.ui}",
        "TEMPORAL_ADDRESS": f"127.0.0.1:{ports.temporal}",
        "TEMPORAL_NAMESPACE": "default",
        "TEMPORAL_CONFIG_FILE": os.devnull,
        configuration.name_of("port"): str(ports.gateway),
    }
    if not settings.slack_signing_secret:  # nobody but this process can press then, and it must be able to sign
        changes[configuration.name_of("slack_signing_secret")] = secrets.token_hex(32)
    if "public_url" not in settings.model_fields_set:
        changes[configuration.name_of("public_url")] = f"http://{_reach(settings.host)}:{ports.gateway}"
    return configuration.for_children(changes)


def _addresses(settings: Settings, ports: Ports, env: Mapping[str, str]) -> dict[str, str]:
    public = env.get(configuration.name_of("public_url"), settings.public_url)
    token = env[configuration.name_of("dashboard_token")]
    return {
        "dashboard": sign_in_link(public, token),
        "Temporal UI": f"http://127.0.0.1:{ports.ui}",
        "outbox": f"{public}/outbox",
    }


def _beside(name: str) -> str:
    """A program of the environment that we run in.

    Raises:
        ProcessError: it is not installed.
    """
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if not found:
        raise ProcessError(
            f"the program `{name}` is not installed\n  why: the embedded mode runs it.\n"
            "  fix: install what requirements.lock names (`make .venv`)."
        )
    return found


def _reach(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared with, not listened on


def _answers(port: int) -> Callable[[bytes], bool]:
    def ready(_log: bytes) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    return ready


def _healthy(url: str) -> Callable[[bytes], bool]:
    def ready(log: bytes) -> bool:
        if GATEWAY_READY.encode() not in log:
            return False
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(url, timeout=2, trust_env=False).is_success
        return False

    return ready


def _free(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind((host, port))
            return True
    return False


def _free_from(last: int, usual: int, host: str = "127.0.0.1") -> int:
    """The last port where it is free, else the first from the usual one on: the system gives the high ones to whoever
    calls out meanwhile.

    Raises:
        ProcessError: a hundred are taken.
    """
    for port in chain((last,), range(usual, usual + 100)):
        if _free(port, host):
            return port
    raise ProcessError(
        f"ports {usual} to {usual + 99} are all taken\n  why: a part of `up` listens on one of them.\n"
        "  fix: stop what listens there."
    )
