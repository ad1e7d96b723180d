"""A plan for people and machines: on the screen, in a pull request, as JSON."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from authoring import difference
from authoring.actions import so_many
from authoring.plan import Banded, Flight, Plan, counted
from lifecycle.jsonform import encode

NAMED = 5
SHORT = 12
"""Characters of a catalogue's digest."""
_MARKS = {"new": "+", "changed": "~", "removed": "-"}
_FATES = {
    "unchanged": "have the release already",
    "pinned": "keep their release",
    "moves": "move to the new release",
    "stays": "stay as they are: their playbook is no longer applied",
    "refused": "are refused",
}
_STEPS = {
    "renamed": "know {step} by its new name",
    "removed": "no longer get {step}",
    "added": "get {step} besides",
    "retimed": "get {step} at another time",
    "waits": "wait with {step}",
    "skipped": "skip {step}, which is past due",
    "fires": "get {step} at once, as it is past due",
    "again": "begin {step} anew",
    "repeats": "would get {step} twice",
}


def _plays(number: int) -> str:
    return so_many(number, "play")


def _line(key: tuple[str, str, str], those: Sequence[Flight]) -> str:
    _, what, step = key
    said = _STEPS[what].format(step=step) if step else _FATES[what]
    names = ", ".join(dict.fromkeys(flight.name for flight in those[:NAMED]))
    more = f" and {len(those) - NAMED:,} more" if len(those) > NAMED else ""
    return f"{said}: {_plays(len(those))} ({names}{more}){_why(what, step, those)}"


def _why(what: str, step: str, those: Sequence[Flight]) -> str:
    changes = [change for flight in those for change in flight.changes if (change.what, change.step) == (what, step)]
    if what in {"repeats", "waits"}:
        return f"; {changes[0].reason}"
    first = changes[0] if changes else None
    if what != "retimed" or first is None or first.after is None:
        return ""
    return f", such as {f'{_day(first.before)} -> ' if first.before else ''}{_day(first.after)}"


def counted_lines(flights: Sequence[Flight]) -> list[str]:
    """What happens to plays, by playbook."""
    lines, last = [], ""
    for key, those in sorted(counted(flights).items(), key=lambda item: (item[0][0], bool(item[0][2]), item[0])):
        if key[0] != last:
            lines.append(last := key[0])
        lines.append(f"    {_line(key, those)}")
    return lines


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def sections(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    """The plan in parts, each with a heading and its lines."""
    books = [(book, [f"    {line}" for line in book.lines]) for book in plan.books]
    lines = [line for book, below in books for line in (f"{_MARKS[book.what]} {book.name}", *below)]
    old, new = (world.digest[:SHORT] for world in (plan.proposal.old, plan.proposal.new))
    lines += [f"catalogue {old} -> {new}"] if lines else []
    yield "Playbooks", lines or ["nothing differs from what is applied"]
    if plan.people:
        yield "People", list(plan.people)
    lines = counted_lines(plan.flights)
    if plan.outside:
        verb = "is" if plan.outside == 1 else "are"
        lines.append(f"{so_many(plan.outside, 'customer')} {verb} not told, being outside of the part that was named")
    pinned = sorted({flight.playbook for flight in plan.flights if flight.fate == "pinned"})
    if pinned:
        lines.append(f"To move them: {' '.join(f'--move {name}' for name in pinned)}")
    yield "Plays in flight", lines or ["there are none"]
    if plan.rescored:
        yield "Health bands", band_lines(plan.bands) or ["nobody changes the band"]
    world = plan.proposal.new
    days = (world.until - world.since).days
    yield f"The next {days} days, assuming {world.answers.name}", difference.to_text(plan.difference).splitlines()


def band_lines(bands: Sequence[Banded]) -> list[str]:
    """Who changes the band, by the move."""
    moves: dict[tuple[str, str], list[Banded]] = {}
    for item in bands:
        moves.setdefault((item.before, item.after), []).append(item)
    return [_band_line(*move, those) for move, those in sorted(moves.items())]


def _band_line(before: str, after: str, those: Sequence[Banded]) -> str:
    names = ", ".join(f"{item.name} {_scored(item.was)} -> {_scored(item.becomes)}" for item in those[:NAMED])
    more = f" and {len(those) - NAMED:,} more" if len(those) > NAMED else ""
    return f"{before or 'no band'} -> {after}: {so_many(len(those), 'customer')} ({names}{more})"


def _scored(score: float | None) -> str:
    return "none" if score is None else f"{score:g}"


def verdict(plan: Plan) -> str:
    """The last line."""
    if plan.refused:
        return f"Refused: {_plays(len(plan.refused))} would do something twice. Say `was:` where a step was renamed."
    return "Nothing is refused."


def to_text(plan: Plan) -> str:
    """For the screen."""
    lines = [line for heading, those in sections(plan) for line in (heading, *(f"  {line}" for line in those), "")]
    return "\n".join([*lines, verdict(plan)])


def to_markdown(plan: Plan) -> str:
    """For a pull request."""
    (files, books), *others, (future, _) = sections(plan)
    lines = [f"### {files}", "", "```diff", *books, "```", ""]
    lines += [line for heading, those in others for line in (f"### {heading}", "", "```", *those, "```", "")]
    lines += [f"### {future}", "", difference.to_markdown(plan.difference, plan.names), f"**{verdict(plan)}**", ""]
    return "\n".join(lines)


def to_json(plan: Plan) -> dict[str, Any]:
    """As plain JSON data; instants in UTC."""
    old, new = plan.proposal.old, plan.proposal.new
    return {
        "old": old.digest,
        "new": new.digest,
        "move": list(plan.proposal.move),
        "late": plan.proposal.late,
        "since": new.since.isoformat(timespec="seconds"),
        "until": new.until.isoformat(timespec="seconds"),
        "playbooks": [{"name": book.name, "what": book.what, "lines": list(book.lines)} for book in plan.books],
        "people": list(plan.people),
        "plays": [_flight_json(flight) for flight in plan.flights],
        "bands": [encode(item) for item in plan.bands],
        "outside": plan.outside,
        "refused": len(plan.refused),
        "difference": difference.to_json(plan.difference),
    }


def _flight_json(flight: Flight) -> dict[str, Any]:
    changes = [
        {
            "step": change.step,
            "what": change.what,
            "reason": change.reason,
            "before": change.before.isoformat() if change.before else None,
            "after": change.after.isoformat() if change.after else None,
        }
        for change in flight.changes
        if change.step
    ]
    who = {"customer": flight.customer, "name": flight.name, "play": flight.play, "release": flight.release}
    return {**who, "fate": flight.fate, "changes": changes}
