"""What becomes of an export under a mapping, and what the tests of imports ask of it."""

from datetime import date
from pathlib import Path

from authoring.diagnostics import render_text
from authoring.imports import Taken, take
from authoring.imports_form import ImportMapping
from authoring.imports_mapping import read_mapping
from authoring.portfolio import Account
from lifecycle.playbook import Lifecycle

DAY = date(2024, 12, 31)
TEAM = ("mara@stageplay.example.com",)


def mapped(text: str, lifecycle: Lifecycle) -> ImportMapping:
    mapping, found = read_mapping(text, "crm.yaml", lifecycle)
    assert mapping is not None, render_text(found)
    return mapping


def taken(text: str, folder: Path, lifecycle: Lifecycle, as_of: date = DAY) -> tuple[Taken, dict[str, Account]]:
    found, missing = take(mapped(text, lifecycle), folder, lifecycle, TEAM, as_of)
    assert not missing, render_text(missing)
    return found, {account.id: account for account in found.accounts}


def placed(text: str, folder: Path, lifecycle: Lifecycle, as_of: date = DAY) -> dict[str, str]:
    return {name: account.signup.placed for name, account in taken(text, folder, lifecycle, as_of)[1].items()}


def problems(found: Taken) -> list[tuple[str, int, str, str]]:
    short = "ravenstack_"
    return [(item.file.removeprefix(short), item.row, item.problem, item.part) for item in found.refused]
