"""Reads a mapping key by key: wrong kinds, unknown words and missing keys become findings, never exceptions.

Every reader returns a value of its type even after a finding (an empty text, a zero), so that the rest of the file is
still checked; checks across steps ignore empty names, which keeps one root cause one finding. What is built from such
values is thrown away because the report has failed.
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import date
from difflib import get_close_matches
from zoneinfo import available_timezones

from authoring.diagnostics import Place, Report, near
from authoring.source import Mapping, Node, Scalar, Sequence
from lifecycle.actions import Length, Unit

KEBAB = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*\Z")
SNAKE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")
TYPESET = "\u201c\u201d\u201e\u2018\u2019"
"""Quotation marks that word processors put in place of straight ones."""
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z")
_LENGTH = re.compile(r"([0-9]{1,5}) +(business +)?(minute|hour|day|week)s?\Z")
_SPAN = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4})|(\+))?\Z")
_MAX_TEXT = 2_000
_MAX_NAME = 64
_MAX_DIGITS = 15  # whole numbers that a float holds exactly
YES = {"yes": True, "true": True, "no": False, "false": False}
_ZONES = available_timezones()


def kind_of(node: Node) -> str:
    """What a node is, in a word for authors."""
    match node:
        case Sequence():
            return "a list"
        case Mapping():
            return "a mapping"
        case Scalar(kind="null"):
            return "empty"
        case Scalar(value=value):
            return f'"{value[:40]}"'


def mapping(node: Node | None, report: Report, what: str, example: str) -> Mapping | None:
    """The node as a mapping, None (with a finding) when it is something else."""
    if isinstance(node, Mapping):
        return node
    if node is not None:
        report.add("value", node.place, f"{what} is {kind_of(node)}, not a mapping", f"write {example}.")
    return None


def sequence(node: Node | None, report: Report, what: str, example: str) -> tuple[Node, ...]:
    """The items of a list, none (with a finding) when the node is something else."""
    if isinstance(node, Sequence):
        return node.items
    if node is not None:
        report.add("value", node.place, f"{what} is {kind_of(node)}, not a list", f"write {example}.")
    return ()


def span_of(node: Scalar) -> tuple[int, int | None] | None:
    """`30`, `20-30` or `100+`: the first number and the last, None where there is no last; None for anything else."""
    found = _SPAN.match(node.value.strip())
    if found is None:
        return None
    return int(found[1]), None if found[3] else int(found[2] or found[1])


class Fields:
    """The keys of one mapping. `what` names it in findings: `a step`, `email`."""

    def __init__(self, node: Mapping, known: Collection[str], what: str, report: Report) -> None:
        self.node, self.what, self.report = node, what, report
        for name, key in node.keys.items():
            if name not in known:
                report.add("unknown-key", key.place, f'{what} has no key "{name[:60]}"', near(name, known))

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def get(self, key: str) -> Node | None:
        """The value of a key as a node, None when it is absent."""
        return self.node.entries.get(key)

    def key(self, key: str) -> Place:
        """The place of the key itself, of the mapping when it is absent."""
        return self.node.keys[key].place if key in self.node.keys else self.node.place

    def place(self, key: str) -> Place:
        """The place of the key's value, of the mapping when it is absent."""
        node = self.get(key)
        return node.place if node is not None else self.node.place

    def missing(self, key: str, example: str) -> None:
        """Record that a required key is absent."""
        self.report.add("missing-key", self.node.place, f'{self.what} has no "{key}"', f"add {example}.")

    def scalar(self, key: str, example: str, *, required: bool = False) -> Scalar | None:
        """The key's value when it is a single, non-empty value."""
        node = self.get(key)
        if node is None:
            if required:
                self.missing(key, example)
            return None
        return self.single(node, key, example)

    def single(self, node: Node, key: str, example: str) -> Scalar | None:
        """The node when it is a single, non-empty value."""
        if isinstance(node, Scalar) and node.kind == "unknown":
            return None  # an input that does not exist, which has been said
        if isinstance(node, Scalar) and node.kind != "null" and node.value.strip():
            return node
        place = self.key(key) if isinstance(node, Scalar) else node.place
        self.report.add("value", place, f'"{key}" is {kind_of(node)}', f"write {example}.")
        return None

    def text(self, key: str, example: str, *, required: bool = False, default: str = "") -> str:
        """A text for people, trimmed, of at most 2,000 characters."""
        node = self.scalar(key, example, required=required)
        return default if node is None else self.shortened(node, key)

    def shortened(self, node: Scalar, key: str) -> str:
        """The trimmed text of a value; a finding when it is too long."""
        if len(node.value) > _MAX_TEXT:
            self.report.add("range", node.place, f'"{key}" is longer than {_MAX_TEXT} characters', "shorten it.")
            return ""
        return node.value.strip()

    def name(self, key: str, form: re.Pattern[str], example: str, *, required: bool = True) -> str:
        """A name of at most 64 characters in kebab-case or snake_case."""
        node = self.scalar(key, example, required=required)
        if node is None:
            return ""
        return node.value if self.is_name(node, form) else ""

    def is_name(self, node: Scalar, form: re.Pattern[str]) -> bool:
        """Whether a value is a well-formed name; a finding when it is not."""
        if form.match(node.value) and len(node.value) <= _MAX_NAME:
            return True
        joint = "-" if form is KEBAB else "_"
        better = re.sub(r"[^a-z0-9]+", joint, node.value.lower())[:_MAX_NAME].strip(joint) or f"my{joint}name"
        what = f'"{node.value[:60]}" is not a name of small letters and digits, joined by "{joint}"'
        self.report.add("name", node.place, what, f'write "{better}".')
        return False

    def entries(self, key: str, example: str) -> Iterator[tuple[Scalar, Node]]:
        """What a mapping from names of the author's says of each: the name and its value. Of a name that is not
        snake_case there is a finding, and nothing else is read.
        """
        group = mapping(self.get(key), self.report, f'"{key}"', example)
        if group is None:
            return
        for name, node in group.entries.items():
            if self.is_name(group.keys[name], SNAKE):
                yield group.keys[name], node

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        """One of a few words."""
        node = self.scalar(key, f"one of: {', '.join(sorted(choices))}")
        if node is None:
            return default
        if node.value in choices:
            return node.value
        self.report.add(
            "value", node.place, f'"{node.value[:60]}" is not a choice for "{key}"', near(node.value, choices)
        )
        return default

    def flag(self, key: str) -> bool:
        """`yes` or `no`; absent is no."""
        node = self.scalar(key, "yes or no")
        if node is None:
            return False
        if node.value.lower() not in YES:
            self.report.add("value", node.place, f'"{node.value[:60]}" is neither yes nor no', "write yes or no.")
        return YES.get(node.value.lower(), False)

    def day(self, key: str, example: str, *, required: bool = False) -> date | None:
        """A date such as `2026-12-31`."""
        node = self.scalar(key, f'"{key}: {example}"', required=required)
        if node is None:
            return None
        try:
            return date.fromisoformat(node.value)
        except ValueError:
            self.report.add("time", node.place, f'"{node.value[:40]}" is not a date', f'write "{example}".')
            return None

    def whole(self, key: str, low: int, high: int, default: int, *, required: bool = False) -> int:
        """A whole number from `low` to `high`."""
        node = self.scalar(key, f"a whole number from {low} to {high}", required=required)
        return default if node is None else self.whole_of(node, key, low, high, default)

    def whole_of(self, node: Scalar, key: str, low: int, high: int, default: int) -> int:
        """A value as a whole number from `low` to `high`."""
        number = int(node.value) if node.kind == "int" and len(node.value) <= _MAX_DIGITS else None
        if number is not None and low <= number <= high:
            return number
        rule = "value" if node.kind != "int" else "range"
        what = f'"{key}" is "{node.value[:40]}", not a whole number from {low} to {high}'
        self.report.add(rule, node.place, what, f"write a number from {low} to {high}.")
        return default

    def number_of(self, node: Scalar, key: str) -> float:
        """A value as a finite number."""
        number = float(node.value) if node.kind in ("int", "float") and len(node.value) <= _MAX_DIGITS else math.nan
        if math.isfinite(number):
            return int(number) if node.kind == "int" else number
        self.report.add(
            "value", node.place, f'"{key}" is "{node.value[:40]}", not a number', "write a number such as 5."
        )
        return 0

    def length(self, key: str, example: str = "2 days", *, required: bool = False) -> Length | None:
        """A length such as `2 days` or `4 business hours`."""
        node = self.scalar(key, f'a length such as "{example}"', required=required)
        return None if node is None else self.length_of(node, example)

    def length_of(self, node: Scalar, example: str = "2 days") -> Length | None:
        """A value as a length."""
        found = _LENGTH.match(node.value.strip())
        unit = f"{'business_' if found[2] else ''}{found[3]}s" if found else ""
        for known in _UNITS:
            if found and unit == known:
                return Length(int(found[1]), known)
        what = f'"{node.value[:60]}" is not a length of time'
        self.report.add("length", node.place, what, f'write "{_nearest_length(node.value, example)}".')
        return None

    def clock(self, key: str, default: str = "", *, required: bool = False) -> str:
        """A local time `HH:MM`."""
        node = self.scalar(key, 'a time such as "09:00"', required=required)
        return default if node is None else self.clock_of(node.value.strip(), node.place) or default

    def clock_of(self, value: str, place: Place) -> str:
        """A part of a value as a local time; empty (with a finding) when it is none."""
        if _CLOCK.match(value):
            return value
        digits = re.match(r"([0-9]{1,2})[:.h]?([0-9]{2})? ?([ap]m)?\Z", value.strip(TYPESET).lower())
        hour, minute = (int(digits[1]), int(digits[2] or 0)) if digits else (9, 0)
        if digits and digits[3]:
            hour = hour % 12 + (12 if digits[3] == "pm" else 0)
        better = f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 else "09:00"  # noqa: PLR2004  # hours, minutes
        self.report.add("time", place, f'"{value[:40]}" is not a time of day', f'write "{better}".')
        return ""

    def window(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Two local times `HH:MM-HH:MM`."""
        node = self.scalar(key, 'two times such as "08:00-18:00"')
        if node is None:
            return default
        start, dash, end = (part.strip() for part in node.value.partition("-"))
        if not dash:
            what = f'"{node.value[:40]}" is not two times'
            self.report.add("time", node.place, what, 'write two times such as "08:00-18:00".')
            return default
        opens = self.clock_of(start, node.at(0, len(start)))
        closes = self.clock_of(end, node.at(node.value.find(end), len(end)))
        if opens and opens == closes:
            self.report.add("time", node.place, "starts and ends at the same time", 'write two times, "08:00-18:00".')
        return (opens, closes) if opens and closes else default

    def zone(self, key: str, also: Iterable[str], default: str) -> str:
        """An IANA time zone, or one of the words in `also`."""
        node = self.scalar(key, "a time zone such as Europe/Berlin")
        if node is None:
            return default
        if node.value in _ZONES or node.value in also:
            return node.value
        known = _ZONES.union(also)
        self.report.add("zone", node.place, f'"{node.value[:60]}" is not a time zone', _near_zone(node.value, known))
        return default

    def words(self, key: str, example: str, *, required: bool = False) -> tuple[Scalar, ...]:
        """One value or a list of values; each once."""
        node = self.get(key)
        if node is None:
            if required:
                self.missing(key, example)
            return ()
        if isinstance(node, Sequence) and not node.items:
            self.report.add("value", self.key(key), f'"{key}" is an empty list', f"write {example}.")
        items = node.items if isinstance(node, Sequence) else (node,)
        single = [found for item in items if (found := self.single(item, key, example)) is not None]
        kept: dict[str, Scalar] = {}
        for item in single:
            if item.value in kept:
                what = f'"{item.value[:60]}" is listed twice'
                self.report.add("duplicate-name", item.place, what, "keep one.", related=str(kept[item.value].place))
            kept.setdefault(item.value, item)
        return tuple(kept.values())


_UNITS: tuple[Unit, ...] = ("minutes", "hours", "days", "weeks", "business_hours", "business_days")


def _near_zone(value: str, known: Collection[str]) -> str:
    found = near(value, known)
    return found if found.startswith("did you mean") else 'write a name such as "Europe/Berlin" or "America/New_York".'


def _nearest_length(value: str, example: str) -> str:
    """The length that was probably meant, as something that can be typed."""
    number = re.search(r"[0-9]{1,5}", value)
    if not number:
        return example
    words = re.findall("[a-z]+", value.lower())
    office = [word for word in words if word.startswith(("bus", "work")) or get_close_matches(word, ["business"])]
    letter = "".join(word[0] for word in words if word not in office)[:1]
    unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}.get(letter, "days")
    business = "business " if office and unit in ("hours", "days") else ""
    return f"{number[0]} {business}{unit}"
