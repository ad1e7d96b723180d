"""`stageplay releases`: which catalogues there are, which is current, who holds them; what `apply --release` takes."""

import json
import sys
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection

import settings as configuration
from cli.connection import opened
from store import releases, rollouts
from store.rollouts import Rollout

PIPED = 240
"""Columns of a table that goes to a file or another program."""


def command(
    *, form: Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")] = "text"
) -> None:
    """List what was applied, the newest first: `apply --release DIGEST` goes back to one."""
    with opened(configuration.load().database_url) as database, database.read() as c:
        rows = listed(c)
    if form == "json":
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("catalogue", "applied", "", "to", "moved", "told", "held by"):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        moved = ", ".join(row["move"]) + (f" (late: {row['late']})" if row["move"] else "")
        applied = row["applied_at"][:16].replace("T", " ")
        table.add_row(row["catalogue"], applied, row["is"], row["scope"], moved, str(row["told"]), str(row["held_by"]))
    width = None if sys.stdout.isatty() else PIPED
    Console(highlight=False, soft_wrap=True, width=width).print(table if rows else "nothing is applied yet")


def listed(c: Connection) -> list[dict[str, Any]]:
    """Each rollout as plain data; of one catalogue applied twice, both."""
    current, held = releases.current(c), rollouts.holders(c)
    found, seen = [], False
    for item in rollouts.listed(c):
        whole = item.options.scope.whole and not item.options.shadow
        now_is = _is(item, current=whole and item.digest == current and not seen)
        seen = seen or whole
        found.append(
            {
                "catalogue": item.digest,
                "applied_at": item.started_at.isoformat(timespec="seconds"),
                "is": now_is,
                "scope": item.options.scope.text,
                "move": list(item.options.move),
                "late": item.options.late,
                "told": item.told,
                "held_by": held.get(item.digest, 0),
                "note": item.note,
            }
        )
    return found


def _is(item: Rollout, *, current: bool) -> str:
    if item.options.shadow:
        return "shadow"
    if item.finished_at is None:
        return "unfinished"
    return "current" if current else "in part" if item.in_force else ""
