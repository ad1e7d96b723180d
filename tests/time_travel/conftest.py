"""The shipped folders compiled once, and `travel`: everything that runs, in simulated time."""

import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from authoring.compile import Compiled
from authoring.scenario import Scenario, load
from authoring.simulate import Library
from cli.travel import time_skipping, working
from lifecycle.playbook import Manifest, Playbook, digest_of
from tests.time_travel.rig import Rig, TimeMachine

ROOT = Path(__file__).parents[2]
Travel = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def scenario_of(compiled: Compiled) -> Callable[[str], Scenario]:
    """A shipped scenario by the name of its file."""

    def read(name: str) -> Scenario:
        (path,) = (ROOT / "playbooks/scenarios").rglob(f"{name}.yaml")
        found, wrong = load(path.read_text(encoding="utf-8"), path.name, compiled)
        assert found, wrong
        return found

    return read


@pytest.fixture(scope="session")
def travel(compiled: Compiled, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Travel:
    """`async with travel() as rig`: everything running, nobody signed up. `catalogue`: other than the whole one;
    `more`: playbooks that run, with the shipped templates, instead of those that ship.
    """

    @asynccontextmanager
    async def open_rig(catalogue: Manifest | None = None, more: Sequence[Playbook] = ()) -> AsyncIterator[Rig]:
        path = tmp_path_factory.mktemp("travel") / "stageplay.db"
        shutil.copy(sqlite_template, path)
        manifest = catalogue or compiled.catalogue
        assert manifest
        shipped = [item for item in compiled.releases.values() if isinstance(item, Playbook)]
        texts = {path: text for book in shipped for path, text in book.templates.items()}
        written = [replace(book, templates=texts) for book in more]
        invented = {digest_of(book): book for book in written}
        if more:
            manifest = replace(manifest, playbooks={book.name: digest for digest, book in invented.items()})
        current = digest_of(manifest)
        library = Library({**compiled.releases, **invented, current: manifest})
        async with time_skipping() as env:
            with freeze_time(await env.get_current_time(), real_asyncio=True) as frozen:
                assert isinstance(frozen, FrozenDateTimeFactory)
                machine = TimeMachine(frozen)
                async with working(env, library, current, path, [machine]) as db:
                    yield Rig(env, db, library, current, machine.forward_to)

    return open_rig
