"""The public JSON of a decision: one object, the same from the simulator, the workflow, the API and the command line.

Keys: `at` (ISO 8601 with the offset of the customer's zone), `customer`, `playbook`, `release`, `play`, `step`,
`kind`, `to`, `verdict` (fired, waiting,
held, skipped, failed, cancelled), `reason`, `place` (`file:line`).
"""

from dataclasses import fields
from typing import Any, TypedDict

from lifecycle import calendar
from lifecycle.jsonform import FormError, decode, instant_text
from lifecycle.model import Decision
from lifecycle.playbook import Lifecycle, Playbook
from lifecycle.releases import Releases

_AFTER_AT = tuple(field.name for field in fields(Decision) if field.name != "at")


class Public(TypedDict):
    """One decision as people and machines read it."""

    at: str
    customer: str
    playbook: str
    release: str
    play: int
    step: str
    kind: str
    to: str
    verdict: str
    reason: str
    place: str


def place(releases: Releases, decision: Decision) -> str:
    """`file:line` of the step in the release that decided it; for moves of stage, phase, band in the lifecycle file, or
    that of the customer's journey.
    """
    if decision.play:
        return place_in(releases.playbook(decision.release), decision)
    return place_in(releases.lifecycle(decision.release), decision)


def place_in(release: Playbook | Lifecycle, decision: Decision) -> str:
    """The same, of a release that is at hand."""
    if isinstance(release, Playbook):
        return release.place(decision.step)
    return release.place(decision.step, decision.playbook)


def public(decision: Decision, *, customer: str, zone: str, place: str) -> Public:
    """A decision in the customer's local time."""
    return Public(
        at=calendar.local(decision.at, zone).isoformat(timespec="seconds"),
        customer=customer,
        playbook=decision.playbook,
        release=decision.release,
        play=decision.play,
        step=decision.step,
        kind=decision.what,
        to=decision.to,
        verdict=decision.verdict,
        reason=decision.reason,
        place=place,
    )


Row = list[Any]


def to_row(decision: Decision) -> Row:
    """A decision without its field names, as it travels in batches: names would be half of what a moment's history
    weighs.
    """
    return [instant_text(decision.at), *(getattr(decision, name) for name in _AFTER_AT)]


def from_row(row: Row) -> Decision:
    """Read a row back.

    Raises:
        FormError: the row is not one.
    """
    if len(row) != len(_AFTER_AT) + 1:
        raise FormError(f"a decision has {len(_AFTER_AT) + 1} values, not {len(row)}")
    return decode(Decision, dict(zip(("at", *_AFTER_AT), row, strict=True)))
