"""A value that is made quickly is the one that `dataclass` makes."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, field, replace
from inspect import signature

import pytest

from lifecycle.altered import altered
from lifecycle.quick import quick


@dataclass(frozen=True, slots=True)
class Slow:
    name: str
    at: int = 3
    parts: dict[str, int] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    at: int = 3
    parts: dict[str, int] = field(default_factory=dict)


@pytest.mark.parametrize("given", [("a",), ("a", 1), ("a", 1, {"b": 2})], ids=["defaults", "one", "all"])
def test_a_quick_value_has_the_fields_of_a_slow_one(given: tuple[str, int, dict[str, int]]) -> None:
    assert repr(Quick(*given)).removeprefix("Quick") == repr(Slow(*given)).removeprefix("Slow")
    assert list(signature(Quick).parameters) == list(signature(Slow).parameters)


def test_each_quick_value_has_parts_of_its_own() -> None:
    assert Quick("a").parts is not Quick("a").parts


def test_a_quick_value_is_frozen_compared_and_replaced_as_any() -> None:
    made = Quick("a", at=1)
    with pytest.raises(FrozenInstanceError):
        made.at = 2  # type: ignore[misc]  # it is frozen
    assert made == Quick("a", 1)
    assert replace(made, at=2) == Quick("a", 2)


def test_a_quick_value_wants_what_a_slow_one_wants() -> None:
    with pytest.raises(TypeError, match=r"Quick\.__init__\(\) missing 1 required positional argument: 'name'"):
        Quick()  # type: ignore[call-arg]  # the name is missing


def test_a_value_is_altered_as_any_is_replaced() -> None:
    made = Quick("a", 1, {"b": 2})
    assert altered(made, at=2) == replace(made, at=2)
    assert altered(made).parts is made.parts
    assert made.at == 1
    with pytest.raises(TypeError, match="when"):
        altered(made, when=2)  # type: ignore[call-arg]  # there is no such field
