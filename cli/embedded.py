"""`stageplay up` and `stageplay demo`: everything here, by itself or with three sample customers."""

import asyncio
from typing import Annotated

import typer

import settings as configuration
from cli import up as embedded
from cli.demo import Demo, seconds
from cli.screen import out, say
from cli.up import Stack


def up() -> None:
    """Run everything here: Temporal, worker, gateway; at real speed, until Ctrl-C.

    Mails and cards stay in the outbox unless the settings name SendGrid and Slack.
    """
    raise typer.Exit(asyncio.run(embedded.serve(configuration.with_secrets(), say, _stay)))


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

    raise typer.Exit(asyncio.run(embedded.serve(configuration.with_secrets(), say, play)))


async def _stay(stack: Stack) -> int:
    _addresses(stack)
    await asyncio.Event().wait()
    return 0


def _addresses(stack: Stack) -> None:
    for name, address in stack.addresses.items():
        out.print(f"  {name:<12} {address}", markup=False)
    out.print("Ctrl-C stops everything; started again it continues.", markup=False)
