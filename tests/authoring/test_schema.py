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

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
SHIPPED = sorted((ROOT / "playbooks").rglob("*.yaml"))
GOOD = [*SHIPPED, *sorted((HERE / "ok").glob("*.yaml")), *sorted((HERE / "standard/playbooks").glob("*.yaml"))]
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


def read(path: Path) -> object:
    return plain(parse(path.read_text(encoding="utf-8"), path.name, Report()).root)


def faults(path: Path) -> list[str]:
    return [f"{error.instance_path}: {error.message}" for error in VALIDATOR.iter_errors(read(path))]


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


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_first_line_of_what_ships_points_editors_at_the_schema(path: Path) -> None:
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named
    assert (path.parent / named[1]).resolve() == ROOT / "playbooks/schema.json"
