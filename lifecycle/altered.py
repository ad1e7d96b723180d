"""Frozen values made of others, in half the time that `dataclasses.replace` takes."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from lifecycle.quick import made_of

__all__ = ["altered"]

T = TypeVar("T")


@cache
def _copier(made: type[Any]) -> Callable[..., Any]:
    """What makes a value of a class from another one, with some fields of its own."""
    names = [field.name for field in fields(made)]
    given = ", ".join(f"{name}=MISSING" for name in names)
    values = ", ".join(f"was.{name} if {name} is MISSING else {name}" for name in names)
    space = {"MISSING": MISSING, "made": made}
    copy: Callable[..., Any] = made_of("copy", ["was", "/", "*", given], [f"    return made({values})"], space)
    return copy


if TYPE_CHECKING:
    from dataclasses import replace as altered
else:

    def altered(value: T, /, **changes: Any) -> T:
        """As `dataclasses.replace`, of a frozen dataclass with slots and without `__post_init__`."""
        return _copier(type(value))(value, **changes)
