"""What two compiled things of one kind have otherwise, in the words of whoever wrote them: `length 60 -> 90`.

Values are told where they are short enough to be read in a line; of longer ones only that they changed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from authoring.actions import shown
from lifecycle.actions import Expr, Length
from lifecycle.staffing import Span

_UNSEEN = ("kind", "format", "file", "places", "tree")
_WRITTEN = {"sender": "from", "criterion": "done", "condition": "when"}
"""Fields that authors write by another name."""
_LONGEST = 100
_LINES = 8


def differing(before: object, after: object, name: str = "") -> tuple[str, ...]:
    """A line for each value that differs, `name` before it; of very many the first, and how many more."""
    found = tuple(_lines(before, after, name))
    return found if len(found) <= _LINES + 1 else (*found[:_LINES], f"and {len(found) - _LINES} more")


def _lines(before: Any, after: Any, name: str) -> Iterator[str]:
    if before == after:
        return
    match before, after:
        case (one,), (other,) if is_dataclass(one) and is_dataclass(other):
            before, after = one, other
    old, new = _inside(before), _inside(after)
    if old is None or new is None or type(before) is not type(after):
        yield f"{name} {_becomes(before, after)}".strip()
        return
    for key in {**old, **new}:
        within = f"{name} {_WRITTEN.get(key, key.replace('_', ' ') if is_dataclass(before) else key)}".strip()
        if key in old and key in new:
            yield from _lines(old[key], new[key], within)
        else:
            yield f"{within} {'added' if key in new else 'removed'}"


def _inside(value: Any) -> Mapping[str, Any] | None:
    """What a value is made of, by name; None of one that is told as a whole."""
    if isinstance(value, Expr | Length | Span):
        return None
    if isinstance(value, dict):
        return value
    if isinstance(value, tuple):
        return {item.name: item for item in value} if all(hasattr(item, "name") for item in value) else None
    if is_dataclass(value):
        return {item.name: getattr(value, item.name) for item in fields(value) if item.name not in _UNSEEN}
    return None


def _becomes(before: object, after: object) -> str:
    was, becomes = _said(before), _said(after)
    if was == becomes and isinstance(after, Expr):
        return f"{becomes}, which means something else now"
    if "none" in (was, becomes) and None in (was, becomes):
        return "added" if was == "none" else "removed"
    told = was is not None and becomes is not None and len(was) + len(becomes) <= _LONGEST
    return f"{was} -> {becomes}" if told else "changed"


def _said(value: object) -> str | None:
    """A value as it may be written; None of one that takes more than a word."""
    match value:
        case None | "" | ():
            return "none"
        case bool():
            return "yes" if value else "no"
        case Expr():
            return value.text
        case Length():
            return shown(value)
        case Span():
            return str(value) if value else "none"
        case int() | float():
            return f"{value:,}"
        case str():
            return f'"{value}"' if " " in value else value
        case tuple() if all(isinstance(item, str | int) for item in value):
            return ", ".join(str(item) for item in value)
        case _:
            return None
