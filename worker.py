"""The worker process: gives the workflow and the activities what they need, and runs them until a signal. No rules."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Interceptor, Worker

from activities.delivery import Delivery
from activities.perform import Performer
from settings import Settings
from store.database import Database, open_database
from store.releases import DatabaseReleases
from workflows import releases
from workflows.interface import TASK_QUEUE, WORKFLOW
from workflows.registry import RUNNER, WORKFLOWS
from workflows.replay import difference

GRACE = timedelta(seconds=30)  # for what runs when the signal comes; supervisors wait longer before they kill


async def run(settings: Settings, client: Client, ready: Callable[[], None]) -> None:
    """Work until SIGTERM or SIGINT; then let what runs finish."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    database = open_database(settings.database_url)
    kept = use_releases(database, settings.var_dir / "releases")
    async with working(client, Performer(database, kept, delivery(settings))):
        ready()
        await stop.wait()
    kept.close()
    database.close()


def working(client: Client, performer: Performer, interceptors: Sequence[Interceptor] = ()) -> Worker:
    """All that a worker registers, on our queue; works while it is entered."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=WORKFLOWS,
        activities=[performer.perform],
        workflow_runner=RUNNER,
        interceptors=interceptors,
        graceful_shutdown_timeout=GRACE,
    )


def use_releases(database: Database, folder: Path | None) -> DatabaseReleases:
    """Give the workflows their releases, those in use at once, so that no customer waits for a file. `folder`: where
    this machine keeps copies, None for nowhere.
    """
    kept = DatabaseReleases(database, folder)
    releases.use(kept.get)
    kept.preload()
    return kept


def delivery(settings: Settings) -> Delivery:
    """How this process delivers, from the settings."""
    return Delivery(
        public_url=settings.public_url,
        from_email=settings.from_email,
        company_name=settings.company_name,
        company_address=settings.company_address,
        help_url=settings.help_url,
        link_secret=settings.link_secret.get_secret_value(),
        email_transport=settings.email_transport,
        slack_transport=settings.slack_transport,
        sendgrid_key=settings.sendgrid_api_key.get_secret_value(),
        sendgrid_url=settings.sendgrid_base_url,
        slack_token=settings.slack_bot_token.get_secret_value(),
        slack_url=settings.slack_base_url,
        timeout=settings.provider_timeout,
        rehearsal_to=settings.rehearsal_to,
        webhooks=settings.endpoints,
        webhook_secret=next(iter(settings.webhook_secrets), ""),
    )


async def replay_open_runs(client: Client) -> list[str]:
    """Decide every open run again with this build, inputs and timers compared; for each, what differs, or an
    empty string.
    """
    results = []
    async for run in client.list_workflows(f"WorkflowType = '{WORKFLOW}' AND ExecutionStatus = 'Running'"):
        history = await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
        found = await difference(history)
        results.append(f"{run.id}: {found}" if found else "")
    return results
