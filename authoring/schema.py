"""The grammar as a JSON Schema (draft 2020-12), for editors: one schema for every file, told apart by its first key.

A schema sees one file at a time and no meaning: that a role, a step or a fact exists is for `stageplay validate` to
say. What is wrong with keys and kinds of values both refuse; `tests/authoring/test_schema.py` holds them together.
"""

import json
import re
from typing import Any

from authoring.grammar import DATA_KINDS, FILE_KINDS, GRAMMAR
from authoring.grammar_form import Json, Key, Shape

KINDS = {**DATA_KINDS, **FILE_KINDS}
SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def schema() -> Json:
    """The schema of every file below `playbooks/`, and of the files that commands take."""
    return {
        "$schema": SCHEMA,
        "title": "Stageplay",
        "description": "Playbooks, scenarios, the lifecycle, facts, people; portfolios, assumed answers, imports.",
        "type": "object",
        **_told_apart(list(KINDS.items())),
        "$defs": {shape.name: _shape(shape) for shape in GRAMMAR.values()},
    }


def text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _told_apart(kinds: list[tuple[str, str]]) -> Json:
    """`if` the file has the first key it is that kind, `else` it is told apart by the others."""
    (key, shape), *others = kinds
    rest = _told_apart(others) if others else {"anyOf": [{"required": [name]} for name in KINDS]}
    found: Json = {"$ref": f"#/$defs/{shape}"}
    if shape == "playbook":
        found = {"if": {"required": ["uses"]}, "then": {"$ref": "#/$defs/variant"}, "else": found}
    return {"if": {"required": [key]}, "then": found, "else": rest}


def _shape(shape: Shape) -> Json:
    found: Json = {
        "description": shape.doc,
        "type": "object",
        "additionalProperties": False,
        "properties": {key.name: _key(key) for key in shape.keys},
    }
    if required := [key.name for key in shape.keys if key.required]:
        found["required"] = required
    alternatives = [{"required": [name]} for name in shape.some]
    if shape.one_of:
        exactly: Json = {"oneOf": [{"required": [name]} for name in shape.one_of]}
        found["anyOf"] = [exactly, *alternatives]
    elif alternatives:
        found["anyOf"] = alternatives
    return found


def _key(key: Key) -> Json:
    default = f" Left out: {key.default}." if key.default else ""
    found: dict[str, Any] = {"description": plain(f"{key.doc[:1].upper()}{key.doc[1:]}.{default}")}
    if key.example:
        found["examples"] = [key.example]
    return found | key.kind.schema


def plain(markdown: str) -> str:
    """A cell of the reference as an editor shows it: links as their words."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
