"""The processes that `up` keeps: started in order, started again when they die, stopped in the other order, by pid.

Each child leads its own session, so that a Ctrl-C reaches only `up`, which then stops them one after another. What runs
is written to a file before anything else happens, with the start time that the system gives a process: the next `up`
ends what a killed one left behind, and never a stranger that got the same pid.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import IO

from cli.failures import FailedError, MisuseError

Ready = Callable[[bytes], bool]


class ProcessError(FailedError):
    """A process of ours cannot run; the message says which, why, and what to do."""


class FolderTakenError(MisuseError):
    """Another `up` runs on the folder."""


@dataclass(frozen=True)
class Program:
    """What to run. `ready` is given what the log says since the start and tells, without blocking long, whether it
    answers; `patience`: how long that may take; `grace`: how long it may take to stop.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    ready: Ready
    patience: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=35)


@dataclass
class Child:
    """A program that was started, and how often it died since it last stayed up."""

    program: Program
    process: subprocess.Popen[bytes]
    log_from: int = 0
    deaths: int = 0


@dataclass
class Crew:
    """The children of one `up`. `record` is the file that names them."""

    record: Path
    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)

    async def start(self, program: Program) -> None:
        """Start a program and wait until it is ready.

        Raises:
            ProcessError: it died or was not ready in time; the end of its log is in the message.
        """
        log_from = _size(program.log)
        child = Child(program, self._spawn(program), log_from)
        self.children.append(child)
        self._write()
        await _until_ready(child)

    async def watch(self) -> None:
        """Start again what dies, after 1, 2, 4, ... seconds; returns never.

        Raises:
            ProcessError: a program died five times without ever being ready.
        """
        while True:
            for child in self.children:
                if child.process.poll() is not None:
                    await self._revive(child)
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        """Stop the children, last started first; the next is told only when the one before is gone."""
        for child in reversed(self.children):
            await _end(child.process, child.program.grace)
        self.children.clear()
        self.record.unlink(missing_ok=True)

    async def _revive(self, child: Child) -> None:
        name, log = child.program.name, child.program.log
        child.deaths += 1
        if child.deaths > 5:  # noqa: PLR2004 - as the docstring of `watch` says
            raise ProcessError(f"{name} keeps dying; the end of {log}:\n{_tail(log)}")
        self.say(f"{name} ended with {child.process.returncode}; starting it again (log: {log})")
        await asyncio.sleep(2 ** (child.deaths - 1))
        child.log_from = _size(log)
        child.process = self._spawn(child.program)
        self._write()
        with contextlib.suppress(ProcessError):
            await _until_ready(child)
            child.deaths = 0

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        program.log.parent.mkdir(parents=True, exist_ok=True)
        with program.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own programs, no shell
                list(program.argv),
                env=dict(program.env),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _write(self) -> None:
        running = [{"pid": c.process.pid, "born": born(c.process.pid), "name": c.program.name} for c in self.children]
        part = self.record.with_suffix(".part")
        part.write_text(json.dumps(running))
        part.replace(self.record)


@contextlib.contextmanager
def only_one(lock: Path) -> Iterator[IO[str]]:
    """Hold a folder for this process.

    Raises:
        FolderTakenError: another process has it; its pid is in the message.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            pid = file.read().strip() or "unknown"
            folder = lock.parent
            raise FolderTakenError(
                f"another `stageplay up` (pid {pid}) already runs on {folder}\n"
                f"  why: two of them would share one database and one Temporal file.\n"
                f"  fix: stop it with `kill {pid}`, or name another folder with STAGEPLAY_VAR_DIR."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield file


def refuse_beside(lock: Path) -> None:
    """Refuse to run beside an `up` on the same folder, unless it is the one that started this process.

    Raises:
        FolderTakenError: there is one.
    """
    if lock.is_file() and lock.read_text().strip() != str(os.getppid()):
        with only_one(lock):
            pass


async def end_leftovers(record: Path, say: Callable[[str], None]) -> None:
    """End what a killed `up` left running, last started first."""
    for name, pid, since in _recorded(record):
        if since and born(pid) == since:
            say(f"ending {name} (pid {pid}), left by an `up` that was killed")
            await _end_stranger(pid, since)
    record.unlink(missing_ok=True)  # noqa: ASYNC240 - one file, before anything else runs


def _recorded(record: Path) -> list[tuple[str, int, str]]:
    entries = json.loads(record.read_text()) if record.is_file() else []
    return [(entry["name"], entry["pid"], entry["born"]) for entry in reversed(entries)]


async def _end_stranger(pid: int, since: str) -> None:
    os.kill(pid, signal.SIGTERM)
    for _ in range(350):
        if born(pid) != since:
            return
        await asyncio.sleep(0.1)
    os.kill(pid, signal.SIGKILL)


def born(pid: int) -> str:
    """When the system started the process, in the form it tells; empty when there is none, or only its remains."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] == "Z" else fields[19]
    ps = ["/bin/ps", "-o", "lstart=", "-p", str(pid)]
    found = subprocess.run(ps, capture_output=True, text=True, check=False)  # noqa: S603 - a number in a fixed command
    return found.stdout.strip()


async def _until_ready(child: Child) -> None:
    program = child.program
    for _ in range(int(program.patience.total_seconds() * 10)):
        if child.process.poll() is not None:
            raise ProcessError(
                f"{program.name} ended at once with {child.process.returncode}; the end of {program.log}:\n"
                f"{_tail(program.log)}"
            )
        if await asyncio.to_thread(lambda: program.ready(program.log.read_bytes()[child.log_from :])):
            return
        await asyncio.sleep(0.1)
    raise ProcessError(
        f"{program.name} did not answer within {program.patience.total_seconds():.0f} s; the end of {program.log}:\n"
        f"{_tail(program.log)}"
    )


async def _end(process: subprocess.Popen[bytes], grace: timedelta) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    for _ in range(int(grace.total_seconds() * 20)):
        if process.poll() is not None:
            return
        await asyncio.sleep(0.05)
    process.kill()
    await asyncio.to_thread(process.wait)


def _size(log: Path) -> int:
    return log.stat().st_size if log.is_file() else 0


def _tail(log: Path, lines: int = 15) -> str:
    return "\n".join("  | " + line for line in log.read_text(errors="replace").splitlines()[-lines:])
