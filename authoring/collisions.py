"""What gave way to what, for one customer: read from the decisions of the trace, so that it is what the core decided.

A touch gives way to another that the same person got (a cap, a survey that is still open), to an incident, to a reply
that nobody has answered, to a person's hold; a play gives way to a customer at risk and to one who has left. Nothing
here judges anew: a decision whose reason names none of these is no collision.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, datetime

from lifecycle import calendar
from lifecycle.course import Around
from lifecycle.model import Decision

SEEN = ("email", "survey", "invite", "reschedule")
"""Steps that the customer sees; a play as a whole gives way, too."""
KINDS = {
    "cap": "too much for one person",
    "survey": "a survey beside a survey",
    "incident": "beside an incident",
    "hold": "held by a person",
    "reply": "before a reply was answered",
    "at risk": "while at risk",
    "churn": "after churn",
}
"""What collides, by what it is called, in the order in which lists show it."""
FATES = {"moved": "went later", "held": "still waits", "dropped": "dropped"}
_OF_STEPS: tuple[tuple[str, str], ...] = (
    ("hold", "on hold: "),
    ("incident", "incident: "),
    ("cap", "cap: "),
    ("survey", "survey: "),
    ("reply", "replied; "),
)
_LEFT = "the customer left: "
_RISKS = {
    "the band": re.compile(r"customer\.band\b"),
    "a sign of leaving": re.compile(r"(renewal\.churn_signal|playing\.renewal_save) = yes"),
    "a cancellation": re.compile(r"playing\.billing_churn = yes"),
    "an open invoice": re.compile(r"billing\.status\b"),
    "an unhappy answer": re.compile(r"nps\.score = [0-9.]+( <= [0-9.]+)?$"),
    "less use": re.compile(r"usage\.change_30d = -[0-9.]+( <= -[0-9.]+)?$"),
    "a fallen score": re.compile(r"health\.fell = yes"),
}
"""What a customer at risk is one for, and how a clause of the reason says so: `conditions` of the lifecycle file."""
_ANSWERS = {"reply": "the customer's reply", "hold": "a person", "churn": "the customer left"}
_AFTER = re.compile(r", after ([^ ]+)$")
_PLAYING = re.compile(r"playing\.([a-z0-9_]+) = yes")
_WHEN = re.compile(r"^until [0-9-]+ [0-9:]+: |^(stale|exit|ended|entry not met): ")


@dataclass(frozen=True, slots=True)
class Collision:
    """Something that gave way. `at`, `went`: local to the customer. `kind`: one of `KINDS`. `step`: empty for a play.
    `to`: roles. `winner`: `playbook/step` of what went before, else what it gave way to, empty where that cannot be
    told. `fate`: `moved` (it went later, at `went`), `held` (it still waits at the end of the period) or `dropped`.
    """

    at: datetime
    kind: str
    playbook: str
    step: str
    to: str
    winner: str
    why: str
    fate: str
    went: datetime | None = None

    @property
    def on(self) -> date:
        return self.at.date()


def kind_of(decision: Decision) -> str:
    """What collides in a decision; empty where nothing does."""
    if decision.what == "play":
        lost = decision.verdict in ("skipped", "cancelled") and "goal reached" not in decision.reason
        if lost and _LEFT in decision.reason:
            return "churn"
        return "at risk" if lost and all(_risks(decision.reason)) else ""
    lost = decision.verdict in ("held", "skipped") and decision.what in SEEN
    return next((kind for kind, mark in _OF_STEPS if lost and mark in decision.reason), "")


def _risks(reason: str) -> list[str]:
    """For each clause of a reason the risk that it names, empty where it names none: of several clauses that failed,
    each alone would have been one.
    """
    said = [clause.strip() for clause in _WHEN.sub("", _WHEN.sub("", reason)).split("; ")]
    return [next((risk for risk, form in _RISKS.items() if form.match(clause)), "") for clause in said]


class Collisions:
    """The collisions of one customer as its decisions come in. One that is held again is the same one."""

    def __init__(self) -> None:
        self._found: list[Collision] = []
        self._waiting: dict[tuple[str, int, str], int] = {}
        self._refused: set[tuple[str, str]] = set()

    def hear(self, decision: Decision, around: Around) -> None:
        """Take a decision of the period, in order."""
        name = decision.playbook, decision.play, decision.step
        kind, number = kind_of(decision), self._waiting.pop(name, None)
        if number is None and (not kind or self._told(decision)):
            return
        at = calendar.local(decision.at, around.zone)
        if number is None:
            number = len(self._found)
            why = _WHEN.sub("", _WHEN.sub("", decision.reason))
            winner = _winner(kind, decision, around)
            self._found.append(
                Collision(at, kind, decision.playbook, decision.step, decision.to, winner, why, "dropped")
            )
        if decision.verdict == "held":
            self._waiting[name] = number
            self._found[number] = replace(self._found[number], fate="held")
        elif decision.verdict == "fired":
            self._found[number] = replace(self._found[number], fate="moved", went=at)
        else:
            self._found[number] = replace(self._found[number], fate="dropped")

    def _told(self, decision: Decision) -> bool:
        """Whether a play was refused for this reason before: a cadence comes again and again."""
        if decision.what != "play" or decision.verdict != "skipped":
            return False
        said = decision.playbook, decision.reason
        told = said in self._refused
        self._refused.add(said)
        return told

    def found(self) -> tuple[Collision, ...]:
        """All of them, in the order in which they began."""
        return tuple(self._found)


def _winner(kind: str, decision: Decision, around: Around) -> str:
    """What went before. For caps and surveys what this person got last, empty where the caps forgot it."""
    if kind in _ANSWERS:
        return _ANSWERS[kind]
    if kind == "at risk":
        return _risks(decision.reason)[0]
    if kind == "incident":
        found = _PLAYING.search(decision.reason)
        return found[1].replace("_", "-") if found else decision.reason.partition("incident: ")[2]
    if kind == "survey" and (named := _AFTER.search(decision.reason)):
        return named[1]
    people = {item.id for item in around.contacts if decision.to in item.roles}
    own = f"{decision.playbook}/{decision.play}/{decision.step}"
    before = [item for item in around.touched if item.at <= decision.at and item.step != own]
    last = max((item for item in before if item.contact in people), key=lambda item: item.at, default=None)
    playbook, *_, step = last.step.split("/") if last else ("", "")
    return f"{playbook}/{step.partition('~')[0]}" if last else ""
