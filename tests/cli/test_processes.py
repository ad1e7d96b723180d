"""The supervision of `up`, on real processes that last moments."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cli.processes import Crew, FolderTakenError, ProcessError, Program, born, end_leftovers, only_one

READY_THEN_WAIT = "print('ready', flush=True); import time; time.sleep(60)"
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def crew(tmp_path: Path, said: list[str]) -> Iterator[Crew]:
    crew = Crew(tmp_path / "processes.json", said.append)
    yield crew
    asyncio.run(crew.stop())


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Program]:
    def make(code: str, name: str = "part", **more: timedelta) -> Program:
        argv = [sys.executable, "-c", textwrap.dedent(code)]
        return Program(name, argv, dict(os.environ), tmp_path / f"{name}.log", lambda log: b"ready" in log, **more)

    return make


def test_a_program_counts_as_started_once_it_is_ready(crew: Crew, program: Callable[..., Program]) -> None:
    asyncio.run(crew.start(program(READY_THEN_WAIT)))

    assert b"ready" in crew.children[0].program.log.read_bytes()
    assert crew.children[0].process.poll() is None


def test_a_program_that_dies_at_once_is_reported_with_the_end_of_its_log(
    crew: Crew, program: Callable[..., Program]
) -> None:
    with pytest.raises(ProcessError, match="the port is taken"):
        asyncio.run(crew.start(program("import sys; sys.exit('the port is taken')")))


def test_a_program_that_never_answers_is_given_up(crew: Crew, program: Callable[..., Program]) -> None:
    silent = program("import time; time.sleep(60)", patience=timedelta(seconds=0.3))

    with pytest.raises(ProcessError, match="did not answer within"):
        asyncio.run(crew.start(silent))


def test_the_log_of_an_earlier_run_does_not_make_a_program_ready(crew: Crew, program: Callable[..., Program]) -> None:
    silent = program("import time; time.sleep(60)", patience=timedelta(seconds=0.3))
    silent.log.write_text("ready\n")

    with pytest.raises(ProcessError):
        asyncio.run(crew.start(silent))


def test_stopping_ends_the_last_started_first(crew: Crew, program: Callable[..., Program], tmp_path: Path) -> None:
    order = tmp_path / "order"
    tells = """
        import signal, sys, time
        def end(*_):
            open({order!r}, "a").write({name!r} + " ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("ready", flush=True)
        time.sleep(60)
    """

    async def run() -> None:
        for name in ("temporal", "worker", "gateway"):
            await crew.start(program(tells.format(order=str(order), name=name), name))
        await crew.stop()

    asyncio.run(run())

    assert order.read_text().split() == ["gateway", "worker", "temporal"]
    assert not crew.record.exists()


def test_a_program_that_does_not_listen_is_killed_after_its_grace(crew: Crew, program: Callable[..., Program]) -> None:
    async def run() -> subprocess.Popen[bytes]:
        await crew.start(program(DEAF, grace=timedelta(seconds=0.2)))
        process = crew.children[0].process
        await crew.stop()
        return process

    assert asyncio.run(run()).returncode == -signal.SIGKILL


def test_a_killed_program_is_started_again(crew: Crew, program: Callable[..., Program], said: list[str]) -> None:
    async def run() -> tuple[int, int]:
        await crew.start(program(READY_THEN_WAIT))
        first = crew.children[0].process.pid
        watching = asyncio.create_task(crew.watch())
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(20):
            while crew.children[0].process.pid == first or crew.children[0].deaths:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.02)
        watching.cancel()
        return first, crew.children[0].process.pid

    first, second = asyncio.run(run())

    assert first != second
    assert json.loads(crew.record.read_text())[0]["pid"] == second
    assert said == [f"part ended with -9; starting it again (log: {crew.children[0].program.log})"]


def test_a_second_up_on_the_same_folder_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from cli.processes import only_one
        with only_one(Path(sys.argv[1])):
            print("held", flush=True)
            sys.stdin.read()
    """
    argv = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "up.lock")]
    holder = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"

    with pytest.raises(FolderTakenError, match=rf"pid {holder.pid}\)"), only_one(tmp_path / "up.lock"):
        pass
    holder.communicate()
    with only_one(tmp_path / "up.lock"):
        pass


def test_what_a_killed_up_left_behind_is_ended(tmp_path: Path, said: list[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as left:
        record = tmp_path / "processes.json"
        record.write_text(json.dumps([{"pid": left.pid, "born": born(left.pid), "name": "worker"}]))

        asyncio.run(end_leftovers(record, said.append))

        assert left.wait(5) == -signal.SIGTERM
    assert said == [f"ending worker (pid {left.pid}), left by an `up` that was killed"]
    assert not record.exists()


def test_a_stranger_with_the_pid_of_a_dead_child_is_left_alone(tmp_path: Path, said: list[str]) -> None:
    record = tmp_path / "processes.json"
    record.write_text(json.dumps([{"pid": os.getpid(), "born": "earlier", "name": "worker"}]))

    asyncio.run(end_leftovers(record, said.append))

    assert said == []
