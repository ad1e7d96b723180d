"""`stageplay import`: another system's customers, written down where they stand, and told nothing of their past.

Read and checked as a playbook is. `--dry-run` shows what would happen, `--portfolio` writes a file for simulations.
"""

import asyncio
import csv
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import structlog
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from temporalio.client import Client

import settings as configuration
from authoring.compile import Compiled
from authoring.diagnostics import Diagnostic, render_text
from authoring.imports import Taken, take, today
from authoring.imports_form import DateForm, ImportMapping
from authoring.imports_mapping import read_mapping
from authoring.portfolio import account_to_json
from cli.apply import compiled
from cli.connection import require_schema
from cli.failures import MisuseError
from cli.import_run import Importer, Run
from cli.processes import ProcessError
from gateway.deliver import Connection
from gateway.intake import Lifecycles
from gateway.refusals import RefusedError
from lifecycle.playbook import Lifecycle
from settings import Settings
from store.database import Database, now, open_database

PIPED = 240
"""Columns of a line that goes to a file or another program."""
SHOWN = 5
"""Examples named in the text; the JSON and the CSV name all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments. `data`: the folder of the files, None: where the mapping is. `as_of`: as written, empty: none."""

    mapping: Path
    data: Path | None
    as_of: str
    dry_run: bool
    form: str
    portfolio: Path | None
    report: Path | None

    @property
    def folder(self) -> Path:
        return self.data or self.mapping.parent


@dataclass(frozen=True, slots=True)
class Plan:
    """An export read: what would be placed. `old`: how many days ago all this was so."""

    mapping: ImportMapping
    as_of: date
    taken: Taken
    lifecycle: Lifecycle
    old: int


def command(
    mapping: Annotated[Path, typer.Argument(help="YAML: what the files of an export mean (docs/import.md).")],
    *,
    data: Annotated[Path | None, typer.Option(help="The folder of the CSV files; else the mapping's.")] = None,
    as_of: Annotated[
        str, typer.Option(help="Of which day the data are: 2026-03-02; else the mapping's, or today.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be placed, and place nothing.")] = False,
    portfolio: Annotated[
        Path | None, typer.Option(help="Write the accounts to this .jsonl for simulations, and place nothing.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="CSV of the rows not taken; else beside the data.")] = None,
    form: Annotated[
        Literal["text", "json"], typer.Option("--format", help="text for people, json for programs.")
    ] = "text",
) -> None:
    """Place the customers of another system where they stand, without sending them their past."""
    raise typer.Exit(_run(Asked(mapping, data, as_of, dry_run, form, portfolio, report)))


def _run(asked: Asked) -> int:
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
    settings = configuration.load()
    _log_to_stderr()
    plan, found = prepare(asked, compiled(settings.playbooks_dir, settings.templates_dir))
    if plan is None:
        print(render_text(found, colour=err.is_terminal), file=sys.stderr)
        return 1
    done: Run | None = None
    if asked.portfolio is not None:
        _write_portfolio(asked.portfolio, plan)
    elif not asked.dry_run:
        done = asyncio.run(_place(settings, plan, err))
    report = _report_to(asked, plan)
    if report is not None:
        _write_report(report, plan)
    if asked.form == "json":
        print(json.dumps(as_json(plan, done), indent=2, ensure_ascii=False))
    else:
        for line in as_text(plan, done, asked, report):
            out.print(line, markup=False)
    return int(bool(plan.taken.refused))


def _log_to_stderr() -> None:
    """Keep standard output for what was asked; a delivery that is tried again is no news here."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def prepare(asked: Asked, releases: Compiled) -> tuple[Plan | None, tuple[Diagnostic, ...]]:
    """Read the mapping and the files; None where the mapping has errors."""
    if not asked.mapping.is_file():
        raise MisuseError(f"there is no mapping file {asked.mapping}")
    if not asked.folder.is_dir():
        raise MisuseError(f"there is no folder {asked.folder}; name that of the CSV files with --data")
    lifecycle = next(item for item in releases.releases.values() if isinstance(item, Lifecycle))
    text = asked.mapping.read_bytes().decode("utf-8-sig", "replace")
    mapping, found = read_mapping(text, str(asked.mapping), lifecycle)
    if mapping is None:
        return None, found
    current = today(now(), lifecycle)
    as_of = _day(asked.as_of) or mapping.as_of or current
    team = {person.email for person in releases.team.people} if releases.team else set()
    taken, missing = take(mapping, asked.folder, lifecycle, team, as_of)
    if missing:
        return None, missing
    return Plan(mapping, as_of, taken, lifecycle, (current - as_of).days), ()


def _day(written: str) -> date | None:
    found = DateForm().read(written)
    if written and found is None:
        raise MisuseError(f'--as-of "{written}" is not a date; write 2026-03-02')
    return found


# --- placing ----------------------------------------------------------------------------------------------------------


async def _place(settings: Settings, plan: Plan, err: Console) -> Run:
    database = open_database(settings.database_url)
    try:
        await asyncio.to_thread(require_schema, database)
        await asyncio.to_thread(_require_playbooks, database)
        config = configuration.temporal()
        connection = Connection(lambda: Client.connect(**config))
        with _progress(err, len(plan.taken.accounts)) as step:
            importer = Importer(database, connection, plan.lifecycle, plan.mapping.name, step)
            return await importer.run(plan.taken.accounts)
    finally:
        database.close()


def _require_playbooks(database: Database) -> None:
    try:
        with database.read() as c:
            Lifecycles().current(c)
    except RefusedError as refusal:
        raise ProcessError(str(refusal)) from refusal


@contextmanager
def _progress(err: Console, total: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere."""
    columns = (TextColumn("placing customers"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal) as progress:
        bar = progress.add_task("", total=total)
        yield lambda: progress.advance(bar)


# --- what it says -----------------------------------------------------------------------------------------------------


def as_json(plan: Plan, done: Run | None) -> dict[str, Any]:
    """The plan and, where it was carried out, what was done."""
    taken = plan.taken
    return {
        "import": plan.mapping.name,
        "as_of": plan.as_of.isoformat(),
        "accounts": len(taken.accounts),
        "stages": dict(_stages(plan)),
        "needs": {need: list(accounts) for need, accounts in taken.needs.items()},
        "not_taken": [
            {"file": item.file, "row": item.row, "account": item.account, "problem": item.problem, "part": item.part}
            for item in taken.refused
        ],
        "rows_after": taken.later,
        "run": None if done is None else {"placed": done.placed, "there": done.there, "waiting": done.waiting},
    }


def as_text(plan: Plan, done: Run | None, asked: Asked, report: Path | None) -> Iterator[str]:
    """The same for people."""
    taken = plan.taken
    yield f"{plan.mapping.name}: {len(taken.accounts)} accounts as of {plan.as_of.isoformat()}"
    for stage, number in _stages(plan):
        yield f"  {stage:<14} {number:>6}"
    if plan.old > 0 and asked.portfolio is None:
        yield f"The data are {plan.old} days old; customers stand in this stage from the moment of the import."
    for need, accounts in taken.needs.items():
        means = _MEANS[need].format(zone=plan.lifecycle.default_zone)
        yield f"no {need:<14} {len(accounts):>6}  {_some(accounts)}: {means}"
    if taken.later:
        yield f"{taken.later} rows lie after that day and count for nothing"
    yield from _refused(plan)
    if report is not None:
        yield f"Every row that was not taken: {report}"
    if asked.portfolio is not None:
        yield f"written to {asked.portfolio}; nothing was placed"
    elif done is None:
        yield "This was a plan: nothing was placed. Leave out --dry-run to place them."
    else:
        yield _done(done)


_MEANS = {
    "email": "no contact, so what would go to one is held until there is",
    "zone": "local times are those of {zone}",
    "csm": "somebody with the role gets them",
    "contract end": "no renewal",
}


def _done(done: Run) -> str:
    if not done.placed and not done.waiting:
        return f"nothing to do: all {done.there} are there"
    waiting = f"; {done.waiting} wait for Temporal, and are told as soon as a gateway runs" if done.waiting else ""
    return f"placed {done.placed}, {done.there} were there before{waiting}"


def _refused(plan: Plan) -> Iterator[str]:
    refused = plan.taken.refused
    if not refused:
        return
    yield f"{len(refused)} rows or parts of them were not taken"
    for item in refused[:SHOWN]:
        part = f" ({item.part} left out)" if item.part else ""
        yield f"  {item.file}:{item.row}: {item.problem}{part}"
    if len(refused) > SHOWN:
        yield f"  and {len(refused) - SHOWN} more"


def _stages(plan: Plan) -> list[tuple[str, int]]:
    """Stage to accounts, in the order of the journey."""
    counted = Counter(account.signup.placed for account in plan.taken.accounts)
    order = [spec.name for spec in plan.lifecycle.stages]
    return sorted(counted.items(), key=lambda item: (order.index(item[0]) if item[0] in order else len(order), item[0]))


def _some(accounts: tuple[str, ...]) -> str:
    more = ", ..." if len(accounts) > SHOWN else ""
    return ", ".join(accounts[:SHOWN]) + more


def _report_to(asked: Asked, plan: Plan) -> Path | None:
    """Where the rows not taken are listed: where asked, else beside the data of an import that was carried out."""
    if asked.report is not None:
        return asked.report
    if not plan.taken.refused or asked.dry_run or asked.portfolio is not None:
        return None
    return asked.folder / f"{plan.mapping.name}-not-taken.csv"


def _write_report(path: Path, plan: Plan) -> None:
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(("file", "row", "account", "left out", "problem"))
            for item in plan.taken.refused:
                writer.writerow((item.file, item.row, item.account, item.part or "the row", item.problem))
    except OSError as error:
        raise MisuseError(f"cannot write {path}: {error.strerror}; name another file with --report") from error


def _write_portfolio(path: Path, plan: Plan) -> None:
    try:
        with path.open("w", encoding="utf-8") as stream:
            for account in plan.taken.accounts:
                stream.write(json.dumps(account_to_json(account), ensure_ascii=False) + "\n")
    except OSError as error:
        raise MisuseError(f"cannot write {path}: {error.strerror}; name another file") from error
