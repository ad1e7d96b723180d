"""Which commands there are: each by name, where it stands, and its line in `stageplay --help`.

A command's module is imported when the command runs, so that `validate` on an author's machine does not wait for the
server, the database and the calendar libraries of commands that it is not. Hence the lines stand here again; a test
holds them against the commands' own words.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True, slots=True)
class Entry:
    """`function` of `module` is the command; `says`: the first paragraph of its docstring, on one line."""

    module: str
    function: str
    says: str


COMMANDS = {
    "demo": Entry(
        "cli.embedded",
        "demo",
        "Run everything here with three sample customers whose fourteen days pass in about a minute.",
    ),
    "up": Entry("cli.embedded", "up", "Run everything here: Temporal, worker, gateway; at real speed, until Ctrl-C."),
    "validate": Entry(
        "cli.checking",
        "validate",
        "Check playbooks, their scenarios and templates; everything wrong in one run, and what should be looked at.",
    ),
    "test": Entry(
        "cli.checking",
        "play_scenarios",
        "Play the scenarios beside the playbooks: what came otherwise than written, and what none of them visits.",
    ),
    "simulate": Entry("cli.simulate", "command", "Say what customers would get, when, and why. Nothing is sent."),
    "forecast": Entry(
        "cli.forecast",
        "command",
        "Say what the coming days bring: sends, and work for each teammate against their capacity.",
    ),
    "explain": Entry(
        "cli.explain",
        "command",
        "Say why a customer is in a playbook or not, what is next and when, and what would change it.",
    ),
    "health": Entry(
        "cli.health",
        "command",
        "Say what a customer's health score is made of, what is not known, its history, and how others like it stand.",
    ),
    "rehearse": Entry(
        "cli.rehearse",
        "command",
        "Rehearse a playbook with all the real parts: its days pass in seconds, and no customer gets anything.",
    ),
    "start": Entry(
        "cli.by_hand",
        "start",
        "Start a playbook for a customer by hand, unless its own rules say no; then the exit code is 1.",
    ),
    "stop": Entry(
        "cli.by_hand", "stop", "End a play by hand: what it has asked is withdrawn, its meetings to come are cancelled."
    ),
    "hold": Entry(
        "cli.hold",
        "hold",
        "Hold sends: to a customer, to a part of the customers, of a playbook, or all. Events go on being recorded.",
    ),
    "resume": Entry(
        "cli.hold",
        "resume",
        "Lift a hold: what fell due meanwhile is listed, then sent, skipped, or moved with the rest of its play.",
    ),
    "merge": Entry(
        "cli.merge",
        "command",
        "Merge a customer into another one, which goes on as it is: shown first, done with --yes.",
    ),
    "pipeline": Entry(
        "cli.pipeline",
        "pipeline",
        "List opportunities with account, kind, value, stage, close date, owner, commission; totals by stage and "
        "owner.",
    ),
    "opportunity": Entry(
        "cli.pipeline",
        "opportunity",
        "Move an opportunity to another stage, for a reason. What is won ends the playbooks that wait for a sale.",
    ),
    "advocacy": Entry(
        "cli.pipeline",
        "advocacy",
        "Say how the programmes of the lifecycle stand: what is reached, of which target, and what they offer.",
    ),
    "milestones": Entry(
        "cli.pipeline",
        "milestones",
        "Say how many customers reached the milestones of their journey in time, against how many should.",
    ),
    "win-back": Entry(
        "cli.pipeline", "win_back", "Say how many customers left and came back, by group: the success rate of win-back."
    ),
    "support": Entry("cli.pipeline", "support", "Say how many tickets come a week, and who answers that many."),
    "document": Entry(
        "cli.document",
        "command",
        "Write a document about a customer with what is known now, or list which there are and which were made.",
    ),
    "coverage": Entry(
        "cli.staffing",
        "coverage",
        "Say who looks after how many customers, who has too many, who is away, and which customers have nobody.",
    ),
    "reassign": Entry(
        "cli.staffing",
        "reassign",
        "Hand a teammate's customers to others, with all that is open: shown first, done with --yes.",
    ),
    "plan": Entry(
        "cli.plan", "command", "Show what apply would do: to playbooks, to plays in flight, and to the coming days."
    ),
    "apply": Entry(
        "cli.rollout",
        "command",
        "Make the playbooks current and tell the customers. Plays in flight stay, unless --move names them.",
    ),
    "import": Entry(
        "cli.import_accounts",
        "command",
        "Place the customers of another system where they stand, without sending them their past.",
    ),
    "note": Entry(
        "cli.note",
        "command",
        "Take in a note of a call or a business review: what it changes is shown first, and done with --yes.",
    ),
    "schema": Entry(
        "cli.schema",
        "command",
        "Print the JSON Schema of playbooks and all other files that people write (draft 2020-12).",
    ),
    "releases": Entry(
        "cli.releases", "command", "List what was applied, the newest first: `apply --release DIGEST` goes back to one."
    ),
    "worker": Entry(
        "cli.parts",
        "worker",
        "Run a worker against the Temporal that TEMPORAL_ADDRESS names and STAGEPLAY_DATABASE_URL.",
    ),
    "gateway": Entry("cli.parts", "gateway", "Run the gateway: events, Slack, surveys, dashboard."),
    "migrate": Entry(
        "cli.parts", "migrate", "Bring the database's schema to this version; safe to repeat and to race."
    ),
    "restored": Entry(
        "cli.restored",
        "command",
        "Hold every send after a restore from a backup, until the ledger agrees with what the providers sent since.",
    ),
    "sign-in": Entry(
        "cli.sign_in",
        "command",
        "Print a link that signs one person in to the dashboard, once, within 15 minutes; the gateway may be running.",
    ),
    "status": Entry(
        "cli.parts", "status", "Say how database, Temporal and worker are; exit code 3 when one is missing."
    ),
}


def imported(name: str) -> Any:
    """The function of a command, with all that it needs.

    Raises:
        KeyError: no command is called that.
    """
    entry = COMMANDS[name]
    return getattr(import_module(entry.module), entry.function)


def command(name: str) -> Any:
    """A command with its arguments, as typer runs it; raises as `imported`."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(imported(name))
    return typer.main.get_command(alone)


class Commands(TyperGroup):
    """All commands by name and line; the one that was asked for is made when it runs."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = {name: TyperCommand(name=name, help=entry.says) for name, entry in COMMANDS.items()}

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that runs, in place of its line."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, command(name) if name else None, rest
