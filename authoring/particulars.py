"""What a line of a scenario may say of a touch besides when it comes and to whom: when a task is due, who signs a mail,
on which day a meeting lies and how long it is, what an opportunity brings whoever sells it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields

from authoring.actions import shown
from authoring.diagnostics import Report
from authoring.fields import Fields
from authoring.grammar import MAX_DAY

OVERDUE = "overdue"
"""The task of an overdue stage, or of a milestone that was wanted by then: of the lifecycle, not of a playbook."""
_MEETINGS = ("invite", "reschedule")
_DUE = "day 3 at 09:00"
_DAY_AND_TIME = re.compile(r"day +(-?[0-9]{1,4}) +at +([0-2][0-9]:[0-5][0-9])\Z")
_MEETS = "day 3 between 10:00 and 16:00"
_HOURS = re.compile(r"day +(-?[0-9]{1,4}) +between +([0-2][0-9]:[0-5][0-9]) +and +([0-2][0-9]:[0-5][0-9])\Z")


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a touch has, or a line says of it; empty where it does not. `due`: when a task is due, or the time for an
    answer over. `commission`: of an opportunity, in percent. `sender`: the role that signs a mail or holds a meeting.
    `meets`: the day and hours of a meeting, days from the start. `length`: of a meeting. `value`: of an opportunity, in
    whole units of currency. `closes`: the day from the start by which an opportunity should be closed.
    """

    due: str = ""
    commission: float | None = None
    sender: str = ""
    meets: str = ""
    length: str = ""
    value: float | None = None
    closes: int | None = None

    def fits(self, came: "Particulars") -> bool:
        """Whether all that this says holds of what came."""
        return all(said in ("", None, getattr(came, key)) for key, said in self._said())

    def of(self, came: "Particulars") -> Iterator[tuple[str, str]]:
        """What came has of that which this says: the key of a line, and its value as a person writes it."""
        for key, said in self._said():
            if said not in ("", None):
                value = str(getattr(came, key))
                yield {"sender": "from"}.get(key, key), f'"{value}"' if key in ("due", "meets") else value

    def _said(self) -> Iterator[tuple[str, str | float | None]]:
        return ((field.name, getattr(self, field.name)) for field in fields(self))


NOTHING_SAID = Particulars()


def read_particulars(line: Fields, kind: str, report: Report) -> Particulars:
    """What a line says, with a finding for what its kind of touch does not have."""
    sender = line.scalar("from", "from: csm")
    if sender is not None and kind not in ("email", "survey", *_MEETINGS):
        report.add("expected", sender.place, f"only mails and meetings are from somebody, not: {kind}", "leave it out.")
    return Particulars(
        _due(line, kind, report),
        _number(line, "commission", kind, report),
        sender.value if sender else "",
        _meets(line, kind, report),
        _length(line, kind, report),
        _number(line, "value", kind, report),
        _closes(line, kind, report),
    )


def _due(line: Fields, kind: str, report: Report) -> str:
    node = line.scalar("due", f'"{_DUE}"')
    if node is None:
        return ""
    found = _DAY_AND_TIME.match(node.value.strip())
    if kind not in ("task", "approval", OVERDUE):
        report.add("expected", node.place, f"only a task and an approval have a due, not: {kind}", "leave it out.")
    elif found is None:
        report.add("expected", node.place, f'"{node.value[:60]}" is no day and time', f'write "{_DUE}".')
    return f"day {int(found[1])} at {found[2]}" if found else ""


def _number(line: Fields, key: str, kind: str, report: Report) -> float | None:
    """What an opportunity is worth, or brings whoever sells it."""
    node = line.scalar(key, f"{key}: 5")
    if node is None:
        return None
    if kind != "opportunity":
        report.add("expected", node.place, f"only an opportunity has a {key}, not: {kind}", "leave it out.")
    return line.number_of(node, key)


def _closes(line: Fields, kind: str, report: Report) -> int | None:
    if "closes" not in line:
        return None
    if kind != "opportunity":
        what = f"only an opportunity is to be closed by a day, not: {kind}"
        report.add("expected", line.place("closes"), what, "leave it out.")
    return line.whole("closes", 0, MAX_DAY, 0)


def _meets(line: Fields, kind: str, report: Report) -> str:
    node = line.scalar("meets", f'"{_MEETS}"')
    if node is None:
        return ""
    found = _HOURS.match(node.value.strip())
    if kind not in _MEETINGS:
        report.add("expected", node.place, f"only a meeting lies on a day, not: {kind}", "leave it out.")
    elif found is None:
        report.add("expected", node.place, f'"{node.value[:60]}" is no day with two times', f'write "{_MEETS}".')
    return f"day {int(found[1])} between {found[2]} and {found[3]}" if found else ""


def _length(line: Fields, kind: str, report: Report) -> str:
    node = line.scalar("length", "length: 60 minutes")
    if node is None:
        return ""
    found = line.length_of(node, "60 minutes")
    if kind not in _MEETINGS:
        report.add("expected", node.place, f"only a meeting has a length, not: {kind}", "leave it out.")
    elif found is not None and found.unit not in ("minutes", "hours"):
        report.add("expected", node.place, f"no meeting is {shown(found)} long", 'write "60 minutes".')
    return "" if found is None else f"{found.amount * (60 if found.unit == 'hours' else 1)} minutes"
