"""A key stands in the grammar and nowhere else, so that what is read, documented and completed is the same."""

import ast
from pathlib import Path

import pytest

from authoring.grammar import DATA_KINDS, FILE_KINDS, GRAMMAR, keys, one_of
from authoring.grammar_form import Key, Shape

AUTHORING = Path(__file__).parents[2] / "authoring"
READERS = sorted(AUTHORING.glob("*.py"))
SHAPES = list(GRAMMAR.values())


@pytest.mark.parametrize("path", READERS, ids=lambda path: path.stem)
def test_a_reader_takes_the_keys_of_a_mapping_from_the_grammar(path: Path) -> None:
    written_out = [
        f"{path.name}:{node.lineno}"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Fields"
        if len(node.args) > 1 and isinstance(node.args[1], ast.Tuple | ast.List | ast.Set)
    ]
    assert not written_out


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_key_says_what_it_means_in_a_cell(shape: Shape) -> None:
    assert shape.doc.endswith(".")
    assert len(shape.names) == len(shape.keys)
    for key in shape.keys:
        assert key.doc
        assert not key.doc.endswith(".")
        assert not set("|\n") & set(key.doc + key.default + key.example + key.kind.shown)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_what_must_stand_has_no_default(shape: Shape) -> None:
    assert not [key.name for key in shape.keys if key.required and (key.default or key.one)]


def test_shapes_are_found_by_the_name_of_their_file() -> None:
    assert {*FILE_KINDS.values(), *DATA_KINDS.values()} <= set(GRAMMAR)
    assert keys("rung") == ("after", "to")
    assert "email" in one_of("step")
    assert isinstance(GRAMMAR["step"].by_name["email"], Key)
