"""The JSON Schema that editors use agrees with the readers: what ships is valid, what is misspelt is not."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest

from authoring import schema
from authoring.diagnostics import Report
from authoring.grammar_form import Json
from authoring.source import Mapping, Node, Scalar, Sequence, parse
from tests.fakes import export

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SHIPPED = sorted((ROOT / "playbooks").rglob("*.yaml"))
SAMPLES = sorted((ROOT / "samples").glob("*.yaml"))
GOOD = [
    *SHIPPED,
    *SAMPLES,
    *sorted((HERE / "ok").glob("*.yaml")),
    *sorted((HERE / "standard/playbooks").glob("*.yaml")),
]
OF_KEYS = ("unknown-key", "missing-key", "value", "name", "length", "wait-by", "one-action")
"""Rules about keys and kinds of values, which a schema can see."""
BAD = [path for path in sorted((HERE / "bad").glob("*.yaml")) if path.stem.startswith(OF_KEYS)]
VALIDATOR = jsonschema_rs.Draft202012Validator(schema.schema())


def plain(node: Node | None) -> object:
    """What an editor sees of a file: YAML 1.2, so `yes` is a text."""
    match node:
        case Mapping(entries=entries):
            return {name: plain(value) for name, value in entries.items()}
        case Sequence(items=items):
            return [plain(item) for item in items]
        case Scalar(kind="int" | "float", value=value):
            return json.loads(re.sub(r"\A\+?(-?)0*(?=\d)", r"\1", value))
        case Scalar(kind="bool", value=value):
            return value.lower() == "true"
        case Scalar(kind="text", value=value):
            return value
        case _:
            return None


def faults_of(text: str) -> list[str]:
    read = plain(parse(text, "file.yaml", Report()).root)
    return [f"{error.instance_path}: {error.message}" for error in VALIDATOR.iter_errors(read)]


def faults(path: Path) -> list[str]:
    return faults_of(path.read_text(encoding="utf-8"))


MAPPINGS = export.mappings()
ANSWERS = "assume: us\n"
ACCOUNT = "accounts:\n  - { id: a, name: A, zone: Europe/Berlin, "
MAPPING = """import: crm
files: { all: { path: all.csv, account: id } }
accounts: { from: all, name: name, signed_up_on: since }
"""
LIES = [
    *(f"{ACCOUNT}{more} }}\n" for more in ("stages: adoption", "contacts: [{ mail: x }]", "contacts: [{ roles: boss }]",
        "contracts: [{ id: main }]", "events: [{ day: 1 }]", "events: [{ at: '2026-03-02T09:00Z', told: 3 }]",
        "facts: { seats: 3 }", "arr: much")),
    "accounts: []\naccount: []\n",
    "accounts: [{ id: a, zone: Europe/Berlin }]\n",
    *(f"{ANSWERS}{more}\n" for more in ("approval: {}", "approvals: { approved: 0.85 }", "approvals: { by: csm }",
        "approvals: { steps: { kickoff: { done: 1% } } }", "surveys: { stars: {} }",
        "surveys: { nps: { scores: { a: 1% } } }",
        "tasks: { done: 90 }", "tasks: { after: soon }", "meetings: { missed: 1% }", "emails: { read: 1% }",
        "course: [{ day: 1 }]", "course: [{ event: api.connected }]", "course: [{ day: x, event: api.connected }]",
        "churn: { a_month: 1% }", "renewals: { before: soon }")),
    "import: crm\n",
    *(f"{MAPPING}{more}\n" for more in ("people: {}", "separator: pipe", "dates: soon", "contacts: { from: all }",
        "contacts: { from: all, email: { columns: x } }", "contracts: { months: 12 }", "stage: { by: luck }",
        "churned: { from: all, came_back: maybe }", "events: [{ from: all }]", "facts: { seats: seats }",
        "facts: { users.licensed: { from: all, sum: a, count: rows } }",
        "facts: { users.licensed: { from: all, sum: a, within: 1 week } }")),
    MAPPING.replace("path: all.csv, ", ""),
    MAPPING.replace("account: id", "account: { a: b, c: d }"),
    MAPPING.replace("name: name, ", ""),
]  # fmt: skip
"""Portfolios, assumptions and mappings that nobody can read."""


@pytest.mark.parametrize("text", MAPPINGS, ids=("list", "files"))
def test_a_mapping_of_the_documents_is_valid(text: str) -> None:
    assert faults_of(text) == []
    assert text.startswith("# yaml-language-server: $schema=")


def test_whole_files_of_the_other_kinds_are_valid() -> None:
    assert [faults_of(text) for text in (f"{ACCOUNT}}}\n", ANSWERS, MAPPING)] == [[], [], []]


@pytest.mark.parametrize("text", LIES, ids=[str(n) for n in range(len(LIES))])
def test_what_is_wrong_in_the_other_files_is_refused(text: str) -> None:
    assert faults_of(text)


def test_the_schema_is_a_schema_of_the_draft_it_names() -> None:
    jsonschema_rs.meta.validate(schema.schema())


@pytest.mark.parametrize("path", GOOD, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_compiles_is_valid(path: Path) -> None:
    assert faults(path) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_what_is_wrong_with_keys_and_kinds_is_refused(path: Path) -> None:
    assert faults(path)


@pytest.mark.parametrize("name", schema.schema()["$defs"])
def test_every_reference_of_the_schema_leads_somewhere(name: str) -> None:
    whole = schema.schema()
    shape: Json = whole["$defs"][name]
    assert shape["description"].endswith(".")
    assert set(re.findall(r'"#/\$defs/(\w+)"', json.dumps(shape))) <= set(whole["$defs"])


def test_the_committed_schema_is_that_of_the_grammar() -> None:
    """`python -m authoring.reference` writes it."""
    assert (ROOT / "playbooks/schema.json").read_text(encoding="utf-8") == schema.text()


@pytest.mark.parametrize("path", [*SHIPPED, *SAMPLES], ids=lambda path: str(path.relative_to(ROOT)))
def test_the_first_line_of_what_ships_points_editors_at_the_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named
    assert (path.parent / named[1]).resolve() == ROOT / "playbooks/schema.json"
