"""The command `stageplay`: arguments in, exit codes out. 0 fine, 1 findings, 2 misuse, 3 our fault.

Every process ends in `main`, by leaving the interpreter without its teardown: the Temporal SDK sometimes aborts there
after everything succeeded, which would turn a good exit code into a bad one.
"""

import asyncio
import gc
import json
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

import settings as configuration
from authoring.compile import compile_folder
from authoring.diagnostics import Diagnostic, failed, render_json, render_text
from authoring.lint import lint
from authoring.scenario_file import mistakes
from cli import apply as applying
from cli import by_hand, rollout, serve, staffing, tested, testing
from cli import document as writing
from cli import explain as explaining
from cli import forecast as forecasting
from cli import health as healthy
from cli import hold as holding
from cli import import_accounts as importing
from cli import merge as merging
from cli import note as noting
from cli import pipeline as selling
from cli import plan as planning
from cli import rehearse as rehearsing
from cli import releases as listing
from cli import schema as schemas
from cli import sign_in as signing_in
from cli import simulate as simulating
from cli import up as embedded
from cli.demo import Demo, seconds
from cli.processes import FolderTakenError, ProcessError, refuse_beside
from cli.restored import held_since_restore
from cli.travel import ServerMissingError
from cli.up import OpenRunsDifferError, Stack
from settings import SettingsError
from store.database import DatabaseUrlError, now, open_database

try:
    from uvloop import run as run_fast
except ImportError:  # there is none for Windows
    from asyncio import run as run_fast  # type: ignore[assignment] # the same for one coroutine

SECRETS = ("webhook_secret", "link_secret")
PIPED = 240
"""Columns of a table that goes to a file or another program, which must not cut it as a narrow terminal would."""
MISUSE = (SettingsError, DatabaseUrlError, FolderTakenError, simulating.MisuseError, signing_in.NoSuchTeammateError,
          ServerMissingError, importing.ImportMisuseError, explaining.NoSuchError)  # fmt: skip

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
err = Console(stderr=True, highlight=False, soft_wrap=True)
app.command("simulate")(simulating.command)
app.command("forecast")(forecasting.command)
app.command("import")(importing.command)
app.command("schema")(schemas.command)
app.command("plan")(planning.command)
app.command("apply")(rollout.command)
app.command("releases")(listing.command)
app.command("explain")(explaining.command)
app.command("health")(healthy.command)
app.command("start")(by_hand.start)
app.command("stop")(by_hand.stop)
app.command("rehearse")(rehearsing.command)
app.command("hold")(holding.hold)
app.command("resume")(holding.resume)
app.command("merge")(merging.command)
app.command("note")(noting.command)
app.command("document")(writing.command)
app.command("pipeline")(selling.pipeline)
app.command("opportunity")(selling.opportunity)
app.command("advocacy")(selling.advocacy)
app.command("support")(selling.support)
app.command("milestones")(selling.milestones)
app.command("win-back")(selling.win_back)
app.command("coverage")(staffing.coverage)
app.command("reassign")(staffing.reassign)

Format = Annotated[Literal["text", "json"], typer.Option("--format", help="text for people, json for programs.")]


def _version(asked: bool) -> None:
    if asked:
        out.print(f"stageplay {metadata.version('stageplay')}")
        raise typer.Exit


@app.callback()
def stageplay(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say the version.")
    ] = False,
) -> None:
    """Customer-success playbooks that do what they say."""


@app.command()
def up() -> None:
    """Run everything here: Temporal, worker, gateway; at real speed, until Ctrl-C.

    Mails and cards stay in the outbox unless the settings name SendGrid and Slack.
    """
    raise typer.Exit(asyncio.run(embedded.serve(configuration.with_secrets(), _say, _stay)))


@app.command()
def demo(
    *,
    day: Annotated[
        str, typer.Option(help="How long a simulated day lasts; under 2s answers of people may come too late.")
    ] = "4s",
    leave: Annotated[bool, typer.Option("--exit", help="Stop when the onboarding of all three has ended.")] = False,
) -> None:
    """Run everything here with three sample customers whose fourteen days pass in about a minute."""
    show = Demo(day_seconds=seconds(day), leave=leave, out=out)

    async def play(stack: Stack) -> int:
        _addresses(stack)
        return await show.run(stack)

    raise typer.Exit(asyncio.run(embedded.serve(configuration.with_secrets(), _say, play)))


@app.command()
def worker() -> None:
    """Run a worker against the Temporal that TEMPORAL_ADDRESS names and STAGEPLAY_DATABASE_URL."""
    raise typer.Exit(run_fast(serve.run_worker(configuration.load(needs=("link_secret",)))))


@app.command()
def gateway(
    *,
    allow_rehearsal: Annotated[bool, typer.Option(help="Let signups ask for days that last seconds.")] = False,
) -> None:
    """Run the gateway: events, Slack, surveys, dashboard."""
    settings = configuration.load(needs=SECRETS)
    refuse_beside(settings.var_dir / "up.lock")
    raise typer.Exit(serve.run_gateway(settings, allow_rehearsal=allow_rehearsal))


@app.command()
def status() -> None:
    """Say how database, Temporal and worker are; exit code 3 when one is missing."""
    code, lines = asyncio.run(serve.status(configuration.load()))
    for line in lines:
        _say(line)
    raise typer.Exit(code)


@app.command("sign-in")
def sign_in(
    *,
    who: Annotated[
        str, typer.Option("--as", help="The teammate it is for, by id or address; else who uses it chooses.")
    ] = "",
) -> None:
    """Print a link that signs one person in to the dashboard, once, within 15 minutes; the gateway may be running."""
    settings = configuration.load()
    database = open_database(settings.database_url)
    link = signing_in.fresh_link(database, settings, who)
    database.close()
    print(link)


@app.command()
def restored(
    *,
    reconciled: Annotated[
        bool, typer.Option("--reconciled", help="It agrees with the providers; let sends go.")
    ] = False,
) -> None:
    """Hold every send after a restore from a backup, until the ledger agrees with what the providers sent since."""
    raise typer.Exit(held_since_restore(reconciled=reconciled))


@app.command()
def migrate() -> None:
    """Bring the database's schema to this version; safe to repeat and to race."""
    database = open_database(configuration.load().database_url)
    database.migrate()
    database.close()
    out.print("the database is up to date")


@app.command()
def validate(
    paths: Annotated[list[Path] | None, typer.Argument(help="Playbooks, or folders of them.")] = None,
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
    found = [
        item
        for folder in sorted(folders)
        for item in _checked(folder, settings.templates_dir)
        if any(
            folder == target.absolute() or (folder.parent / item.place.file).is_relative_to(target.absolute())
            for target in targets
        )
    ]
    _print_diagnostics(found, form)
    raise typer.Exit(int(failed(found) or (strict and bool(found))))


def _checked(folder: Path, templates: Path) -> tuple[Diagnostic, ...]:
    """Everything wrong with a folder of playbooks, and what should be looked at."""
    compiled = compile_folder(folder, templates)
    return (*compiled.diagnostics, *mistakes(compiled), *lint(compiled, now().date()))


@app.command("test")
def play_scenarios(
    paths: Annotated[list[Path] | None, typer.Argument(help="Scenarios, playbooks, or folders of them.")] = None,
    *,
    on: Annotated[testing.Server, typer.Option(help="temporal: on Temporal's time-skipping server.")] = "simulator",
    form: Format = "text",
    coverage: Annotated[bool, typer.Option("--coverage", help="List what no scenario visits.")] = False,
) -> None:
    """Play the scenarios beside the playbooks: what came otherwise than written, and what none of them visits."""
    settings = configuration.load()
    chosen = testing.choose(paths or [], settings.playbooks_dir, settings.templates_dir)
    if chosen.compiled.catalogue is None:
        _print_diagnostics(chosen.compiled.diagnostics, form)
        raise typer.Exit(1)
    raise typer.Exit(tested.run(chosen, on, form, out, err, listed=coverage))


def _print_diagnostics(found: Sequence[Diagnostic], form: str) -> None:
    if form == "json":
        print(json.dumps(render_json(found), indent=2, ensure_ascii=False))
    elif found:
        print(render_text(found, colour=out.is_terminal))
    else:
        out.print("nothing is wrong")


def _say(line: str) -> None:
    out.print(line, markup=False)


async def _stay(stack: Stack) -> int:
    _addresses(stack)
    await asyncio.Event().wait()
    return 0


def _addresses(stack: Stack) -> None:
    for name, address in stack.addresses.items():
        out.print(f"  {name:<12} {address}", markup=False)
    out.print("Ctrl-C stops everything; started again it continues.", markup=False)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what it says is already said."""
    try:
        app(list(arguments), prog_name="stageplay")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except MISUSE as problem:
        err.print(str(problem), markup=False)
        return 2
    except applying.DoesNotCompileError as problem:
        print(render_text(problem.compiled.diagnostics, colour=err.is_terminal), file=sys.stderr)
        err.print(str(problem), markup=False)
        return 1
    except (ProcessError, OpenRunsDifferError) as problem:
        err.print(str(problem), markup=False)
        return 3
    except Exception:  # noqa: BLE001 - the last place to say whose fault it is; the traceback is for us
        traceback.print_exc()
        err.print("This is our fault, not yours; the lines above say where.", markup=False)
        return 3
    return 0


def main() -> None:
    """Run the command of this process, and leave. What was imported stays, so no collection need look through it: that
    was a quarter of a `validate`.
    """
    gc.freeze()
    code = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
