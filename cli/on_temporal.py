"""`stageplay test --on temporal`: scenarios lived through on Temporal's time-skipping server, each in a fresh store."""

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from authoring import scenario
from authoring.compile import Compiled
from authoring.scenario import Scenario
from cli import travel
from cli.testing import Live, Lived
from store.database import open_database


@asynccontextmanager
async def temporal() -> AsyncIterator[Live]:
    """One server for all scenarios, a fresh store for each."""
    with TemporaryDirectory() as folder:
        template = Path(folder) / "empty.db"
        database = open_database(f"sqlite:///{template}")
        database.migrate()
        database.close()
        async with travel.time_skipping() as env:

            async def live(one: Scenario, compiled: Compiled) -> Lived:
                library = one.library(compiled)
                found = await travel.travel(env, scenario.resolve(one, library), library, template)
                played = found.simulation
                return Lived(found.findings, played.decisions, tuple(found.differences), played.begun)

            with _hushed():
                yield live


@contextmanager
def _hushed() -> Iterator[None]:
    """Let our logs say only what went wrong, and on standard error: the result has standard output to itself."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)
