"""`docs/coverage.md`: which scenario, or which other test, shows each figure of the rows that ship.

`docs/rows.toml` is written by hand from the domain's rows: each day, owner and deadline of a row is a figure, either as
a line that some scenario tagged with the row must expect, or with the test that proves what no scenario can. `python -m
authoring.rows` writes the page; a test fails when it lies. To change a figure in a playbook is to turn a scenario red.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authoring.compile import compile_folder
from authoring.expected import TOUCHES, Expected
from authoring.particulars import Particulars
from authoring.scenario import Scenario, load

ROOT = Path(__file__).resolve().parent.parent
ROWS = "docs/rows.toml"
PAGE = "docs/coverage.md"
_SAID = {"from": "sender"}
HEAD = """\
# What ships, and what shows it

Written by `python -m authoring.rows` from `docs/rows.toml` and the scenarios; a test fails when it lies.
A figure that a scenario shows is a line of what it expects: another day, owner or deadline in a playbook turns it red.
`make nightly` changes every figure of every playbook and journey by itself and wants that; what nothing notices yet
is listed in `tests/time_travel/unproven.toml`.
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a row. `line`: what a scenario must expect, by the keys of an expectation; empty where `proof`
    names the test that shows it, as `file::name`.
    """

    says: str
    line: Mapping[str, Any]
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the domain: its id, its name and its figures."""

    id: str
    title: str
    figures: tuple[Figure, ...]


def read_rows(text: str) -> tuple[Row, ...]:
    """The rows of the file, in its order.

    Raises:
        KeyError: a row lacks its title or figures, or a figure what it says.
        tomllib.TOMLDecodeError: it is not TOML.
    """
    return tuple(
        Row(name, row["title"], tuple(_figure(item) for item in row["figures"]))
        for name, row in tomllib.loads(text).items()
    )


def _figure(item: Mapping[str, Any]) -> Figure:
    line = {key: value for key, value in item.items() if key not in ("says", "proof")}
    return Figure(item["says"], line, item.get("proof", ""))


def shown_by(figure: Figure, row: str, scenarios: Iterable[Scenario]) -> list[str]:
    """The files of the scenarios of a row that expect a figure; of one with the key `never`, that forbid it."""
    key = "never" if figure.line.get("never") else "expect"
    return [
        scenario.file
        for scenario in scenarios
        if row in scenario.covers and any(_fits(figure.line, item) for item in getattr(scenario, key))
    ]


def _fits(line: Mapping[str, Any], item: Expected) -> bool:
    kind = next(kind for kind in TOUCHES if kind in line)
    wanted = {"kind": kind, "name": line[kind], **{key: line[key] for key in ("day", "at") if key in line}}
    told = {
        _SAID.get(key, key): line[key]
        for key in ("due", "commission", "from", "meets", "length", "value", "closes")
        if key in line
    }
    to = line.get("to", ())
    people = frozenset([to] if isinstance(to, str) else to)
    same = all(getattr(item, key) == value for key, value in wanted.items())
    return same and Particulars(**told).fits(item.said) and (not people or people == item.to)


def page(rows: Iterable[Row], scenarios: Iterable[Scenario]) -> str:
    """The whole page."""
    known = sorted(scenarios, key=lambda item: item.file)
    return HEAD + "".join(_section(row, known) for row in rows)


def _section(row: Row, scenarios: list[Scenario]) -> str:
    lines = "".join(f"| {figure.says} | {_proof(figure, row, scenarios)} |\n" for figure in row.figures)
    tagged = sum(row.id in item.covers for item in scenarios)
    return f"\n## {row.id} {row.title}\n\n{tagged} scenarios.\n\n| figure | shown by |\n| --- | --- |\n{lines}"


def _proof(figure: Figure, row: Row, scenarios: list[Scenario]) -> str:
    if figure.proof:
        return f"`{figure.proof}`"
    found = shown_by(figure, row.id, scenarios) if figure.line else []
    return ", ".join(f"`{Path(name).stem}`" for name in found[:3]) or "**nothing yet**"


def shipped(root: Path = ROOT) -> Iterator[Scenario]:
    """Every scenario beside the shipped playbooks."""
    compiled = compile_folder(root / "playbooks", root / "templates")
    for path in sorted((root / "playbooks" / "scenarios").rglob("*.yaml")):
        found, _ = load(path.read_text(encoding="utf-8"), str(path.relative_to(root)), compiled)
        if found is not None:
            yield found


def main(root: Path = ROOT) -> None:
    """Write the page."""
    rows = read_rows((root / ROWS).read_text(encoding="utf-8"))
    (root / PAGE).write_text(page(rows, shipped(root)), encoding="utf-8")


if __name__ == "__main__":
    main()
