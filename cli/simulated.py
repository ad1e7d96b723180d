"""What `simulate` shows on the screen: one customer's decisions, or the sums of a portfolio."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from authoring.actions import so_many
from authoring.collisions import FATES, KINDS
from authoring.futures import MESSAGES, WEEK, Future, Week, ranked
from authoring.page import WORK
from cli.live import STYLES
from lifecycle.trace import Public

PIPED = 240
"""Columns where there is no terminal, which must not cut a table as a narrow one would."""
BY_DAY = 35
"""Longer periods are shown by week."""
MOST = 15
"""Rows of a list that is ordered by weight."""


@contextmanager
def writing(path: Path | None) -> Iterator[Console]:
    """A console on a file, or on the screen."""
    if path is None:
        yield Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
        return
    with path.open("w", encoding="utf-8") as stream:
        yield Console(file=stream, highlight=False, soft_wrap=True, width=PIPED)


def decisions(trace: Sequence[Public]) -> Table:
    """A trace for people: one line a decision, in the customer's local time."""
    found = _table("when", "verdict", "what", "step", "to", "why", "where")
    for item in trace:
        when = f"{datetime.fromisoformat(item['at']):%a %d %b %Y %H:%M}"
        verdict = Text(item["verdict"], style=STYLES.get(item["verdict"], ""))
        what = item["step"] or item["playbook"]
        found.add_row(when, verdict, item["kind"], what, item["to"], item["reason"], item["place"])
    return found


def show(future: Future, names: Mapping[str, str], out: Console) -> None:
    """A portfolio's future for people."""
    tally = future.tally
    first, last = future.since, future.until
    out.print(
        f"{so_many(tally.customers, 'customer')}, {first:%a %d %b %Y} to {last:%a %d %b %Y}; "
        f"answers: {future.assumed}, seed {future.seed}. Nothing was sent.",
        markup=False,
    )
    for heading, table in (
        ("By playbook", _by_playbook(future)),
        ("Sends by day" if (last - first).days < BY_DAY else "Sends by week", _by_day(future)),
        ("The team's work", _by_person(future, names)),
        *((_headline(week), _week(week)) for week in tally.weeks[:1]),
        ("Collisions", _collisions(future)),
    ):
        if table.row_count:
            out.print(f"\n[bold]{heading}[/]")
            out.print(table)
    _tell_rest(future, out)


def _tell_rest(future: Future, out: Console) -> None:
    """What the tables leave out, counted."""
    tally = future.tally
    rest = ranked(tally)[MOST:]
    if rest:
        times = sum(number for _, number in rest)
        out.print(f"and {len(rest):,} more, {so_many(times, 'time')}; --format json has each.", markup=False)
    crowded = sum(days for number, days in tally.crowd.items() if number > 1)
    if crowded:
        number, on, customer = tally.busiest[0]
        most = f"most: {number} to {customer} on {on:%a %d %b}"
        out.print(f"\n{crowded:,} days with two or more messages to one customer; {most}.", markup=False)


def _table(*headings: str) -> Table:
    found = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in headings:
        found.add_column(heading, no_wrap=heading != "why")
    return found


def _by_playbook(future: Future) -> Table:
    books = future.tally.books
    kinds = sorted({kind for _, kind in books})
    found = _table("playbook", "plays", *kinds)
    for name in sorted({name for name, _ in books} | set(future.tally.started)):
        numbers = [future.tally.started[name], *(books[name, kind] for kind in kinds)]
        found.add_row(name, *(f"{number:,}" if number else "" for number in numbers))
    return found


def _by_day(future: Future) -> Table:
    long = (future.until - future.since).days >= BY_DAY
    days: dict[date, Counter[str]] = {}
    for (on, kind), number in sorted(future.tally.sends.items()):
        day = on - timedelta(days=on.weekday()) if long else on
        days.setdefault(day, Counter())[kind] += number
    kinds = sorted({kind for day in days.values() for kind in day})
    found = _table("week of" if long else "day", *kinds, "messages")
    for day, counts in days.items():
        numbers = [*(counts[kind] for kind in kinds), sum(counts[kind] for kind in MESSAGES)]
        found.add_row(f"{day:%a %d %b %Y}", *(f"{number:,}" if number else "" for number in numbers))
    return found


def _by_person(future: Future, names: Mapping[str, str]) -> Table:
    found = _table("teammate", *WORK, "busiest day")
    people: dict[str, Counter[str]] = {}
    days: dict[str, Counter[date]] = {}
    for (who, on, kind), number in sorted(future.tally.load.items()):
        if kind in WORK:
            people.setdefault(who, Counter())[kind] += number
            days.setdefault(who, Counter())[on] += number
    for who, counts in sorted(people.items(), key=lambda item: names.get(item[0], item[0])):
        most = days.get(who, Counter()).most_common(1)
        busiest = f"{most[0][0]:%a %d %b}: {most[0][1]}" if most else ""
        found.add_row(names.get(who, who), *(f"{counts[kind]:,}" if counts[kind] else "" for kind in WORK), busiest)
    return found


def _headline(week: Week) -> str:
    last = week.since + WEEK - timedelta(days=1)
    who = escape(week.name)
    return f"The busiest week of a customer: {week.messages} to {who}, {week.since:%a %d %b} to {last:%a %d %b %Y}"


def _week(week: Week) -> Table:
    found = _table("when", "what", "playbook", "step", "to")
    for touch in week.touches:
        what = f"{touch.kind} {touch.name}".strip()
        found.add_row(f"{touch.at:%a %d %b %H:%M}", what, touch.playbook, touch.step, touch.to)
    return found


def _collisions(future: Future) -> Table:
    found = _table("collides", "gave way", "to", "why", "then", "times")
    for (kind, book, step, winner, why, fate), number in ranked(future.tally)[:MOST]:
        found.add_row(KINDS[kind], f"{book}/{step}".rstrip("/"), winner, Text(why), FATES[fate], f"{number:,}")
    return found
