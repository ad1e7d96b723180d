"""Findings are data; text, colour and JSON say the same of it."""

import json

from authoring.diagnostics import Diagnostic, Place, Report, failed, near, render_json, render_text

LATER = Diagnostic(Place("b.yaml", 2, 3, 4, "a: dayz"), "length", '"dayz" is not a length of time', 'write "2 days".')
FIRST = Diagnostic(Place("a.yaml", 9, 1), "yaml", "is empty", "start it.", why="It has to begin.", related="c.yaml:1:1")


def test_findings_are_sorted_by_place_and_counted() -> None:
    text = render_text([LATER, FIRST])
    assert text.index("a.yaml:9:1") < text.index("b.yaml:2:3")
    assert text.endswith("2 errors found.\n")
    assert "  why: It has to begin.\n  fix: start it.\n  first: c.yaml:1:1\n" in text


def test_colour_changes_no_word() -> None:
    plain, coloured = render_text([LATER]), render_text([LATER], colour=True)
    assert "\033[31m^^^^\033[0m" in coloured
    for code in ("\033[31m", "\033[1m", "\033[2m", "\033[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_json_holds_everything_a_person_reads() -> None:
    assert json.loads(json.dumps(render_json([LATER]))) == [
        {
            "file": "b.yaml",
            "line": 2,
            "column": 3,
            "end_column": 7,
            "severity": "error",
            "rule": "length",
            "what": '"dayz" is not a length of time',
            "why": "a length is a whole number of minutes, hours, days, weeks, business hours or business days.",
            "fix": 'write "2 days".',
            "related": "",
            "see": "docs/playbook-reference.md#length",
        }
    ]


def test_a_warning_alone_lets_a_release_through() -> None:
    warning = Diagnostic(LATER.place, "length", "x", "y", severity="warning")
    assert not failed([warning])
    assert failed([warning, FIRST])
    assert "1 error, 1 warning found." in render_text([warning, FIRST])


def test_equal_findings_count_once() -> None:
    report = Report()
    for _ in range(2):
        report.add("yaml", FIRST.place, "is empty", "start it.")
    assert len(report.sorted()) == 1
    assert report.failed


def test_a_long_line_is_cut_around_the_caret() -> None:
    source = "x" * 300 + " wrong " + "y" * 300
    text = render_text([Diagnostic(Place("a.yaml", 1, 302, 5, source), "value", "is wrong", "mend it.")])
    shown, caret = text.splitlines()[2:4]
    assert len(shown) < 140
    assert shown[caret.index("^") : caret.rindex("^") + 1] == "wrong"


def test_tabs_keep_the_caret_under_the_words() -> None:
    text = render_text([Diagnostic(Place("a.yaml", 1, 3, 1, "\t\tx"), "value", "is wrong", "mend it.")])
    assert text.splitlines()[3] == "  | \t\t^"


def test_at_most_five_choices_are_offered() -> None:
    assert near("zzz", "abcdefgh") == "choose one of: a, b, c, d, e (and 3 more)."
    assert near("onbording", ["onboarding", "adoption"]) == 'did you mean "onboarding"?'
    assert near("x", []) == "there are none yet; declare one first."
