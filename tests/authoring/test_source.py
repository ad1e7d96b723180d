"""Two parsers read YAML; what the quick one makes of a file is what the other makes of it."""

from pathlib import Path

import pytest

from authoring.diagnostics import Report
from authoring.source import Source, _Builder, _quickly

HERE = Path(__file__).parent
FILES = sorted([*HERE.rglob("*.yaml"), *HERE.parents[1].joinpath("playbooks").rglob("*.yaml")])
TEXTS = [path.read_text(encoding="utf-8", errors="replace") for path in FILES]
TRICKY = {
    "a folded text": "a: >\n  one\n  two\n\nb: |\n  three\n",
    "quotes": "a: \"x\\u00e9\\n\"\nb: 'it''s'\nc: {d: [1, \"2\"], e: }\n",
    "anchors": "a: &one {b: 1}\nc: *one\n",
    "words of 1.1": "a: yes\nb: 012\nc: 1:30\nd: ~\n? e\n: f\n",
    "beyond the plane": "a: \U0001f600 b\nc: é\n",
}


def pure(text: str) -> tuple[Report, Source, object]:
    report = Report()
    source = Source("a.yaml", tuple(text.splitlines()), None)
    return report, source, _Builder(source, report).build(text)


@pytest.mark.parametrize("text", [*TEXTS, *TRICKY.values()])
def test_both_parsers_make_the_same_of_a_file(text: str) -> None:
    report, source, root = pure(text)
    assert _quickly(source, text) in (None, None if report.sorted() else root)


@pytest.mark.parametrize("text", ["a: b\u2028c", "a: b\x85c\n", "%YAML 1.2\n---\na: b\n", "a: [b", "a: b\na: c\n", ""])
def test_what_is_wrong_or_read_otherwise_is_left_to_the_pure_one(text: str) -> None:
    assert _quickly(pure(text)[1], text) is None
