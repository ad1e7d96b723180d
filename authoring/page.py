"""A future as one HTML page that needs nothing else: no script or font from elsewhere, readable from a file on a phone.

Everything that comes from files of authors and customers is escaped by the template engine. Charts are SVG made here;
their axes are text of the page, so that they stay readable at every width.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from authoring.collisions import FATES
from authoring.collisions import KINDS as KINDS_OF_COLLISIONS
from authoring.futures import MESSAGES, Future, ranked
from authoring.lives import Life, Touch

TEMPLATE = "page.html.jinja"
KINDS = ("email", "survey", "invite", "cancel", "approval", "task", "meeting", "slack")
"""In the order in which legends and filters name them; other kinds come after them."""
WORK = ("approval", "task", "meeting")
SHOWN = 500
"""Customers shown one by one: more make a page that browsers struggle with."""
WEEKS = 5
COLLISIONS = 50
"""Rows of lists that are ordered by weight."""
BY_DAY = 100
"""Longer periods are drawn by week."""
_HEIGHT = 100
_GAP = 0.15


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a bar, in the chart's own units; `said` is its text for people."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    said: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars over the period. `peak`: the highest bar's count."""

    name: str
    width: int
    pieces: tuple[Piece, ...]
    peak: int
    total: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a customer's calendar, with what happens on it in order."""

    on: date
    touches: tuple[Touch, ...]
    within: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One customer: counts by kind, one mark a day or week (the kinds on it), and its weeks with something in them."""

    life: Life
    counts: dict[str, int]
    marks: tuple[tuple[str, str], ...]
    weeks: tuple[tuple[Day, ...], ...]

    @property
    def playbooks(self) -> list[str]:
        return sorted({touch.playbook for touch in self.life.touches})


def render(future: Future, names: Mapping[str, str], title: str) -> str:
    """The page. `names`: teammate id to name; where a role stands for somebody, it is called by its words."""
    tally = future.tally
    first, last = future.since.date(), future.until.date()
    kinds = _kinds(kind for _, kind in tally.books)
    sends = {(on, kind): count for (on, kind), count in tally.sends.items()}

    def called(who: str) -> str:
        return names.get(who) or who.replace("_", " ")

    people = sorted({who for who, *_ in tally.load}, key=lambda who: (called(who), who))
    loads = [
        _chart(
            called(who),
            {(on, kind): n for (person, on, kind), n in tally.load.items() if person == who and kind in WORK},
            first,
            last,
        )
        for who in people
    ]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["called"] = called
    return environment.get_template(TEMPLATE).render(
        title=title,
        future=future,
        tally=tally,
        first=first,
        last=last,
        kinds=kinds,
        totals=_totals(future),
        sends=_chart("Messages to customers", sends, first, last),
        loads=[chart for chart in loads if chart.total],
        books=_books(future, kinds),
        rows=[_row(life, first, last) for life in future.lives],
        playbooks=sorted({book for book, _ in tally.books}),
        weeks=WEEKS,
        collisions=ranked(tally),
        shown=COLLISIONS,
        kinds_of=KINDS_OF_COLLISIONS,
        fates=FATES,
    )


def _kinds(found: Iterable[str]) -> list[str]:
    there = set(found)
    return [kind for kind in KINDS if kind in there] + sorted(there.difference(KINDS))


def _totals(future: Future) -> list[tuple[str, int]]:
    tally = future.tally
    kinds = Counter[str]()
    for (_, kind), number in tally.books.items():
        kinds[kind] += number
    crowded = sum(days for number, days in tally.crowd.items() if number > 1)
    found = [
        ("customer{}", tally.customers),
        ("message{} to customers", sum(n for (_, kind), n in tally.sends.items() if kind in MESSAGES)),
        ("approval{}", kinds["approval"]),
        ("task{}", kinds["task"]),
        ("day{} with two or more messages to one customer", crowded),
        ("collision{}", sum(tally.collisions.values())),
    ]
    return [(label.format("" if number == 1 else "s"), number) for label, number in found]


def _books(future: Future, kinds: list[str]) -> list[tuple[str, list[int]]]:
    books = future.tally.books
    return [(name, [books[name, kind] for kind in kinds]) for name in sorted({book for book, _ in books})]


def _chart(name: str, counts: Mapping[tuple[date, str], int], first: date, last: date) -> Chart:
    """Stacked bars of counts by day, or by week in a long period."""
    step = 1 if (last - first).days < BY_DAY else 7
    slots: dict[int, Counter[str]] = defaultdict(Counter)
    for (on, kind), number in counts.items():
        slots[(on - first).days // step][kind] += number
    width = max((last - first).days // step + 1, max(slots, default=0) + 1)
    peak = max((sum(slot.values()) for slot in slots.values()), default=0)
    pieces = []
    for slot, inside in sorted(slots.items()):
        top = float(_HEIGHT)
        on = first + timedelta(days=slot * step)
        for kind in _kinds(inside):
            height = inside[kind] * _HEIGHT / peak
            top -= height
            said = f"{'week of ' if step > 1 else ''}{on:%a %d %b}: {inside[kind]} {kind}"
            pieces.append(Piece(kind, max(0, slot) + _GAP / 2, round(top, 2), 1 - _GAP, round(height, 2), said))
    total = sum(counts.values())
    return Chart(name, width, tuple(pieces), peak, total, f"{first:%d %b}", f"{last:%d %b %Y}")


def _row(life: Life, first: date, last: date) -> Row:
    days: dict[date, list[Touch]] = defaultdict(list)
    for touch in sorted(life.touches, key=lambda item: (item.at.replace(tzinfo=None), item.kind, item.step)):
        days[touch.on].append(touch)
    counts = Counter(touch.kind for touch in life.touches)
    step = 1 if (last - first).days < BY_DAY else 7
    marks = []
    for number in range((last - first).days // step + 1):
        on = first + timedelta(days=number * step)
        inside = [touch.kind for day, those in days.items() if 0 <= (day - on).days < step for touch in those]
        outer = [kind for kind in inside if kind in MESSAGES] or inside
        marks.append((outer[0] if outer else "", f"{on:%a %d %b}: {', '.join(_kinds(inside)) or 'nothing'}"))
    weeks = []
    for monday in sorted({on - timedelta(days=on.weekday()) for on in days}):
        week = [monday + timedelta(days=number) for number in range(7)]
        weeks.append(tuple(Day(on, tuple(days.get(on, ())), first <= on <= last) for on in week))
    return Row(life, {kind: counts[kind] for kind in _kinds(counts)}, tuple(marks), tuple(weeks))
