"""The difference of two futures of one portfolio: what an edit changes for customers and colleagues.

Each customer is played twice, side by side, with the same luck (`authoring/people.py`), so that whatever differs comes
of the playbooks. Only sums and the first few names are kept.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from authoring.actions import so_many
from authoring.futures import MESSAGES
from authoring.lives import Life, Start, World, live
from authoring.parallel import spread

NAMED = 20
"""Customers named for one finding; the others are counted."""
_WORDS = {
    "email": ("email", "emails"),
    "survey": ("survey", "surveys"),
    "invite": ("invite", "invites"),
    "reschedule": ("moved meeting", "moved meetings"),
    "cancel": ("cancelled meeting", "cancelled meetings"),
    "approval": ("approval", "approvals"),
    "task": ("task", "tasks"),
    "meeting": ("meeting of a colleague", "meetings of colleagues"),
    "slack": ("Slack message", "Slack messages"),
}

Key = tuple[str, str, str]
"""A step and what it sends: playbook, step, kind."""
Renamed = Mapping[tuple[str, str], str]
"""Playbook and old id of a step, to its id."""


@dataclass(slots=True)
class Customers:
    """How many customers, and the first of them by name."""

    number: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, names: Iterable[str], number: int) -> None:
        """Count more of them."""
        self.number += number
        self.names = [*self.names, *names][:NAMED]


@dataclass(slots=True)
class Difference:
    """What differs between `old` and `new`; equal whatever the number of processes.

    `kinds`, `books`: counts by kind, and by (playbook, kind), old and new. `load`: by (teammate, kind). `lose`, `gain`:
    who no longer gets a step in the period, or does now. `crowded`: who gets two or more messages on a day on which it
    was one at most, with the first such day.
    """

    customers: int = 0
    changed: int = 0
    kinds: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    books: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = field(
        default_factory=lambda: (Counter(), Counter())
    )
    load: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]] = field(
        default_factory=lambda: (Counter(), Counter())
    )
    lose: dict[Key, Customers] = field(default_factory=dict)
    gain: dict[Key, Customers] = field(default_factory=dict)
    crowded: Customers = field(default_factory=Customers)

    def add(self, old: Life, new: Life) -> None:
        """Count one customer's two futures."""
        self.customers += 1
        self.changed += _got(old) != _got(new)
        for side, life in enumerate((old, new)):
            for touch in life.touches:
                self.kinds[side][touch.kind] += 1
                self.books[side][touch.playbook, touch.kind] += 1
                if touch.inside:
                    self.load[side][touch.to, touch.kind] += 1
        before, after = (dict.fromkeys((t.playbook, t.step, t.kind) for t in life.touches) for life in (old, new))
        for found, here, there in ((self.lose, before, after), (self.gain, after, before)):
            for key in here:
                if key not in there:
                    found.setdefault(key, Customers()).add([old.name], 1)
        was, becomes = _messages(old), _messages(new)
        days = sorted(on for on, number in becomes.items() if number > 1 >= was[on])
        if days:
            self.crowded.add([f"{old.name} on {days[0].isoformat()}"], 1)

    def merge(self, other: "Difference") -> None:
        """Count what another difference counted, of later customers."""
        self.customers += other.customers
        self.changed += other.changed
        for side in (0, 1):
            self.kinds[side].update(other.kinds[side])
            self.books[side].update(other.books[side])
            self.load[side].update(other.load[side])
        for mine, theirs in ((self.lose, other.lose), (self.gain, other.gain)):
            for key, those in theirs.items():
                mine.setdefault(key, Customers()).add(those.names, those.number)
        self.crowded.add(other.crowded.names, other.crowded.number)


def _got(life: Life) -> list[tuple[datetime, str, str, str]]:
    return sorted((touch.at, touch.step, touch.kind, touch.to) for touch in life.touches)


def _messages(life: Life) -> Counter[date]:
    return Counter(touch.on for touch in life.touches if not touch.inside and touch.kind in MESSAGES)


def compare(
    old: World,
    new: World,
    starts: Iterable[Start],
    *,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Difference:
    """Play every customer in both worlds. The worlds have one period and one seed, or luck would differ, too. A step
    that the new world knows by another name is one step, also of plays that keep the old release.
    """
    found = Difference()
    for part in spread(_batch, (old, new), starts, processes=processes, progress=progress):
        found.merge(part)
    return found


def _batch(context: tuple[World, World], batch: tuple[Start, ...]) -> Difference:
    old, new = context
    found, names = Difference(), renamed(new)
    for start in batch:
        found.add(*twice(old, new, start, names))
    return found


def renamed(world: World) -> Renamed:
    """What current playbooks call steps that had another name, which no step has now."""
    books = map(world.library.playbook, world.library.catalogue(world.digest).playbooks.values())
    return {
        (book.name, step.was): step.id
        for book in books
        for step in book.steps
        if step.was and all(other.id != step.was for other in book.steps)
    }


def twice(old: World, new: World, start: Start, names: Renamed) -> tuple[Life, Life]:
    """One customer's future in both worlds, its steps by their new names."""
    before, after = (_by_new_names(live(world, start), names) for world in (old, new))
    return before, after


def _by_new_names(life: Life, names: Renamed) -> Life:
    if not names:
        return life
    touches = (replace(one, step=names.get((one.playbook, one.step), one.step)) for one in life.touches)
    return replace(life, touches=tuple(touches))


# --- renderings -------------------------------------------------------------------------------------------------------


def sentences(found: Difference) -> Iterator[str]:
    """The difference in one sentence each, the weightiest first; nothing where there is none."""
    changes = [f"{number:+,} {_word(kind, number)}" for kind, number in _changes(*found.kinds)]
    if changes:
        yield ", ".join(changes)
    for verb, those in (("lose", found.lose), ("newly get", found.gain)):
        for (book, step, kind), customers in _heaviest(those):
            who = so_many(customers.number, "customer")
            verbs = verb if customers.number != 1 else {"lose": "loses", "newly get": "newly gets"}[verb]
            yield f"{who} {verbs} {book}/{step} ({_word(kind, 1)})"
    if found.crowded.number:
        number = found.crowded.number
        yield f"{number:,} customer{' gets' if number == 1 else 's get'} two messages on one day who did not before"


def _heaviest(those: Mapping[Key, Customers]) -> list[tuple[Key, Customers]]:
    return sorted(those.items(), key=lambda item: (-item[1].number, item[0]))


def _changes(old: Counter[str], new: Counter[str]) -> list[tuple[str, int]]:
    found = {kind: new[kind] - old[kind] for kind in sorted({*old, *new})}
    return sorted(((kind, number) for kind, number in found.items() if number), key=lambda item: (-abs(item[1]), item))


def _word(kind: str, number: int) -> str:
    one, many = _WORDS.get(kind, (kind, kind))
    return one if abs(number) == 1 else many


def to_text(found: Difference) -> str:
    """For the screen: a line each, with names below."""
    lines = [f"{found.changed:,} of {found.customers:,} customers get something else, or at another time."]
    lines += [f"  {line}" for line in sentences(found)]
    lines += [f"  two messages on one day: {name}" for name in found.crowded.names]
    return "\n".join(lines)


def to_markdown(found: Difference, names: Mapping[str, str] | None = None) -> str:
    """For a pull request: what changes, then tables by playbook and teammate, and who is meant. `names`: teammates."""
    lines = [f"**{found.changed:,} of {found.customers:,} customers** get something else, or at another time.", ""]
    lines += [f"- {_plain(line)}" for line in sentences(found)]
    books = {(book, kind) for side in found.books for book, kind in side}
    lines += _markdown_table("playbook", found.books, books, {})
    load = {(who, kind) for side in found.load for who, kind in side}
    lines += _markdown_table("teammate", found.load, load, names or {})
    for verb, those in (("lose", found.lose), ("newly get", found.gain)):
        for (book, step, kind), customers in _heaviest(those):
            more = customers.number - len(customers.names)
            who = ", ".join(_plain(name) for name in customers.names) + (f" and {more:,} more" if more else "")
            lines += [
                "",
                f"<details><summary>{verb} {book}/{step} ({_word(kind, 1)}): {customers.number:,}</summary>",
                "",
            ]
            lines += [who, "", "</details>"]
    if found.crowded.names:
        lines += ["", "Two messages on one day: " + ", ".join(_plain(name) for name in found.crowded.names)]
    return "\n".join([*lines, ""])


def _markdown_table(
    heading: str,
    sides: tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]],
    keys: set[tuple[str, str]],
    names: Mapping[str, str],
) -> list[str]:
    """The rows that change."""
    old, new = sides
    rows = [
        f"| {_plain(names.get(name, name))} | {_word(kind, 2)} | {old[name, kind]:,} | {new[name, kind]:,} | "
        f"{new[name, kind] - old[name, kind]:+,} |"
        for name, kind in sorted(keys)
        if old[name, kind] != new[name, kind]
    ]
    return ["", f"| {heading} | | before | after | |", "| --- | --- | --: | --: | --: |", *rows] if rows else []


def _plain(text: str) -> str:
    """A name as text: nothing in it is Markdown or HTML."""
    for character in "\\`*_{}[]<>|#":
        text = text.replace(character, f"\\{character}" if character != "<" else "&lt;")
    return " ".join(text.split())


def to_json(found: Difference) -> dict[str, Any]:
    """As plain JSON data; `names` hold the first customers only, `customers` count all."""
    return {
        "customers": found.customers,
        "changed": found.changed,
        "summary": list(sentences(found)),
        "kinds": _sides(found.kinds, lambda key: {"kind": key}),
        "playbooks": _sides(found.books, lambda key: {"playbook": key[0], "kind": key[1]}),
        "load": _sides(found.load, lambda key: {"teammate": key[0], "kind": key[1]}),
        "lose": _steps(found.lose),
        "gain": _steps(found.gain),
        "crowded": {"customers": found.crowded.number, "names": found.crowded.names},
    }


def _sides(sides: tuple[Counter[Any], Counter[Any]], named: Callable[[Any], dict[str, str]]) -> list[Any]:
    old, new = sides
    return [{**named(key), "before": old[key], "after": new[key]} for key in sorted({*old, *new})]


def _steps(those: Mapping[Key, Customers]) -> list[dict[str, Any]]:
    return [
        {"playbook": book, "step": step, "kind": kind, "customers": customers.number, "names": customers.names}
        for (book, step, kind), customers in _heaviest(those)
    ]
