"""What is compiled is the same core in other words: line for line, and with everything that `dataclass` makes."""

import ast
import pickle
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import native

SAMPLE = '''\
"""A module."""

from dataclasses import dataclass, field
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Row:
    """A value."""

    LISTED: ClassVar[bool] = True
    name: str
    share: float = 20
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def short(self) -> str:
        return self.name[:1]


def half(of: float) -> float:
    return of / 2
'''


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The sample as it is compiled, run as the Python that it still is."""
    hung, module = ModuleType("lifecycle.dataclassed"), ModuleType("told")
    exec(native.DATACLASSED, vars(hung))
    monkeypatch.setitem(sys.modules, "lifecycle.dataclassed", hung)
    monkeypatch.setitem(sys.modules, "told", module)
    exec(native.told(SAMPLE), vars(module))
    return module


@pytest.mark.parametrize("path", native.sources(), ids=lambda path: path.stem)
def test_tracebacks_name_the_lines_of_the_source(path: Path) -> None:
    def places(text: str) -> list[tuple[str, int]]:
        nodes = ast.parse(text).body
        return [(node.name, node.lineno) for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)]

    text = path.read_text("utf-8")
    assert places(native.told(text)) == places(text)


def test_a_value_is_made_compared_replaced_and_pickled_as_before(told: Any) -> None:
    made = told.Row("ada")
    assert (made.share, made.parts, made.short, told.Row.LISTED) == (20, {}, "a", True)
    assert told.Row("ada").parts is not made.parts
    assert (made == told.Row("ada"), made == told.Row("bo")) == (True, False)
    assert replace(made, share=2).share == made.altered_by({"share": 2}).share == 2
    assert [item.name for item in fields(made)] == ["name", "share", "parts"]
    assert told.Row.__annotations__ == {"name": str, "share": float, "parts": dict[str, int]}
    assert repr(made) == "Row(name='ada', share=20, parts={})"
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_whole_number_stays_one_where_a_share_is_declared() -> None:
    assert "def half(of: (float | int)) -> (float | int):" in native.told(SAMPLE)


def test_an_edit_is_never_hidden_by_what_was_compiled_before_it(tmp_path: Path) -> None:
    assert not native.is_made(tmp_path)
    (tmp_path / native.STAMP).write_text(native.digest())
    assert native.is_made(tmp_path)
    (tmp_path / native.STAMP).write_text("of other sources")
    assert not native.is_made(tmp_path)


def test_who_asks_for_the_python_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(native.FOLDER))
    assert str(native.FOLDER) not in native.environment(compiled=False)["PYTHONPATH"]
    assert native.environment(compiled=True)["PYTHONPATH"].startswith(str(native.FOLDER))
