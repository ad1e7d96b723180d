"""Documents: Markdown templates filled in from what is known, and the HTML of them.

What nobody has reported stands in the text as missing, with who can say it; it is never blank and never a zero, and so
is all that is worked out from it. Values are escaped for Markdown, so that a name can neither break nor forge anything,
and numbers are written as people read them: 3,600, and 84 where 84.0 is known.
"""

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from jinja2 import Undefined
from markdown_it import MarkdownIt

from activities.templates import body, sandbox
from lifecycle.playbook import Playbook

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~])")
_DEFAULTS = ("default", "d")


class Missing(Undefined):
    """A fact that nobody has reported. `is defined` says no, comparisons do not hold, arithmetic and filters give it
    back, and in a text it says what is missing.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return str(self._undefined_hint)

    def _same(self, *_: Any) -> "Missing":
        return self

    def _no(self, _: Any) -> bool:
        return False

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _same  # type: ignore[assignment]  # else it raises
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = _same  # type: ignore[assignment]  # else it raises
    __mod__ = __rmod__ = __pow__ = __rpow__ = __neg__ = __pos__ = _same  # type: ignore[assignment]  # else it raises
    __lt__ = __le__ = __gt__ = __ge__ = _no  # type: ignore[assignment]  # else it raises


def missing(title: str, who: str) -> Missing:
    """What stands for a fact called `title`, which `who` can say: a person by name, or a role in words."""
    return Missing(f"missing: {title} (ask {who})")


def markdown(book: Playbook, path: str, variables: Mapping[str, Any]) -> str:
    """The text of a document.

    Raises:
        UnsendableError: the template is wrong.
    """
    environment = sandbox(book.templates, finalize=_written)
    environment.filters = {
        name: found if name in _DEFAULTS else _passing(found) for name, found in environment.filters.items()
    }
    return body(environment, path, variables)


def html(text: str) -> str:
    """The HTML of a Markdown text: no HTML of its own, and no link that runs something."""
    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(text))


def _written(value: Any) -> Any:
    if isinstance(value, Missing):
        return f"**{_escaped(str(value))}**"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(value)
    return _escaped(value) if isinstance(value, str) else value


def _number(value: float) -> str:
    """With a comma between thousands; below 1, where two places may be nothing, two figures that say something."""
    if isinstance(value, int) or value.is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.2g}"


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _passing(found: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that gives a missing value back."""

    @wraps(found)
    def passing(*args: Any, **named: Any) -> Any:
        gone = [item for item in args[:2] if isinstance(item, Missing)]
        return gone[0] if gone else found(*args, **named)

    return passing
