"""`stageplay worker`, `gateway`, `migrate` and `status`: the parts one by one, for operators."""

import asyncio
from typing import Annotated

import typer

import settings as configuration
from cli import serve
from cli.processes import refuse_beside
from cli.screen import out, say
from store.database import open_database

try:
    from uvloop import run as run_fast
except ImportError:  # there is none for Windows
    from asyncio import run as run_fast  # type: ignore[assignment] # the same for one coroutine

SECRETS = ("webhook_secret", "link_secret")


def worker() -> None:
    """Run a worker against the Temporal that TEMPORAL_ADDRESS names and STAGEPLAY_DATABASE_URL."""
    raise typer.Exit(run_fast(serve.run_worker(configuration.load(needs=("link_secret",)))))


def gateway(
    *,
    allow_rehearsal: Annotated[bool, typer.Option(help="Let signups ask for days that last seconds.")] = False,
) -> None:
    """Run the gateway: events, Slack, surveys, dashboard."""
    settings = configuration.load(needs=SECRETS)
    refuse_beside(settings.var_dir / "up.lock")
    raise typer.Exit(serve.run_gateway(settings, allow_rehearsal=allow_rehearsal))


def status() -> None:
    """Say how database, Temporal and worker are; exit code 3 when one is missing."""
    code, lines = asyncio.run(serve.status(configuration.load()))
    for line in lines:
        say(line)
    raise typer.Exit(code)


def migrate() -> None:
    """Bring the database's schema to this version; safe to repeat and to race."""
    database = open_database(configuration.load().database_url)
    database.migrate()
    database.close()
    out.print("the database is up to date")
