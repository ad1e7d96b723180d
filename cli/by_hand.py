"""`stageplay start` and `stageplay stop`: a play begun or ended by a person, from the command line."""

from typing import Annotated

import typer

from cli import records
from cli.answering import Desk, answer
from cli.explain import NoSuchError
from cli.failures import MisuseError
from lifecycle.messages import PlayRequested, PlayStopRequested
from store.customers import Customer

Whose = Annotated[str, typer.Argument(metavar="CUSTOMER", help="The sender's id of the customer, or ours.")]
By = Annotated[str, typer.Option(help="Who does it: a teammate's id or address.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the trace.")]


def start(playbook: str, customer: Whose, *, by: By, reason: Reason = "") -> None:
    """Start a playbook for a customer by hand, unless its own rules say no; then the exit code is 1."""
    raise typer.Exit(answer(customer, by, lambda desk, _: PlayRequested(playbook, desk.by.id, reason)))


def stop(
    play: Annotated[str, typer.Argument(help="Such as onboarding-14-day/1; without a number the last one.")],
    customer: Whose,
    *,
    by: By,
    reason: Reason,
) -> None:
    """End a play by hand: what it has asked is withdrawn, its meetings to come are cancelled."""
    if not reason.strip():
        raise MisuseError('say why, in words that people read in the trace: --reason "another journey"')
    raise typer.Exit(
        answer(customer, by, lambda desk, whose: PlayStopRequested(numbered(desk, whose, play), desk.by.id, reason))
    )


def numbered(desk: Desk, customer: Customer, play: str) -> str:
    """A play with its number; for a playbook's name the last play of it that the records know.

    Raises:
        NoSuchError: they know none.
    """
    if "/" in play:
        return play
    rows = records.of_customer(desk.db, customer.id)
    started = [row.play for row in rows if (row.playbook, row.what, row.verdict) == (play, "play", "fired")]
    if not any(started):
        raise NoSuchError(f"{customer.name} never had a play of {play}; see `stageplay explain {customer.outer_id}`")
    return f"{play}/{max(started)}"
