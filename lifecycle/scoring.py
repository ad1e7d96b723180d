"""A customer's health score as events come in: made anew when a fact that its model reads has changed, with its
history, what counts as a fall, and the band that follows from it.

Where the lifecycle has no model, or less is known than the model asks for, the score is the one reported from outside.
"""

from datetime import datetime
from functools import partial

from lifecycle import conditions, health, machine, triggers
from lifecycle.memo import once
from lifecycle.model import Fact, State, Value
from lifecycle.playbook import Lifecycle
from lifecycle.releases import Releases
from lifecycle.resting import Own
from lifecycle.turn import Turn

SCORE = "health.score"
FELL = "health.fell"
_MOST = 1_000_000
OWN = (SCORE, FELL)
"""The facts that stand for the score; a model that read them would chase itself."""


def follow(turn: Turn) -> bool:
    """Score anew where what the score is made from has changed, and move the band where the score asks for another one;
    True if either changed something.
    """
    read = turn.scored_by()
    if turn.idle("health", *read, turn.band):
        return False
    scored = _changed(turn) and _rescore(turn)
    if _move_band(turn) or scored:
        turn.wake("health")
        return True
    turn.scored = read
    turn.rest("health", *read, turn.band, until=next_instant(turn))
    return False


def settle(turn: Turn) -> None:
    """Take score and band as they stand, for a customer who came this far without us: nothing is triggered."""
    _rescore(turn)
    turn.band = _band_due(turn) or turn.band


def next_instant(turn: Turn) -> datetime | None:
    """When a fall is long enough ago to be none any more; None while there is none."""
    score = _score(turn) if _fallen(turn) else None
    return None if score is None else health.fell_until(turn.history, score, turn.at)


def _fallen(turn: Turn) -> bool:
    fact = turn.facts.get(FELL)
    return fact is not None and fact.value is True


def _changed(turn: Turn) -> bool:
    """Whether anything that the score is made from is another value, or a fall is over."""
    facts, life, contracts, profile, ticked = turn.scored
    if not (life is turn.life and ticked is turn.ticked and contracts is turn.contracts and profile is turn.profile):
        return True
    now = turn.facts
    if facts is now:
        return _fallen(turn) and next_instant(turn) is None
    for name in _reads(life):  # noqa: SIM110 - a generator costs more than the look
        if now.get(name) is not facts.get(name):
            return True
    return False


@once
def _reads(life: Lifecycle) -> tuple[str, ...]:
    """The facts that a score hangs on, through milestones too."""
    return tuple(dict.fromkeys((*OWN, *_asked(life))))


@once
def _asked(life: Lifecycle) -> tuple[str, ...]:
    """What the model asks for, a milestone by what it is reached by."""
    found: list[str] = []
    for name in health.reads(life.health) if life.health else ():
        milestone = life.milestones.get(name.removeprefix("milestones."))
        found += (name,) if milestone is None or milestone.when is None else conditions.names(milestone.when)
    return tuple(dict.fromkeys(found))


def _rescore(turn: Turn) -> bool:
    """Make the score, its history and what follows from that; True if a fact became another value."""
    facts, life, *_ = turn.scored
    was, model, given = _number(facts.get(SCORE)), turn.life.health, turn.facts
    own = _own(turn)
    if own is not None and own.value is not None:
        _know(turn, SCORE, own.value)
    score = _score(turn)
    if score is not None:
        if life is not turn.life and life.health != model:
            turn.history, was = (), None  # scores of two models do not compare
        if score != was or not turn.history:
            moved = bool(_band_due(turn))
            turn.history = health.recorded(turn.history, turn.at, was, score, moved=moved)
        _tell_fall(turn, score)
    turn.scored = turn.scored_by()
    return turn.facts is not given


def _own(turn: Turn) -> health.Score | None:
    """What the model says, made anew when something that it asks for is another value; None where there is none."""
    model = turn.life.health
    if model is None:
        return None
    plain, others = _kinds_of_asked(turn.life)
    was, known = turn.own, [_typed(turn.lookup(name)) for name in others]
    if was is None or not _same(was, turn, known, plain):
        was = Own(turn.life, turn.ticked, turn.facts, known, health.score(model, partial(_lookup, turn)))
        turn.own = was
    return was.score


def _same(was: Own, turn: Turn, known: list[tuple[type, Value]], names: tuple[str, ...]) -> bool:
    """Whether a score was made from what is there now. `names`: the facts that its model asks for."""
    if was.life is not turn.life or was.ticked is not turn.ticked or was.others != known:
        return False
    before, now = was.facts, turn.facts
    if now is before:
        return True
    for name in names:  # noqa: SIM110 - a generator costs more than the look
        if now.get(name) is not before.get(name):
            return False
    return True


def _typed(value: Value) -> tuple[type, Value]:
    return type(value), value


@once
def _kinds_of_asked(life: Lifecycle) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the model asks for: the facts, and the rest."""
    asked = _asked(life)
    return tuple(name for name in asked if name in life.facts), tuple(name for name in asked if name not in life.facts)


def _lookup(turn: Turn, name: str) -> Value:
    """As `Turn.lookup`, of which rules need not hear: a fact that only the score hangs on wakes none of them."""
    if name not in turn.life.facts:
        return turn.lookup(name)
    fact = turn.facts.get(name)
    return None if fact is None else fact.value


def _tell_fall(turn: Turn, score: float) -> None:
    if FELL not in turn.life.facts:
        return
    fell = health.fell_until(turn.history, score, turn.at) is not None
    if fell and not _fallen(turn):
        fall = f"{health.FALL} points or more within {health.FALL_WITHIN.days} days"
        turn.decide_life("fell", "health", "fired", f"health.score fell by {fall}, to {score:g}")
    _know(turn, FELL, fell)


def _know(turn: Turn, name: str, value: Value) -> None:
    """Hold a value of our own for a fact of the catalogue, whatever was reported."""
    known = turn.facts.get(name)
    if name in turn.life.facts and (known is None or (type(known.value), known.value) != (type(value), value)):
        turn.facts = {**turn.facts, name: Fact(value, turn.at)}


def _number(fact: Fact | None) -> float | None:
    """A score; None for what can be none."""
    value = None if fact is None else fact.value
    return value if conditions.is_number(value) and -_MOST <= value <= _MOST else None


def score_of(state: State) -> float | None:
    """The score of a state; None where there is none."""
    return _number(state.facts.get(SCORE))


def _score(turn: Turn) -> float | None:
    return _number(turn.facts.get(SCORE))


def _band_due(turn: Turn) -> str:
    """The band that the score asks for, empty when there is no move to it."""
    score = _score(turn)
    if score is None or not turn.life.bands:
        return ""
    ranked = turn.journey.bands
    band = next((name for name, low in ranked if score >= low), ranked[-1][0])
    moves = band != turn.band and machine.move("health", turn.band or "unknown", f"score_{band}") is not None
    return band if moves else ""


def _move_band(turn: Turn) -> bool:
    band = _band_due(turn)
    if not band:
        return False
    before, turn.band = turn.band, band
    turn.decide_life(band, "band", "fired", f"health.score = {_score(turn):g}{_share(turn)}")
    if before:
        triggers.tell(turn, "leaving_band", before)
    triggers.tell(turn, "band", band)
    return True


def _share(turn: Turn) -> str:
    """How much of a score of our own was known, in words."""
    found = _own(turn)
    return "" if found is None or found.value is None else f", {found.known}% of it known"


def standing(releases: Releases, state: State) -> tuple[health.HealthModel, health.Score, conditions.Lookup] | None:
    """What a state's score is made of, with what its model's names stand for; None where the lifecycle has no model."""
    turn = Turn(releases, state)
    model = turn.life.health
    return None if model is None else (model, health.score(model, turn.lookup), turn.lookup)
