"""`stageplay validate` and `stageplay test`: what is wrong with what authors wrote, and what its scenarios show."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

import settings as configuration
from authoring.compile import compile_folder
from authoring.diagnostics import Diagnostic, failed, render_json, render_text
from authoring.lint import lint
from authoring.scenario_file import mistakes
from cli import tested, testing
from cli.concerned import concerning
from cli.located import from_here, located
from cli.screen import err, out
from store.clock import now

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="text for people, json for programs.")]


def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Playbooks, or folders of them; all when left out.")
    ] = None,
    *,
    form: Format = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Let a warning be exit code 1, too.")] = False,
) -> None:
    """Check playbooks, their scenarios and templates; everything wrong in one run, and what should be looked at."""
    settings = configuration.load()
    targets = paths or [settings.playbooks_dir]
    for target in targets:
        if not target.exists():
            err.print(f"there is no {target}", markup=False)
            raise typer.Exit(2)
        if target.is_file() and target.suffix not in testing.SUFFIXES:
            err.print(f"{target} is no .yaml file; templates are checked with the playbooks", markup=False)
            raise typer.Exit(2)
    folders = {testing.folder_of(target, target if target.is_dir() else target.parent) for target in targets}
    named, texts = [target.absolute() for target in targets], settings.templates_dir.absolute()
    found = [item for folder in sorted(folders) for item in _about(named, folder, texts)]
    read = ", ".join(from_here(target) for target in named)
    _print_diagnostics(found, form, f"nothing is wrong in {read}, with the texts of {from_here(texts)}")
    raise typer.Exit(int(failed(found) or (strict and bool(found))))


def _about(targets: Sequence[Path], folder: Path, templates: Path) -> Sequence[Diagnostic]:
    """What is wrong with a folder of playbooks, and what should be looked at, as far as it is about the targets."""
    compiled = compile_folder(folder, templates)
    unplaced = (*compiled.diagnostics, *mistakes(compiled), *lint(compiled, now().date()))
    found = located(unplaced, folder, templates)
    if folder in targets:
        return found
    files = [path for path in folder.rglob("*") if path.suffix in testing.SUFFIXES and path.is_file()]
    unreadable = [folder.absolute().parent / name for name in compiled.unreadable]
    return concerning(found, targets, files, templates, unreadable)


def play_scenarios(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Scenarios, playbooks, or folders of them; all when left out.")
    ] = None,
    *,
    on: Annotated[testing.Server, typer.Option(help="temporal: on Temporal's time-skipping server.")] = "simulator",
    form: Format = "text",
    coverage: Annotated[bool, typer.Option("--coverage", help="List what no scenario visits.")] = False,
) -> None:
    """Play the scenarios beside the playbooks: what came otherwise than written, and what none of them visits."""
    settings = configuration.load()
    chosen = testing.choose(paths or [], settings.playbooks_dir, settings.templates_dir)
    if chosen.compiled.catalogue is None:
        _print_diagnostics(located(chosen.compiled.diagnostics, chosen.folder, settings.templates_dir), form)
        raise typer.Exit(1)
    raise typer.Exit(tested.run(chosen, on, form, out, err, listed=coverage))


def _print_diagnostics(found: Sequence[Diagnostic], form: str, fine: str = "") -> None:
    if form == "json":
        print(json.dumps(render_json(found), indent=2, ensure_ascii=False))
    elif found:
        print(render_text(found, colour=out.is_terminal))
    else:
        out.print(fine, markup=False, soft_wrap=True)
