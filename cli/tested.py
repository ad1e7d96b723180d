"""What `stageplay test` says: a line for each scenario, its differences, and how much of the playbooks was visited."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from authoring.coverage import Coverage
from authoring.diagnostics import render_json, render_text
from cli.testing import Chosen, Outcome, Result, Server, test


def line(result: Result) -> Text:
    """Passed or not, how long it took, where it stands, what it is about."""
    mark, style = ("pass", "green") if result.passed else ("FAIL", "bold red")
    loaded = result.loaded
    about = loaded.scenario.name if loaded.scenario else "cannot be read"
    return Text.assemble((mark, style), f"  {_lasted(result.seconds):>7}  {loaded.file}  ", (about, "dim"))


def _lasted(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def difference(result: Result, *, colour: bool) -> str:
    """What came otherwise than written, and where Temporal decided otherwise; empty when nothing did."""
    lines = [render_text(result.lived.findings, colour=colour)] if result.lived.findings else []
    if result.lived.differences:
        lines.append(f"{result.loaded.file}: error: Temporal and the simulator decide otherwise  [our fault]")
        lines += [f"  {item}" for item in result.lived.differences]
    return "\n".join(lines)


def summary(tested: Outcome, *, listed: bool) -> Iterator[str]:
    """How much of each playbook the scenarios visit, and by line what they never do; those that failed once more, whose
    differences stand far above; last the count of all.
    """
    seconds = sum(result.seconds for result in tested.results)
    failed = len(tested.results) - tested.passed
    where = "Temporal" if tested.on == "temporal" else "the simulator"
    count = len(tested.results)
    scenarios = "1 scenario" if count == 1 else f"{count} scenarios"
    for one in tested.coverage:
        hint = "" if listed or not one.unvisited else "; --coverage lists the rest"
        yield f"coverage of {one.playbook}: {one.percent}%, {one.visited} of {one.points}{hint}"
        if listed:
            yield from (f"  {item}" for item in one.unvisited)
    yield from (f"failed: {result.loaded.file}" for result in tested.results if not result.passed)
    yield f"{scenarios} on {where}: {tested.passed} passed, {failed} failed, in {_lasted(seconds)}"


def document(tested: Outcome) -> dict[str, Any]:
    """All of it as one JSON document."""
    return {
        "on": tested.on,
        "passed": tested.passed,
        "failed": len(tested.results) - tested.passed,
        "scenarios": [_scenario(result) for result in tested.results],
        "coverage": [_coverage(one) for one in tested.coverage],
    }


def _scenario(result: Result) -> dict[str, Any]:
    found = result.loaded.scenario
    return {
        "file": result.loaded.file,
        "scenario": found.name if found else "",
        "playbooks": list(found.playbooks) if found else [],
        "covers": list(found.covers) if found else [],
        "passed": result.passed,
        "seconds": round(result.seconds, 3),
        "findings": render_json(result.lived.findings),
        "differences": list(result.lived.differences),
    }


def _coverage(one: Coverage) -> dict[str, Any]:
    return {
        "playbook": one.playbook,
        "percent": one.percent,
        "visited": one.visited,
        "points": one.points,
        "unvisited": [{"place": item.place, "step": item.step, "what": item.what} for item in one.unvisited],
    }


def run(chosen: Chosen, on: Server, form: str, out: Console, err: Console, *, listed: bool) -> int:
    """Test what was chosen, say what came of it, and return the exit code. `form`: `text`, each scenario as soon as it
    is done, or `json`, one document at the end. `listed`: whether to list what is never visited.
    """
    with Progress(console=err, transient=True, disable=not err.is_terminal) as progress:
        bar = progress.add_task("scenarios", total=len(chosen.files))

        def done(result: Result) -> None:
            progress.advance(bar)
            if form == "text":
                _show(result, out)

        tested = asyncio.run(test(chosen, on, done))
    if form == "json":
        print(json.dumps(document(tested), indent=2, ensure_ascii=False))
    else:
        for said in summary(tested, listed=listed):
            out.print(said, markup=False)
    return tested.code


def _show(result: Result, out: Console) -> None:
    out.print(line(result))
    if said := difference(result, colour=out.is_terminal):
        print(said)
