"""What documents say of the health score besides its figure: the names below `score`.

Pure. The model is asked again with what is known now, as the core asks it; what it cannot tell stands there as missing.
"""

from types import SimpleNamespace
from typing import Any

from activities.scene import Scene
from activities.variables import missing
from lifecycle import health
from lifecycle.conditions import is_number, truth
from lifecycle.model import Value


def of(scene: Scene) -> SimpleNamespace:
    """Every name below `score`."""
    model = scene.source.lifecycle.health if scene.source.lifecycle else None
    made = health.score(model, lambda name: _lookup(scene, name)) if model else None
    value = scene.facts.get("health.score")
    figure = float(value) if is_number(value) else None
    place = health.range_of(model, figure) if model and figure is not None else None
    found: dict[str, Any] = {
        "parts": [_part(scene, part) for part in made.parts] if made else None,
        "trend": _trend(scene, figure),
        "known": made.known if made else None,
        "range": place.title if place else None,
        "action": place.action if place else None,
    }
    titles = {
        "parts": "parts of the health score",
        "trend": "trend of the health score",
        "known": "how much of the health score is known",
        "range": "range of the health score",
        "action": "what the team does at this score",
    }
    return SimpleNamespace(
        **{name: missing(scene, title) if found[name] is None else found[name] for name, title in titles.items()}
    )


def _trend(scene: Scene, figure: float | None) -> str | None:
    """`+4 in 30 days`; None while there is nothing to hold it against."""
    change = health.change(scene.history, figure, scene.due) if scene.history and figure is not None else None
    return None if change is None else f"{change:+g} in 30 days"


def _part(scene: Scene, part: health.Part) -> SimpleNamespace:
    """One component: its points, of how many, and how much of it is known in percent."""
    points = part.points
    shown = missing(scene, part.title) if points is None else f"{points:.3g} of {part.weight:.3g}"
    return SimpleNamespace(title=part.title, points=shown, known=round(part.known))


def _lookup(scene: Scene, name: str) -> Value:
    group, _, leaf = name.partition(".")
    if group == "milestones":
        spec = scene.source.lifecycle.milestones.get(leaf) if scene.source.lifecycle else None
        if leaf in scene.reached or spec is None:
            return True if spec else None
        return False if spec.when is None else truth(spec.when, lambda one: _lookup(scene, one))
    if group == "customer":
        found: Value = getattr(scene.customer.profile, leaf, None)
        return None if found == "" else found
    return scene.facts.get(name)
