"""Laws: no text makes the compiler raise, a finding lies inside its file, and equal texts give equal releases."""

from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from authoring.compile import compile_playbook
from authoring.diagnostics import Diagnostic, Place, Report, render_json, render_text
from authoring.expressions import compile_expression
from authoring.namespace import Names
from authoring.rules import RULES
from authoring.source import Scalar
from lifecycle import conditions
from lifecycle.playbook import Lifecycle

HERE = Path(__file__).parent
GOOD = (HERE / "ok/everything.yaml").read_text(encoding="utf-8")
LINES = GOOD.splitlines()
WORDS = sorted(
    {word for line in LINES for word in line.replace(",", " ").split()} | {"{", "}", "[", "]", "&a", "*a", "|"}
)
RELAXED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEMPLATES = {
    path.relative_to(HERE / "standard/templates").as_posix(): path.read_text(encoding="utf-8")
    for path in (HERE / "standard/templates").rglob("*")
    if path.is_file()
}


def _sound(found: tuple[Diagnostic, ...], text: str) -> None:
    assert list(found) == sorted(found, key=lambda item: (item.place.file, item.place.line, item.place.column))
    lines = text.splitlines()
    for item in found:
        assert item.rule in RULES
        assert item.place.file.startswith("templates/") or 1 <= item.place.line <= max(1, len(lines))
        assert item.place.column >= 1
        assert item.place.width >= 1
        assert item.what
        assert item.fix
    assert bool(found) == bool(render_text(found))
    assert len(render_json(found)) == len(found)


@RELAXED
@given(text=st.text(max_size=400))
@example(text="a: !!binary x")
@example(text="\x85a: 1")
@example(text="a: 1\u2028b: [")
def test_no_text_makes_the_compiler_raise(lifecycle: Lifecycle, text: str) -> None:
    _sound(compile_playbook(text, "playbooks/any.yaml", lifecycle, {})[1], text)


@RELAXED
@given(data=st.data())
def test_no_mangled_playbook_makes_the_compiler_raise(lifecycle: Lifecycle, data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "indent", "word", "cut", "swap"])):
            case "drop":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "indent":
                lines[at] = " " * data.draw(st.integers(0, 8)) + lines[at].lstrip()
            case "word":
                parts = lines[at].split(" ")
                parts[data.draw(st.integers(0, len(parts) - 1))] = data.draw(
                    st.sampled_from(WORDS) | st.text(max_size=5)
                )
                lines[at] = " ".join(parts)
            case "cut":
                lines[at] = lines[at][: data.draw(st.integers(0, len(lines[at])))]
            case _:
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[at], lines[other] = lines[other], lines[at]
    text = "\n".join(lines)
    book, found = compile_playbook(text, "playbooks/mangled.yaml", lifecycle, TEMPLATES)
    _sound(found, text)
    assert (book is None) == bool(found)


@RELAXED
@given(text=st.text(alphabet="abc.01'\"()[]<>=!+-*/ nordeftiuspg_{}|~%,", max_size=60) | st.text(max_size=60))
def test_no_condition_makes_the_compiler_or_the_core_raise(lifecycle: Lifecycle, text: str) -> None:
    report = Report()
    scalar = Scalar(text, "text", Place("f.yaml", source=text), exact=True)
    expr = compile_expression(scalar, Names.of(lifecycle), report)
    assert report.failed or expr.tree
    conditions.explain(expr, lambda _name: None)
    conditions.explain(expr, lambda _name: 1)


@RELAXED
@given(text=st.text(alphabet="abcustomer.nie{}%| \n\"'if()[]=", max_size=80))
def test_no_template_makes_the_compiler_raise(lifecycle: Lifecycle, text: str) -> None:
    playbook = (HERE / "standard/playbooks/hello.yaml").read_text(encoding="utf-8")
    templates = {**TEMPLATES, "slack/look.txt": f"Title: x\n\nx{text}"}
    book, found = compile_playbook(playbook, "playbooks/hello.yaml", lifecycle, templates)
    assert (book is None) == bool(found)
