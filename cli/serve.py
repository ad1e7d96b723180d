"""The parts one by one: the gateway and the worker as processes of their own, and how they are.

Nothing here migrates: `stageplay migrate` does, when an operator says so.
"""

import asyncio
import contextlib
import gc
import secrets
import signal
import socket
from datetime import timedelta

import structlog
import uvicorn
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

import settings as configuration
import worker as worker_process
from authoring.actions import so_many
from cli.connection import connect, register_attributes, require_schema
from gateway.app import Config, create_app
from gateway.sign_in import sign_in_link
from gateway.stuck import Failing, failing
from settings import Settings
from store import customers, pages, standing
from store.database import Database, open_database
from workflows.interface import TASK_QUEUE

WORKER_READY = "worker ready"
"""What the worker's log says once it takes work; `up` waits for it."""


GATEWAY_READY = "gateway ready"
"""What the gateway's log says once its own socket is open: another's may answer on the same port."""


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the socket, and say so."""
        await super().startup(sockets)
        if self.started:
            print(GATEWAY_READY, flush=True)


def log_as(form: str) -> None:
    """Let our logs be lines for people or JSON for collectors, on standard output."""
    last = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ]
    )


async def run_worker(settings: Settings) -> int:
    """Work until a signal."""
    log_as(settings.log_format)
    database = open_database(settings.database_url)
    await asyncio.to_thread(require_schema, database)
    database.close()
    client = await connect(configuration.temporal())
    await register_attributes(client)
    await worker_process.run(settings, client, _take_work)
    return 0


def _take_work() -> None:
    """Leave what was loaded so far out of every later garbage collection: a sandbox and a mail make many short-lived
    classes, and to look through libraries and releases each time took half of a workflow's first task.
    """
    gc.collect()
    gc.freeze()
    print(WORKER_READY, flush=True)


def run_gateway(settings: Settings, *, allow_rehearsal: bool) -> int:
    """Serve until a signal. Without a dashboard token in the settings one is made, and its link printed."""
    log_as(settings.log_format)
    database = open_database(settings.database_url)
    require_schema(database)
    token = settings.dashboard_token.get_secret_value()
    if not token:
        token = secrets.token_urlsafe(24)
        print(f"dashboard (signs in once): {sign_in_link(settings.public_url, token)}", flush=True)
    app = create_app(
        gateway_config(settings, token, allow_rehearsal=allow_rehearsal),
        database,
        lambda: Client.connect(**configuration.temporal()),
    )
    server = _Server(
        uvicorn.Config(app, host=settings.host, port=settings.port, log_level="warning", timeout_graceful_shutdown=10)
    )
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            name, lambda *_: None
        )  # uvicorn raises the signal again once it has stopped; that is our good end
    server.run()
    database.close()
    return 0 if server.started else 3


def gateway_config(settings: Settings, token: str, *, allow_rehearsal: bool) -> Config:
    """What the gateway must be told, from the settings."""
    return Config(
        webhook_secrets=settings.webhook_secrets,
        link_secrets=(settings.link_secret.get_secret_value(),),
        templates=configuration.HERE / "templates",
        public_url=settings.public_url,
        company_name=settings.company_name,
        company_address=settings.company_address,
        help_url=settings.help_url,
        dashboard_token=token,
        allow_rehearsal=allow_rehearsal,
        slack_signing_secret=settings.slack_signing_secret.get_secret_value(),
        sendgrid_public_key=settings.sendgrid_event_public_key,
        temporal_ui=settings.temporal_ui,
    )


async def status(settings: Settings) -> tuple[int, list[str]]:
    """How the parts are, as lines, and 0 or 3."""
    lines: list[str] = []
    stuck: list[Failing] = []
    database = open_database(settings.database_url)
    try:
        await asyncio.to_thread(require_schema, database)
        counts = await asyncio.to_thread(_counts, database)
        there = f"{so_many(counts.customers, 'customer')}, {so_many(counts.backlog, 'event')} waiting for delivery"
        lines.append(f"database   ok: {there}")
        lines += await asyncio.to_thread(_journeys, database)
        lines += await asyncio.to_thread(held, database)
        client = await connect(configuration.temporal(), timedelta(seconds=1))
        workers = await pollers(client)
        with contextlib.suppress(RPCError):
            stuck = await failing(client)
        lines.append(f"temporal   ok: {client.service_client.config.target_host}, namespace {client.namespace}")
    finally:
        database.close()
    lines += [f"stuck      {one.workflow}: its task fails again and again; see the worker's log" for one in stuck]
    lines.append(f"worker     {'ok: ' + ', '.join(workers) if workers else 'none takes work'}")
    return (0 if workers else 3), lines


def _counts(database: Database) -> pages.Counts:
    with database.read() as c:
        return pages.counts(c)


def _journeys(database: Database) -> list[str]:
    """How many customers are on which journey, once there are any."""
    with database.read() as c:
        found = pages.journeys(c)
    return [f"journeys   {', '.join(f'{name} {count}' for name, count in found.items())}"] if found else []


def held(database: Database) -> list[str]:
    """That no send starts, and what is held of those who sign up; a line each."""
    with database.read() as c:
        halt, signing_up = customers.hold(c, customers.EVERYTHING), standing.listed(c)
    lines = [f"held       {item.text}" for item in signing_up]
    if halt is None:
        return lines
    since = f"by {halt.placed_by} since {halt.placed_at:%Y-%m-%d %H:%M} UTC"
    return [f"held       everything: no send starts, {since}: {halt.reason}", *lines]


async def pollers(client: Client) -> list[str]:
    """The workers that ask for workflow tasks, by the identity that Temporal knows them under."""
    request = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=TASK_QUEUE),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    try:
        found = await client.workflow_service.describe_task_queue(request)
    except RPCError:
        return []
    return sorted({poller.identity for poller in found.pollers})
