"""The compiled core is the Python: it passes its tests, plays every scenario and decides the same of sixty lives."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import native
from bench import simulator

pytestmark = pytest.mark.nightly
ROOT = Path(__file__).resolve().parents[2]
TESTS = ["-m", "pytest", "-q", "-o", "pythonpath=", "-p", "no:cacheprovider", "-m", "not nightly", "tests/lifecycle"]


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    subprocess.run([sys.executable, "native.py"], cwd=ROOT, check=True, timeout=900)
    assert native.is_made()


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=native.environment(compiled=True),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def _ran(*arguments: str) -> str:
    done = _run(*arguments)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_it_is_the_compiled_core_that_runs() -> None:
    assert _ran("-c", "from lifecycle import engine; print(engine.__file__)").strip().endswith((".so", ".pyd"))


def test_what_was_compiled_of_other_sources_is_not_run() -> None:
    stamp = native.FOLDER / native.STAMP
    was = stamp.read_text("utf-8")
    stamp.write_text("of other sources", "utf-8")
    try:
        done = _run("-c", "from lifecycle import engine")
    finally:
        stamp.write_text(was, "utf-8")
    assert done.returncode == 1
    assert "compiled of other sources" in done.stderr


def test_the_tests_of_the_core_pass() -> None:
    assert " passed" in _ran(*TESTS)


def test_every_scenario_that_ships_passes() -> None:
    found = json.loads(_ran("-m", "cli.main", "test", "playbooks", "--format", "json"))
    assert found["failed"] == 0


def test_both_decide_the_same_of_sixty_lives() -> None:
    arms = [simulator.Arm(compiled=compiled) for compiled in (False, True)]
    for _, names in simulator.WORKS:
        for turn in range(3):
            python, machine = [arm.play(turn, names) for arm in arms]
            assert (python.decisions, python.decided) == (machine.decisions, machine.decided)
    for arm in arms:
        arm.end()
