"""What an author is told: one finding per root cause, at its place, with what, why and how to fix it.

A finding is data; text (for people), colour and JSON (for editors and CI) are renderings of it. The sentence `why` of
a rule stands in `authoring/rules.py`; a finding may carry a narrower one. No customer data ever stands in a finding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from authoring.rules import RULES, WARNINGS
from lifecycle.quick import quick

REFERENCE = "docs/playbook-reference.md"
_SHOWN_COLUMNS = 120
_CHOICES = 5
_CUT = "... "


@quick
@dataclass(frozen=True, slots=True)
class Place:
    """Words in a file: `line` and `column` count from 1, `width` is how many characters the caret covers.

    `source` is the whole line as written, empty when there is none (a missing file).
    """

    file: str
    line: int = 1
    column: int = 1
    width: int = 1
    source: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `rule`: a key of `RULES`; `fix`: something that can be typed; `related`: `file:line:col` of the
    other half of a contradiction (the first of two equal names).
    """

    place: Place
    rule: str
    what: str
    fix: str
    why: str = ""
    related: str = ""
    severity: Literal["error", "warning"] = "error"

    @property
    def see(self) -> str:
        """Where the reference explains the rule."""
        return f"{REFERENCE}#{self.rule}"

    @property
    def reason(self) -> str:
        """Why it matters to the business: the finding's own sentence, else the rule's."""
        return self.why or RULES[self.rule]


class Report:
    """Collects the findings of one compilation; equal findings (one anchor used twice) count once."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}

    def add(self, rule: str, place: Place, what: str, fix: str, *, why: str = "", related: str = "") -> None:
        """Record a finding under `rule` at `place`; an error, unless the rule is one of `WARNINGS`."""
        severity: Literal["error", "warning"] = "warning" if rule in WARNINGS else "error"
        self._found[Diagnostic(place, rule, what, fix, why, related, severity)] = None

    def take(self, found: Iterable[Diagnostic]) -> None:
        """Record findings of another report."""
        self._found |= dict.fromkeys(found)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """All findings in the order of file, line, column."""
        return tuple(sorted(self._found, key=_by_place))

    @property
    def failed(self) -> bool:
        """Whether there is an error, so that nothing may be released."""
        return failed(self._found)


def failed(found: Iterable[Diagnostic]) -> bool:
    """Whether any of the findings is an error."""
    return any(item.severity == "error" for item in found)


def near(word: str, known: Iterable[str]) -> str:
    """`write "x"` when a known word is close, else the choices (at most five); something that can be typed."""
    choices = sorted(known)
    close = get_close_matches(word[:80], choices, n=1, cutoff=0.6)
    if close:
        return f'did you mean "{close[0]}"?'
    if not choices:
        return "there are none yet; declare one first."
    more = f" (and {len(choices) - _CHOICES} more)" if len(choices) > _CHOICES else ""
    return f"choose one of: {', '.join(choices[:_CHOICES])}{more}."


def render_text(found: Sequence[Diagnostic], *, colour: bool = False) -> str:
    """The findings for people, each a block, sorted by place; ends with a count. Empty text when there are none."""
    if not found:
        return ""
    blocks = [_block(item, colour=colour) for item in sorted(found, key=_by_place)]
    errors = sum(item.severity == "error" for item in found)
    warnings = len(found) - errors
    counts = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    return "\n".join([*blocks, f"{', '.join(counts)} found.", ""])


def render_json(found: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """The findings as plain JSON data, sorted by place; `end_column` is exclusive."""
    return [
        {
            "file": item.place.file,
            "line": item.place.line,
            "column": item.place.column,
            "end_column": item.place.column + item.place.width,
            "severity": item.severity,
            "rule": item.rule,
            "what": item.what,
            "why": item.reason,
            "fix": item.fix,
            "related": item.related,
            "see": item.see,
        }
        for item in sorted(found, key=_by_place)
    ]


def _by_place(item: Diagnostic) -> tuple[str, int, int, str, str]:
    return item.place.file, item.place.line, item.place.column, item.rule, item.what


def _block(item: Diagnostic, *, colour: bool) -> str:
    red, bold, dim, end = ("\033[31m", "\033[1m", "\033[2m", "\033[0m") if colour else ("", "", "", "")
    head = f"{bold}{item.place}{end}: {red}{item.severity}{end}: {bold}{printable(item.what)}{end}"
    lines = [
        f"{head}  {dim}[{item.rule}]{end}",
        *_excerpt(item.place, red, end),
        f"  why: {item.reason}",
        f"  fix: {printable(item.fix)}",
    ]
    if item.related:
        lines.append(f"  first: {item.related}")
    return "\n".join([*lines, f"  see: {item.see}", ""])


def _excerpt(place: Place, red: str, end: str) -> list[str]:
    """The source line with a caret under the exact words; a long line is cut around them."""
    if not place.source:
        return []
    fits = place.column + min(place.width, _SHOWN_COLUMNS // 2) <= _SHOWN_COLUMNS
    start = 0 if fits else place.column - 1 - _SHOWN_COLUMNS // 2
    cut = _CUT if start else ""
    shown = cut + place.source[start : start + _SHOWN_COLUMNS]
    before = place.column - 1 - start + len(cut)
    width = max(1, min(place.width, len(shown) - before))
    gutter = " " * len(str(place.line))
    pad = "".join("\t" if character == "\t" else " " for character in shown[:before])
    return [
        f"{gutter} |",
        f"{place.line} | {printable(shown)}",
        f"{gutter} | {pad}{red}{'^' * width}{end}",
    ]


def printable(text: str) -> str:
    """The text with control characters shown as `?`, so that a file cannot drive the terminal that shows it."""
    return "".join(character if character.isprintable() or character == "\t" else "?" for character in text)
