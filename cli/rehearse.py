"""`stageplay rehearse`: one playbook for one customer with all the real parts, its days passing in seconds.

Temporal, worker, gateway and database are those of `up`, in a folder of their own; nothing of the live installation is
read but playbooks, templates and settings. What it sends stays in the outbox, or goes to one person.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

import settings as configuration
from authoring.compile import Compiled
from authoring.diagnostics import Diagnostic, Report, render_text
from authoring.guests import Guest, load_guest
from authoring.simulate import simulate
from authoring.source import read_text
from cli import records
from cli import up as embedded
from cli.demo import Demo, seconds
from cli.failures import MisuseError
from cli.simulate import Cast, cast, moment, require_files
from cli.story import Story
from gateway.answers import Press, record
from gateway.intake import Lifecycles
from gateway.pages import new_press
from lifecycle.messages import PlayRequested
from settings import Settings
from store import team
from store.customers import Customer
from store.database import Database, now

NEVER_LONGER = timedelta(days=400)
"""Of a play that does not end by then nobody sees the end."""
SPARE = timedelta(days=7)
"""Simulated time beyond what a simulation without answers needs: people who answer change when a play ends."""
SOON = timedelta(days=3)
"""A playbook that does not start within this time after the signup is started by hand."""


@dataclass(frozen=True)
class Plan:
    """What is rehearsed. `books`: the playbook alone. `by_hand`: it would not start by itself after the signup.
    `longest`: simulated, at most.
    """

    playbook: str
    books: Compiled
    story: Story
    by_hand: bool
    longest: timedelta


def command(
    playbook: Annotated[Path, typer.Argument(help="The file of the playbook.")],
    *,
    customer: Annotated[Path, typer.Option(help="YAML: name, tier, zone, champion, ... as in a scenario.")],
    day: Annotated[str, typer.Option(help="How long a simulated day lasts.")] = "5s",
    start: Annotated[str | None, typer.Option(help="When it begins, local: 2026-03-02T10:00; else now.")] = None,
    to: Annotated[str, typer.Option(help="The address of the one person who gets all; else all is kept.")] = "",
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs, at its end.")] = "text",
) -> None:
    """Rehearse a playbook with all the real parts: its days pass in seconds, and no customer gets anything."""
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    out = err if form == "json" else Console(highlight=False, soft_wrap=True)
    plan, found = made(playbook, customer, moment(start, "--start"))
    if found:
        print(render_text(found, colour=err.is_terminal), file=sys.stderr)
    if plan is None:
        raise typer.Exit(1)
    folder = Path(tempfile.mkdtemp(prefix="stageplay-rehearsal-"))
    settings = _apart(folder, playbook.absolute().parent, to)
    demo = Demo(seconds(day), leave=True, out=out, stories=(plan.story,), longest=plan.longest)
    if plan.by_hand:
        demo.begun = lambda database, whose: ask(database, whose, plan.playbook)
    code = asyncio.run(embedded.serve(settings, lambda line: out.print(line, markup=False), demo.run, plan.books))
    out.print(f"It ended. To look at what was sent and decided: STAGEPLAY_VAR_DIR={folder} stageplay up", markup=False)
    if form == "json":
        print(json.dumps(document(plan, demo, folder), indent=2, ensure_ascii=False))
    raise typer.Exit(code)


def document(plan: Plan, demo: Demo, folder: Path) -> dict[str, Any]:
    """How it went, for programs; `var_dir`: where what was sent and decided is kept. A rehearsal that was stopped has
    not ended.
    """
    return {
        "playbook": plan.playbook,
        "by_hand": plan.by_hand,
        "ended": bool(demo.parts) and all(part.over for part in demo.parts),
        "missing": demo.missing,
        "var_dir": str(folder),
        "decisions": [records.public(row, part.story.zone) for part in demo.parts for row in part.lines],
    }


def made(playbook: Path, customer: Path, start: datetime | None) -> tuple[Plan | None, Sequence[Diagnostic]]:
    """Read and simulate what is to be rehearsed; None with findings where something is wrong.

    Raises:
        MisuseError: there is no such file, or it holds no playbook.
    """
    require_files((playbook,), customer)
    settings = configuration.load()
    chosen, found = cast((playbook,), None, settings.playbooks_dir, settings.templates_dir)
    if chosen is None:
        return None, found
    report = Report()
    text = read_text(customer, str(customer), report)
    if text is None:
        return None, report.sorted()
    guest, found = load_guest(text, str(customer), start or now(), chosen.lifecycle)
    if guest is None:
        return None, found
    zone = ZoneInfo(guest.signup.profile.zone)
    at = start.replace(tzinfo=zone).astimezone(UTC) if start else now()
    name = chosen.books[0].name
    begun, ended = _by_itself(chosen, guest, name, at)
    longest = NEVER_LONGER if ended is None else ended - at + SPARE
    return Plan(name, chosen.alone, _story(guest, name, at), not begun, longest), found


def _by_itself(chosen: Cast, guest: Guest, playbook: str, at: datetime) -> tuple[bool, datetime | None]:
    """Whether a play starts by itself within `SOON`, and when it would end with nobody answering; of one that does not,
    the latter is not known.
    """
    lived = simulate(chosen.library, chosen.digest, guest.signup, at, [], at + NEVER_LONGER)
    plays = [item for item in lived.decisions if item.playbook == playbook and item.what == "play" and item.play]
    began = next((item for item in plays if item.verdict == "fired" and item.at <= at + SOON), None)
    ended = next((item.at for item in plays if item.reason.startswith("ended")), None)
    return began is not None, ended if began else None


def _story(guest: Guest, playbook: str, at: datetime) -> Story:
    profile = guest.signup.profile
    people = tuple(
        {"name": address.partition("@")[0].replace(".", " ").title(), "email": address, "roles": list(roles)}
        for address, roles in guest.people.items()
    )
    return Story(
        id="rehearsal",
        name=guest.name,
        tier=profile.tier,
        journey=profile.journey,
        touch=profile.touch,
        zone=profile.zone,
        country=profile.country,
        segment=profile.segment,
        arr=profile.arr,
        champion="",
        contacts=people,
        happenings=(),
        expects=(),
        plot=f"rehearses {playbook}",
        starts_at=at,
        about=(playbook,),
    )


def ask(database: Database, customer: Customer, playbook: str) -> None:
    """Have the customer's own CSM start the playbook by hand."""
    with database.read() as c:
        people = team.team_of(c, customer.id)
    by = next(people[role] for role in ("csm", *people) if role in people)
    record(
        database, Lifecycles(), Press("cli", new_press(), customer.id, by, PlayRequested(playbook, by.id, "rehearsal"))
    )


def _apart(folder: Path, playbooks: Path, to: str) -> Settings:
    """Settings for a stack of its own in a folder; nothing that the live one uses is touched.

    Raises:
        MisuseError: `--to` is asked for, and nothing but the outbox is set up to send.
    """
    configuration.set_here(
        {"var_dir": str(folder), "database_url": f"sqlite:///{folder}/stageplay.db", "playbooks_dir": str(playbooks)}
        | {"port": "", "public_url": "", "temporal_ui": "", "rehearsal_to": to}
    )
    settings = configuration.with_secrets()
    if to and settings.email_transport == settings.slack_transport == "outbox":
        raise MisuseError(
            "--to has no way to send\n  why: both transports are the outbox, where everything is kept.\n"
            "  fix: set STAGEPLAY_EMAIL_TRANSPORT=sendgrid or STAGEPLAY_SLACK_TRANSPORT=slack, or leave --to out."
        )
    return settings
