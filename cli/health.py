"""`stageplay health`: a customer's health score, what it is made of, what is not known, and where it has come from."""

import asyncio
import json
from collections.abc import Iterator
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

import settings as configuration
from authoring.scored import Line, Scored, scored, to_json
from cli.connection import opened
from cli.explain import Known, known_of
from lifecycle import calendar
from store import scores
from store.scores import Benchmark


def command(
    customer: Annotated[str, typer.Argument(help="The sender's id of the customer, or ours.")],
    *,
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")] = "text",
) -> None:
    """Say what a customer's health score is made of, what is not known, its history, and how others like it stand."""
    with opened(configuration.load().database_url) as database:
        found = asyncio.run(known_of(database, customer))
        with database.read() as c:
            others = scores.benchmark(c, found.customer)
    made = scored(found.library, found.state)
    if form == "json":
        who = {"customer": found.customer.id, "id": found.customer.outer_id, "name": found.customer.name}
        like = None if others is None else {name: getattr(others, name) for name in Benchmark.__dataclass_fields__}
        data = who | to_json(made, found.customer.profile.zone) | {"benchmark": like}
        print(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        show(found, made, others, Console(highlight=False, soft_wrap=True))


def show(found: Known, made: Scored, others: Benchmark | None, out: Console) -> None:
    """The score for people."""
    out.print(Text.assemble((found.customer.name, "bold"), f"  {headline(made)}"))
    for line in lines(made, others, found.customer.profile.zone):
        out.print(Text(f"  {line}"))
    for part in made.parts:
        out.print()
        out.print(Text.assemble((part.title, "bold"), f"  {points(part)}"))
        for inner in part.parts:
            out.print(Text(f"  {points(inner):>12}  {inner.title}: {_why(inner)}"))


def headline(made: Scored) -> str:
    """The score in a few words."""
    if made.score is None:
        return "has no health score"
    return f"{made.score:g}, {made.band or 'no band'}"


def lines(made: Scored, others: Benchmark | None, zone: str) -> Iterator[str]:
    """What is said of the score as a whole."""
    if made.model:
        yield f"model: {made.model}, {made.known}% of it known"
    if made.model and not made.own:
        yield f"too little is known for a score of our own: at least {made.least_known}% must be"
    elif made.score is not None and not made.own:
        yield "reported from outside"
    if made.range:
        yield f"{made.range}: {made.action}" if made.action else made.range
    if made.change is not None:
        yield f"trend: {made.change:+g} in 30 days"
    if made.fell_until is not None:
        yield f"fell fast: a risk until {calendar.local(made.fell_until, zone):%d %b %Y}"
    if made.history:
        past = ", ".join(f"{item.score:g} on {calendar.local(item.at, zone):%d %b}" for item in made.history)
        yield f"history: {past}"
    if others is not None:
        yield (
            f"{others.group}: {others.median:g} in the middle, half of {others.customers} between {others.low:g} and "
            f"{others.high:g}"
        )


def points(line: Line) -> str:
    """What a part brings, of what it could."""
    return f"{'?' if line.points is None else f'{line.points:.3g}'} of {line.weight:.3g}"


def _why(line: Line) -> str:
    return line.why if line.known else f"not known: {', '.join(line.missing) or 'what it asks for'}"
