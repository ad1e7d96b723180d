"""`stageplay test`: scenario files played and compared, on the simulator or on Temporal, and what they never visit.

Which files: a folder means all scenarios below it, a playbook all that name it, a scenario itself; none means all of
the playbooks' folder. What is covered: the playbooks found the same way, else those that the scenarios name.
"""

import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from authoring import scenario
from authoring.compile import Compiled, compile_folder
from authoring.coverage import Coverage, coverage
from authoring.diagnostics import Diagnostic, Report
from authoring.scenario import Scenario
from authoring.source import read_text
from cli.failures import MisuseError
from lifecycle.model import Decision
from lifecycle.playbook import Playbook

LIFECYCLE = "lifecycle.yaml"
"""The file that makes a folder the playbooks' own."""
SUFFIXES = (".yaml", ".yml")
Server = Literal["simulator", "temporal"]
Live = Callable[[Scenario, Compiled], Awaitable["Lived"]]
"""Lets a customer live through a scenario, wherever that is."""


@dataclass(frozen=True)
class Loaded:
    """A scenario file: read, or what is wrong with it. `at`: where it is."""

    at: Path
    file: str
    scenario: Scenario | None
    mistakes: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Chosen:
    """What to test. `compiled`: the playbooks' `folder`; without a catalogue there is nothing to test. `books`: what is
    to be covered.
    """

    compiled: Compiled
    folder: Path
    files: tuple[Loaded, ...] = ()
    books: tuple[Playbook, ...] = ()


@dataclass(frozen=True)
class Lived:
    """What came of a scenario: `findings`, what came otherwise than written; `begun`: what started each play, as of
    `Simulation.begun`; `differences`, where Temporal decided
    otherwise than the simulator.
    """

    findings: tuple[Diagnostic, ...]
    decisions: tuple[Decision, ...] = ()
    differences: tuple[str, ...] = ()
    begun: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """One file and what came of it. `seconds`: how long that took here."""

    loaded: Loaded
    lived: Lived
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether all came as written, and the same everywhere."""
        return not self.lived.findings and not self.lived.differences


@dataclass(frozen=True)
class Outcome:
    """All that came of it."""

    on: Server
    results: tuple[Result, ...]
    coverage: tuple[Coverage, ...]

    @property
    def passed(self) -> int:
        """How many scenarios passed."""
        return sum(result.passed for result in self.results)

    @property
    def code(self) -> int:
        """0 all passed, 1 a scenario did not, 3 Temporal and the simulator disagree, which is our fault."""
        if any(result.lived.differences for result in self.results):
            return 3
        return int(self.passed < len(self.results))


def folder_of(path: Path, default: Path) -> Path:
    """The playbooks' folder that a path belongs to: the nearest at or above it with a lifecycle file."""
    start = path.absolute()
    return next((one for one in (start, *start.parents) if (one / LIFECYCLE).is_file()), default.absolute())


def choose(paths: Sequence[Path], playbooks: Path, templates: Path) -> Chosen:
    """Compile the playbooks and find what to test.

    Raises:
        MisuseError: a path is absent, paths belong to several folders, or there is no scenario.
    """
    for path in paths:
        if not path.exists():
            raise MisuseError(f"there is no {path}")
    folders = {folder_of(path, playbooks) for path in paths or [playbooks]}
    if len(folders) > 1:
        raise MisuseError(f"these belong to {len(folders)} folders of playbooks; test one folder at a time")
    (folder,) = folders
    compiled = compile_folder(folder, templates)
    if compiled.catalogue is None:
        return Chosen(compiled, folder)
    return _chosen([path.absolute() for path in paths] or [folder], folder, compiled)


def _chosen(paths: Sequence[Path], folder: Path, compiled: Compiled) -> Chosen:
    books = [book for book in compiled.releases.values() if isinstance(book, Playbook)]
    every = [
        Loaded(folder.parent / source.file, source.file, *scenario.read(source, compiled))
        for source in compiled.scenarios
    ]
    files: dict[str, Loaded] = {}
    wanted: dict[str, Playbook] = {}
    for path in paths:
        at = [book for book in books if (folder.parent / book.file).is_relative_to(path)]
        here = _naming(every, {book.name for book in at}) if path.is_file() and at else _below(every, path)
        here = here if path.is_relative_to(folder) else _elsewhere(path, compiled)
        names = {name for one in here if one.scenario for name in one.scenario.playbooks}
        files |= {one.file: one for one in here}
        wanted |= {book.name: book for book in at or books if at or book.name in names}
    if not files:
        raise MisuseError(f"there is no scenario in {', '.join(map(str, paths))}")
    found = tuple(files[name] for name in sorted(files))
    return Chosen(compiled, folder, found, tuple(wanted[name] for name in sorted(wanted)))


def _naming(every: Sequence[Loaded], books: set[str]) -> list[Loaded]:
    """The scenarios that test one of these playbooks; what cannot be read may be one."""
    return [one for one in every if one.scenario is None or books & set(one.scenario.playbooks)]


def _below(every: Sequence[Loaded], path: Path) -> list[Loaded]:
    return [one for one in every if one.at.is_relative_to(path)]


def _elsewhere(path: Path, compiled: Compiled) -> list[Loaded]:
    """Scenarios outside the playbooks' folder."""
    if path.is_file():
        return [_load(path, compiled)]
    files = sorted(one for one in path.rglob("*") if one.suffix in SUFFIXES and one.is_file())
    return [_load(one, compiled) for one in files if re.search(rb"^scenario:", one.read_bytes(), re.MULTILINE)]


def _load(path: Path, compiled: Compiled) -> Loaded:
    report = Report()
    text = read_text(path, str(path), report)
    if text is None:
        return Loaded(path, str(path), None, report.sorted())
    return Loaded(path, str(path), *scenario.load(text, str(path), compiled))


async def test(chosen: Chosen, on: Server, done: Callable[[Result], None]) -> Outcome:
    """Play every scenario, one after another, and say of each when it is done.

    Raises:
        ServerMissingError: the time-skipping server is not installed.
    """
    results = []
    async with _server(on) as live:
        for loaded in chosen.files:
            since = time.perf_counter()
            lived = Lived(loaded.mistakes)
            if loaded.scenario is not None:
                lived = await live(loaded.scenario, chosen.compiled)
            results.append(Result(loaded, lived, time.perf_counter() - since))
            done(results[-1])
    begun = {reason for result in results for reason in result.lived.begun}
    found = coverage(chosen.books, [result.lived.decisions for result in results], begun)
    return Outcome(on, tuple(results), found)


def _server(on: Server) -> AbstractAsyncContextManager[Live]:
    if on == "simulator":
        return _simulator()
    from cli.on_temporal import temporal  # noqa: PLC0415 - the server's libraries take longer than most scenarios

    return temporal()


@asynccontextmanager
async def _simulator() -> AsyncIterator[Live]:
    async def live(one: Scenario, compiled: Compiled) -> Lived:
        played = scenario.run(one, one.library(compiled))
        return Lived(played.findings, played.simulation.decisions, begun=played.simulation.begun)

    yield live
