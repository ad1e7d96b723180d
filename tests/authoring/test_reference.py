"""The reference for authors names all rules and keys, its tables are the grammar's, and its examples compile."""

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from authoring import reference, schema
from authoring.catalogue import Catalogue, compile_facts
from authoring.checklists import check_steps, read_checklists
from authoring.compile import Compiled, compile_folder, compile_playbook, read_templates
from authoring.courtesy import WEEKDAYS
from authoring.diagnostics import Diagnostic, Report, render_text
from authoring.grammar import FILE_KINDS, GRAMMAR, STAGES, WEEKENDS, keys
from authoring.health import checked, read_models
from authoring.lifecycles import compile_lifecycle
from authoring.namespace import Names
from authoring.rules import RULES
from authoring.scenario_file import lifecycle_of, load
from authoring.source import Mapping, parse
from authoring.team import compile_team
from lifecycle.playbook import Playbook

ROOT = Path(__file__).parents[2]
JOURNEYS = ROOT / "playbooks/journeys"
TEXT = (ROOT / reference.PAGE).read_text(encoding="utf-8")
LANGUAGE = reference.shapes_of(TEXT)
"""The shapes of the files below `playbooks/`; those of the others are described where their commands are."""
KEYS = sorted({*WEEKENDS, *STAGES, WEEKDAYS[0], *(key for name in LANGUAGE for key in GRAMMAR[name].names)})
EXAMPLES = [
    pytest.param(found[1], id=f"line {TEXT[: found.start()].count(chr(10)) + 1}")
    for found in re.finditer(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
]
HEAD = {
    "playbook": "playbook: tried\n",
    "title": "title: Tried\n",
    "owner": "owner: csm\n",
    "trigger": "trigger: { stage: onboarding }\n",
    "steps": "steps:\n  - { id: look, day: 1, slack: { to: csm, template: onboarding/open-questions } }\n",
}
SCENE = {
    "scenario": "scenario: tried\n",
    "playbook": "playbook: onboarding-14-day\n",
    "customer": "customer: { name: Acme, tier: pro, zone: Europe/Berlin, champion: ada@acme.example.com }\n",
    "start": "start: 2026-03-02T10:00\n",
    "expect": "expect: []\n",
}
"""What an example may leave out, in the order in which it is put before the example."""


@pytest.mark.parametrize("rule", RULES)
def test_the_reference_explains_every_rule_under_its_own_anchor(rule: str) -> None:
    why = RULES[rule]
    assert f"\n### {rule}\n\n{why[0].upper()}{why[1:]} " in TEXT


@pytest.mark.parametrize("key", KEYS)
def test_the_reference_names_every_key(key: str) -> None:
    assert key in TEXT


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_tables_of_the_reference_are_those_of_the_grammar(name: str) -> None:
    """`python -m authoring.reference` writes them."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert reference.page(text) == text


def test_tables_and_schema_are_written_anew(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "playbooks").mkdir()
    for name in reference.PAGES:
        stale = re.sub(
            r"^\| `(title|csm|roles)` .*\n", "", (ROOT / name).read_text(encoding="utf-8"), flags=re.MULTILINE
        )
        (tmp_path / name).write_text(stale, encoding="utf-8")
    reference.main(tmp_path)
    for name in reference.PAGES:
        assert (tmp_path / name).read_text(encoding="utf-8") == (ROOT / name).read_text(encoding="utf-8")
    assert (tmp_path / reference.SCHEMA).read_text(encoding="utf-8") == schema.text()


def test_the_reference_has_a_table_for_every_shape() -> None:
    found = [reference.shapes_of((ROOT / name).read_text(encoding="utf-8")) for name in reference.PAGES]
    assert set(GRAMMAR) - set().union(*found) == {"team"}


@pytest.fixture(scope="session")
def shipped() -> Compiled:
    return compile_folder(ROOT / "playbooks", ROOT / "templates")


def whole_playbooks() -> list[str]:
    """The examples that are whole playbooks, which others may use."""
    texts = re.findall(r"^```yaml\n(playbook: .*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [text for text in texts if "\nsteps:" in text]


@pytest.fixture
def told(shipped: Compiled) -> Callable[[str], tuple[Diagnostic, ...]]:
    """The findings about an example, completed to a whole file, among all that ships."""
    lifecycle = lifecycle_of(shipped)
    books = [item.name for item in shipped.releases.values() if isinstance(item, Playbook)]
    templates = read_templates(ROOT / "templates", Report())
    others = [parse(text, "other.yaml", Report()) for text in whole_playbooks()]

    def judged(example: str) -> tuple[Diagnostic, ...]:
        text = completed(example)
        report = Report()
        source = parse(text, "example.yaml", report)
        match next(kind for key, kind in FILE_KINDS.items() if re.search(rf"^{key}:", text, re.MULTILINE)):
            case "scenario":
                return load(text, "example.yaml", shipped)[1]
            case "playbook":
                return compile_playbook(text, "example.yaml", lifecycle, templates, [*books, "tried"], others)[1]
            case "facts":
                compile_facts(source, report)
            case "lifecycle":
                catalogue = Catalogue(lifecycle.facts, lifecycle.events)
                compile_lifecycle(source, catalogue, books, report)
            case "journey":
                catalogue = Catalogue(lifecycle.facts, lifecycle.events)
                texts = sorted((ROOT / "playbooks/health").glob("*.yaml"))
                models = read_models([parse(path.read_text(), path.name, report) for path in texts], report)
                journeys = [parse(path.read_text(), path.name, report) for path in sorted(JOURNEYS.glob("*.yaml"))]
                compile_lifecycle(shipped.sources["lifecycle"], catalogue, books, report, models, [source, *journeys])
            case "checklists":
                _, steps = read_checklists(source, Names.of(lifecycle, books), report)
                check_steps(steps, [item for item in shipped.releases.values() if isinstance(item, Playbook)], report)
            case "health_model":
                for draft in read_models([source], report).values():
                    checked(draft, Names.of(lifecycle, books), lifecycle, report)
            case _:
                compile_team(source, None, report)
        return report.sorted()

    return judged


def completed(example: str) -> str:
    """An example as a whole file: steps get a playbook around them, heads and scenarios what they leave out."""
    text = textwrap.dedent(example)
    if text.startswith("- "):
        return "".join(value for key, value in HEAD.items() if key != "steps") + "steps:\n" + text
    root = parse(text, "example.yaml", Report()).root
    assert isinstance(root, Mapping)
    found = set(root.entries)
    if "uses" in found:
        return text
    if found <= set(keys("playbook")):
        return "".join(value for key, value in HEAD.items() if key not in found) + text
    if found <= set(keys("scenario")):
        return "".join(value for key, value in SCENE.items() if key not in found) + text
    return text


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_reference_compiles(told: Callable[[str], tuple[Diagnostic, ...]], example: str) -> None:
    assert render_text(told(example)) == ""


def test_an_example_that_is_wrong_would_be_noticed(told: Callable[[str], tuple[Diagnostic, ...]]) -> None:
    assert [item.rule for item in told("trigger: { stage: onbording }\n")] == ["unknown-stage"]
