"""Imports: what is wrong with a mapping or its files is said at the right words, and no row is lost without a word."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authoring.diagnostics import render_text
from authoring.imports import take
from authoring.imports_form import ImportMapping
from authoring.imports_mapping import read_mapping
from lifecycle.playbook import Lifecycle
from tests.fakes import export

DAY = date(2024, 12, 31)
TEAM = ("mara@stageplay.example.com",)
_, FILES = export.mappings()


def mapped(text: str, lifecycle: Lifecycle) -> ImportMapping:
    mapping, found = read_mapping(text, "crm.yaml", lifecycle)
    assert mapping is not None, render_text(found)
    return mapping


WRONG = [
    ("import: crm", "import: My CRM", "name", "My CRM"),
    ("import: crm", "import: crm\nimports: x", "unknown-key", "imports"),
    ("import: crm", "import: crm\nas_of: 31.12.2024", "time", "31.12.2024"),
    ("import: crm", "import: crm\ndates: dd-mm-yy", "time", "dd-mm-yy"),
    ("import: crm", "import: crm\nseparator: pipe", "value", "pipe"),
    ("files:", "file:", "missing-key", "import"),
    ("{ path: more.csv, account: id, on: day, id: key }", "more.csv", "value", "more.csv"),
    ("path: more.csv", "path: ../more.csv", "value", "../more.csv"),
    ("path: more.csv", "path: /more.csv", "value", "/more.csv"),
    ("path: more.csv, ", "", "missing-key", "account"),
    ("path: accounts.csv, account: id", "path: accounts.csv", "missing-key", "path"),
    ("account: id, on", "account: { key: mores }, on", "unknown-name", "mores"),
    ("account: id, on", "account: { key: accounts }, on", "missing-key", "accounts"),
    ("account: id, on", "account: { a: b, c: d }, on", "value", "a"),
    ("on: day, ", "on: day, starts: day, ", "when", "starts"),
    ("on: day, ", "on: day, dates: soon, ", "time", "soon"),
    ("from: accounts, name", "from: acounts, name", "unknown-name", "acounts"),
    ("from: accounts, name: name", "name: name", "missing-key", "name"),
    ("name: name, ", "", "missing-key", "from"),
    ("signed_up_on: since", "signed_up_on: [since]", "value", "["),
    ("signed_up_on: since", "signed_up_on: since, tier: { values: { a: b } }", "missing-key", "values"),
    ("signed_up_on: since", "signed_up_on: since, tier: { column: x, values: { a: [b] } }", "value", "["),
    ("signed_up_on: since", "signed_up_on: since, tier: { column: x, values: yes }", "value", "yes"),
    ("accounts: { from", "acounts: { from", "missing-key", "import"),
]
MORE = [
    ("facts: { users.licenced: seats }", "unknown-fact", "users.licenced"),
    ("facts: { users.licensed: { from: more, sum: a, count: rows } }", "one-action", "from"),
    ("facts: { users.licensed: { from: more } }", "one-action", "from"),
    ("facts: { users.licensed: { from: more, sum: seats, within: 1 week } }", "length", "1 week"),
    ("facts: { users.licensed: { from: accounts, sum: a, within: 3 days } }", "missing-key", "accounts"),
    ("facts: { users.licensed: { from: accounts, latest: a } }", "missing-key", "accounts"),
    ("facts: { users.licensed: { from: more, sum: a, only: yes } }", "value", "yes"),
    ("facts: [a]", "value", "["),
    ("contacts: { from: more, name: a }", "missing-key", "from"),
    ("contacts: [a]", "value", "a"),
    ("contacts: { from: more, email: a, roles: { is: boss } }", "unknown-role", "boss"),
    ("contracts: { from: more }", "missing-key", "more"),
    ("contracts: { from: mores }", "unknown-name", "mores"),
    ("contracts: { from: more, ends_on: a, months: { is: 0 } }", "range", "0"),
    ("contracts: { from: more, ends_on: a, months: { is: a year } }", "value", "a year"),
    ("stage: { column: a, values: { a: onbording } }", "unknown-stage", "onbording"),
    ("stage: { by: luck }", "value", "luck"),
    ("stage: [a]", "value", "["),
    ("churned: { from: accounts }", "missing-key", "from"),
    ("churned: { from: more, came_back: maybe }", "value", "maybe"),
    ("events: { from: more, event: api.conected }", "unknown-event", "api.conected"),
    ("events: { from: accounts, event: api.connected }", "missing-key", "accounts"),
    ("events: { from: more }", "missing-key", "from"),
]


def first(text: str, lifecycle: Lifecycle) -> tuple[str, str]:
    """The first finding's rule, and the words under its caret."""
    mapping, found = read_mapping(text, "crm.yaml", lifecycle)
    assert mapping is None
    place = found[0].place
    return found[0].rule, place.source[place.column - 1 : place.column - 1 + place.width]


@pytest.mark.parametrize(("old", "new", "rule", "words"), WRONG)
def test_each_mistake_in_a_mapping_is_a_finding_at_the_right_words(
    shipped: Lifecycle, old: str, new: str, rule: str, words: str
) -> None:
    assert old in export.SMALL
    assert first(export.SMALL.replace(old, new, 1), shipped)[0] == rule
    assert first(export.SMALL.replace(old, new, 1), shipped)[1].startswith(words)


@pytest.mark.parametrize(("section", "rule", "words"), MORE)
def test_each_mistake_in_a_section_is_a_finding_at_the_right_words(
    shipped: Lifecycle, section: str, rule: str, words: str
) -> None:
    found = first(f"{export.SMALL}{section}\n", shipped)

    assert found[0] == rule
    assert found[1].startswith(words)


@pytest.mark.parametrize("text", ["", "a", "- a", "import: [\n", "import: crm\nfiles: a\naccounts: b"])
def test_a_file_that_is_no_mapping_says_so(shipped: Lifecycle, text: str) -> None:
    mapping, found = read_mapping(text, "crm.yaml", shipped)

    assert mapping is None
    assert found


def test_a_column_that_is_not_there_is_named_with_the_nearest(folder: Path, shipped: Lifecycle) -> None:
    mapping = mapped(FILES.replace("account_name", "acount_name"), shipped)
    found, missing = take(mapping, folder, shipped, TEAM, DAY)

    assert found.accounts == ()
    assert [(item.rule, item.what, item.fix) for item in missing] == [
        ("unknown-name", '"ravenstack_accounts.csv" has no column "acount_name"', 'did you mean "account_name"?')
    ]
    place = missing[0].place
    assert place.source[place.column - 1 :].startswith("acount_name")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"id,name,since\na,\xff\xfe,2024-01-01\n", "is not utf-8 text"),
        (b"id,name,since\na," + b"x" * 200_000 + b",2024-01-01\n", "is not a CSV file"),
        (b"", 'has no column "id"'),
    ],
)
def test_a_file_that_cannot_be_read_is_a_finding_in_the_mapping(
    small: Path, shipped: Lifecycle, content: bytes | None, words: str
) -> None:
    path = small / "accounts.csv"
    path.unlink()
    if content is not None:
        path.write_bytes(content)

    found, missing = take(mapped(export.SMALL, shipped), small, shipped, TEAM, DAY)

    assert found.accounts == ()
    assert any(words in item.what for item in missing)


def test_an_account_is_found_through_one_file_at_most(small: Path, shipped: Lifecycle) -> None:
    text = (
        export.SMALL.replace("  more:", "  third: { path: more.csv, account: { id: more } }\n  more:")
        .replace("account: id, on: day", "account: { id: third }, on: day")
        .replace("{ path: more.csv, account: { id: more } }", "{ path: more.csv, account: { id: more }, id: key }")
    )

    missing = take(mapped(text, shipped), small, shipped, TEAM, DAY)[1]

    assert {item.rule for item in missing} == {"value"}
    assert "through another file itself" in missing[0].what


cells = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(cells, min_size=5, max_size=6), max_size=6))
def test_whatever_stands_in_the_cells_every_row_is_taken_or_reported(
    small: Path, shipped: Lifecycle, rows: list[list[str]]
) -> None:
    lines = ["id,name,since,left,stage", "a,Acme,2024-03-01,,live"]
    lines += [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows]
    (small / "accounts.csv").write_text("\n".join(lines), encoding="utf-8", newline="")
    text = export.SMALL.replace(
        "since }", "since, zone: left, country: stage, tier: stage, arr: left, csm: left, admin: left }"
    )

    found, missing = take(mapped(text + "stage: stage\n", shipped), small, shipped, TEAM, DAY)

    assert not missing
    whole: list[Any] = [item for item in found.refused if item.file == "accounts.csv" and not item.part]
    blank = sum(not any(cell.strip() for cell in row) for row in rows)
    assert len(found.accounts) + len(whole) + blank == 1 + len(rows)
