"""What documents say of the calls with a customer: the names below `notes`, from what people wrote of these calls.

Pure. What nobody wrote down stands there as missing, with who can say it, as an unreported fact does.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from types import SimpleNamespace
from typing import Any

from activities.scene import Scene, written_day
from activities.variables import missing, words_of
from authoring.notes import plain
from lifecycle import calendar
from store.interactions import OPEN, Agreed, Interaction

LATEST = 3
"""Of so many calls the wins and concerns are told."""


def of(scene: Scene) -> SimpleNamespace:
    """Every name below `notes`."""
    calls, today = scene.calls, calendar.local(scene.due, scene.zone).date()
    last = calls[0] if calls else None
    found: dict[str, Any] = {
        "wins": _distinct(plain(win) for one in calls[:LATEST] for win in one.note.wins),
        "concerns": _concerns(scene, calls[:LATEST]),
        "goals": [plain(goal) for goal in next((one.note.goals for one in calls if one.note.goals), ())],
        "actions": [
            _action(scene, item, today) for one in calls for item in one.actions if one is last or item.state == OPEN
        ],
        "risks": [_risk(scene, item) for one in calls[:LATEST] for item in one.risks],
        "people": _distinct(name for one in calls for name in one.note.people),
        "last": f"{last.note.kind} of {written_day(last.note.held_on)}" if last else None,
        "sentiment": last.note.sentiment if last else None,
        "renewal": last.note.health.renewal if last else None,
        "uplift": next((one.note.uplift for one in calls if one.note.uplift), None),
        "teams": _distinct(team for one in calls for team in one.note.teams),
    }
    titles = {
        "wins": "key wins of the last calls",
        "concerns": "concerns of the last calls",
        "goals": "goals, as the kickoff named them",
        "actions": "what was agreed",
        "risks": "risks named in calls",
        "people": "people named in calls",
        "last": "note of the last call",
        "sentiment": "sentiment of the last call",
        "renewal": "what was said of the renewal",
        "uplift": "yearly uplift",
        "teams": "teams that could use it",
    }
    return SimpleNamespace(**{name: found[name] or missing(scene, title) for name, title in titles.items()})


def _distinct(those: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(those))


def _concerns(scene: Scene, calls: Sequence[Interaction]) -> list[SimpleNamespace]:
    """Each once, with how many calls named it and the playbook that is suggested; the most frequent first."""
    counted = Counter(concern for one in calls for concern in dict.fromkeys(one.note.concerns))
    risks = {item.text: _risk(scene, item).play for one in calls for item in one.risks}
    none = missing(scene, "plan")
    return [
        SimpleNamespace(text=plain(text), times=times, plan=risks.get(text) or none)
        for text, times in counted.most_common()
    ]


def _action(scene: Scene, item: Agreed, today: date) -> SimpleNamespace:
    """An action item with whoever sees to it by name; by role where nobody has it."""
    person = scene.everyone().get(item.owner)
    owner = person.name if person and person.name else words_of(item.owner)
    state = "overdue" if item.overdue(today) else item.state
    due = written_day(item.due_on) if item.due_on else ""
    return SimpleNamespace(text=plain(item.text), owner=owner, due=due, state=state)


def _risk(scene: Scene, item: Agreed) -> SimpleNamespace:
    life = scene.source.lifecycle
    found = life.risks.get(item.risk) if life else None
    return SimpleNamespace(
        text=plain(item.text), title=found.title if found else item.risk, play=found.play if found else ""
    )
