"""`stageplay pipeline`, `opportunity`, `advocacy`, `support`, `win-back`, `milestones`: what is sold and counted."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import settings as configuration
from cli.answering import desk
from cli.connection import current_lifecycle, opened
from gateway.intake import Intake, Lifecycles
from gateway.pipeline import moved
from gateway.refusals import RefusedError
from lifecycle import calendar
from store import customers, opportunities, pages, programmes, reached, team, won_back
from store.database import now
from store.opportunities import STAGES, Opportunity, Total
from store.programmes import Standing

Form = Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")]
WIDE = 160


def pipeline(
    *,
    stage: Annotated[str, typer.Option(help=f"Only this stage: {', '.join(STAGES)}.")] = "",
    owner: Annotated[str, typer.Option(help="Only this owner: a teammate's id.")] = "",
    form: Form = "text",
) -> None:
    """List opportunities with account, kind, value, stage, close date, owner, commission; totals by stage and owner."""
    with opened(configuration.load().database_url) as db, db.read() as c:
        found = opportunities.pipeline(c, stage, owner)
        whose = {item.customer for item in found}
        homes, zones = pages.names(c, whose), customers.zones(c, whose)
        people = {person.id: person.name for person in team.teammates(c)}
    if form == "json":
        data = {"opportunities": [_as_json(item, homes) for item in found], "totals": _totals_json(found)}
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return
    out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDE)
    out.print(_listing(found, homes, zones, people) if found else Text("There are no opportunities."))
    for title, totals in (
        ("By stage", opportunities.by_stage(found)),
        ("Open, by owner", opportunities.by_owner(found)),
        ("Won: commission due", opportunities.commission_due(found)),
    ):
        for line in _totals(title, totals, people):
            out.print(Text(line))


def opportunity(
    touch: Annotated[str, typer.Argument(metavar="OPPORTUNITY", help="Its id, as `stageplay pipeline` lists it.")],
    *,
    to: Annotated[str, typer.Option(help=f"The stage: {', '.join(STAGES)}.")],
    by: Annotated[str, typer.Option(help="Who does it: a teammate's id or address.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the move.")],
) -> None:
    """Move an opportunity to another stage, for a reason. What is won ends the playbooks that wait for a sale."""
    with desk(by) as mine:
        try:
            intake = Intake(mine.db, Lifecycles(), allow_rehearsal=False)
            was = moved(mine.db, touch, to, mine.by.id, reason, intake)
        except RefusedError as refused:
            print(f"{refused.field} {refused.problem}\n  fix: {refused.fix}", file=sys.stderr)
            raise typer.Exit(1) from None
    print(f"{was.title}: {was.stage} -> {to}")


def advocacy(*, form: Form = "text") -> None:
    """Say how the programmes of the lifecycle stand: what is reached, of which target, and what they offer."""
    with opened(configuration.load().database_url) as db, db.read() as c:
        found = programmes.standings(c, current_lifecycle(c).programmes, now())
    if form == "json":
        print(json.dumps([_standing_json(item) for item in found], indent=2, ensure_ascii=False))
        return
    for item in found:
        print(f"{item.programme.title}: {item.reached} of {_target(item)}{_gap(item)}")
        if item.programme.benefits:
            print(f"  {item.programme.benefits}")


def support(
    *,
    plans: Annotated[bool, typer.Option("--plans", help="List what each tier is promised, at which price.")] = False,
    form: Form = "text",
) -> None:
    """Say how many tickets come a week, and who answers that many."""
    if plans:
        _plans(form)
        return
    with opened(configuration.load().database_url) as db, db.read() as c:
        found = programmes.support(c, current_lifecycle(c).staffing, now())
    if form == "json":
        data = {"tickets_a_week": found.a_week, "weeks": list(found.weeks), "staffing": found.who}
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return
    print(f"{found.a_week:.1f} tickets a week: {found.who or 'the lifecycle file does not say who answers them'}")
    if found.weeks:
        print(f"  the last weeks, the newest first: {', '.join(map(str, found.weeks))}")


def _plans(form: Form) -> None:
    with opened(configuration.load().database_url) as db, db.read() as c:
        life = current_lifecycle(c)
    if form == "json":
        data = {"plans": {name: asdict(plan) for name, plan in life.support.items()}, "channels": life.channels}
        print(json.dumps(data, indent=2, ensure_ascii=False))
        return
    for plan in life.support.values():
        print(f"{plan.title}: {plan.price} a month, first answer within {plan.answer}")
        for line in (", ".join(plan.channels), plan.gets):
            if line:
                print(f"  {line}")
    if life.channels:
        print("Channels: " + ", ".join(f"{name} {soon}" for name, soon in life.channels.items()))


def win_back(
    *,
    by: Annotated[
        Literal["tier", "touch", "journey", "segment", "reason"], typer.Option(help="What customers are grouped by.")
    ] = "tier",
    days: Annotated[int, typer.Option(min=1, max=3650, help="Who left in the last so many days.")] = 365,
    form: Form = "text",
) -> None:
    """Say how many customers left and came back, by group: the success rate of win-back."""
    at = now()
    with opened(configuration.load().database_url) as db, db.read() as c:
        found = won_back.success(won_back.read(c, by, at - timedelta(days=days), at), at)
    if form == "json":
        print(json.dumps([asdict(item) | {"percent": item.percent} for item in found], indent=2, ensure_ascii=False))
        return
    if not found:
        print(f"Nobody left in the last {days} days.")
        return
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in (by, "left", "came back", "still tried", "success", "median days"):
        table.add_column(heading, no_wrap=True)
    for item in found:
        percent = "" if item.percent is None else f"{item.percent}%"
        took = "" if item.days is None else f"{item.days:g}"
        table.add_row(item.group, str(item.left), str(item.back), str(item.trying), percent, took)
    Console(highlight=False, width=None if sys.stdout.isatty() else WIDE).print(table)


def milestones(
    *,
    days: Annotated[int, typer.Option(min=1, max=3650, help="Whose day was over in the last so many days.")] = 365,
    form: Form = "text",
) -> None:
    """Say how many customers reached the milestones of their journey in time, against how many should."""
    at = now()
    with opened(configuration.load().database_url) as db, db.read() as c:
        found = reached.read(c, current_lifecycle(c), at - timedelta(days=days), at)
    if form == "json":
        print(json.dumps([asdict(item) | {"percent": item.percent} for item in found], indent=2, ensure_ascii=False))
        return
    for item in found:
        share = f"{item.percent}% ({item.reached} of {item.customers})"
        said = "nobody's day is over" if item.percent is None else share
        print(f"{item.journey}: {item.title}, by day {item.day}: {said}; wanted: {item.share}%")


def _as_json(item: Opportunity, homes: dict[str, str]) -> dict[str, Any]:
    data = asdict(item) | {"account": homes.get(item.customer, ""), "kind": item.opportunity, "earned": item.earned}
    data |= {name: getattr(item, name).isoformat() for name in ("raised_at", "closes_at")}
    return {name: value for name, value in data.items() if name != "opportunity"}


def _totals_json(found: Sequence[Opportunity]) -> dict[str, Any]:
    return {
        "by_stage": [asdict(total) for total in opportunities.by_stage(found)],
        "by_owner": [asdict(total) for total in opportunities.by_owner(found)],
        "commission_due": [asdict(total) for total in opportunities.commission_due(found)],
    }


def _listing(
    found: Sequence[Opportunity], homes: dict[str, str], zones: dict[str, str], people: dict[str, str]
) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("Account", "Kind", "Value", "Stage", "Close by", "Owner", "Commission", "Id"):
        table.add_column(name, justify="right" if name in ("Value", "Commission") else "left")
    for item in found:
        commission = "none" if item.commission is None else f"{item.commission:g}%"
        earned = "" if item.earned is None else f", {item.earned:,.0f}"
        table.add_row(
            Text(homes.get(item.customer, item.customer)),
            item.opportunity,
            "not known" if item.value is None else f"{item.value:,.0f}",
            item.stage,
            calendar.local(item.closes_at, zones[item.customer]).date().isoformat(),
            Text(people.get(item.owner, item.owner)),
            commission + earned,
            Text(item.touch),
        )
    return table


def _totals(title: str, totals: Sequence[Total], people: dict[str, str]) -> Iterator[str]:
    if totals:
        yield f"{title}:"
    for total in totals:
        unknown = f", {total.unknown} of unknown value" if total.unknown else ""
        named = people.get(total.name, total.name)
        yield f"  {named}: {total.count}, value {total.value:,.0f}, commission {total.earned:,.0f}{unknown}"


def _target(item: Standing) -> str:
    most = item.programme.most
    return str(item.programme.target) if most is None else f"{item.programme.target} to {most}"


def _gap(item: Standing) -> str:
    if item.missing:
        return f", {item.missing} to go"
    return f", {item.over} too many" if item.over else ", reached"


def _standing_json(item: Standing) -> dict[str, Any]:
    found = item.programme
    return {
        "programme": item.name,
        "title": found.title,
        "reached": item.reached,
        "target": found.target,
        "most": found.most,
        "missing": item.missing,
        "benefits": found.benefits,
    }
