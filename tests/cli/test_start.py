"""A command loads what it needs: authors do not wait for the libraries of servers. Told by modules, not by time."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.commands import COMMANDS, imported
from cli.main import run

ROOT = Path(__file__).resolve().parents[2]
SERVERS = {
    "alembic",
    "fastapi",
    "httpx",
    "icalendar",
    "sendgrid",
    "slack_sdk",
    "sqlalchemy",
    "temporalio",
    "uvicorn",
}
SCENARIO = "playbooks/scenarios/warnings/usage-drop.yaml"
SAY = """
import json, sys
from cli.main import run
code = run(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]))
"""


def loaded(*arguments: str) -> set[str]:
    """The modules that a fresh interpreter has loaded once the command is done, which it has to be."""
    argv = [sys.executable, "-c", SAY, *arguments]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    code, names = json.loads(said.splitlines()[-1])
    assert code == 0
    return set(names)


@pytest.mark.parametrize(
    "arguments",
    [("validate", "playbooks/expansion-seats.yaml"), ("test", SCENARIO), ("simulate", "--help"), ("schema",)],
    ids=lambda arguments: arguments[0],
)
def test_what_authors_type_loads_nothing_of_the_servers(arguments: tuple[str, ...]) -> None:
    found = loaded(*arguments)
    assert not found & SERVERS
    assert "cli.processes" not in found, "there is no fcntl on Windows"


def test_help_and_version_load_no_command() -> None:
    for asked in ("--help", "--version"):
        assert not loaded(asked) & {*SERVERS, "authoring.compile", "lifecycle.engine", "pydantic", "settings"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_line_of_the_help_says_what_the_command_says_of_itself(name: str) -> None:
    said = inspect.getdoc(imported(name))
    assert said is not None
    assert COMMANDS[name].says == " ".join(said.partition("\n\n")[0].split())


def test_a_command_that_is_mistyped_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validat"]) == 2
    assert "Did you mean 'validate'?" in capsys.readouterr().err
