"""An event of the catalogue happens: when it last did is remembered, its facts are learned, what it triggers starts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from lifecycle import entering, triggers
from lifecycle.model import Fact, Value
from lifecycle.turn import Turn


def happened(turn: Turn, name: str, values: Mapping[str, Value]) -> None:
    """Take an event by name. `values`: facts it carries, besides those that the catalogue says it sets."""
    remember(turn, name, turn.at, values)
    facts = turn.life.facts
    about = {fact: value for fact, value in values.items() if fact not in facts or facts[fact].derived is None}
    _tell_plays(turn, name, about)  # what is derived is about the customer, not about this one ticket
    triggers.tell(turn, "event", name, about)


def _tell_plays(turn: Turn, name: str, values: Mapping[str, Value]) -> None:
    """What is about one ticket, contract, ... reaches the play about that one only."""
    for play in turn.running():
        if play.subject and entering.subject_of(turn.book(play), values) == play.subject:
            turn.put(replace(play, about={**play.about, **values}, seen={**play.seen, name: turn.at}))


def remember(turn: Turn, name: str, at: datetime, values: Mapping[str, Value] = MappingProxyType({})) -> None:
    """Know that an event happened, and the facts of it, without starting what it triggers."""
    spec = turn.life.events.get(name)
    turn.seen = {**turn.seen, name: at}
    learn(turn, {**(spec.sets if spec else {}), **values})


def learn(turn: Turn, values: Mapping[str, Value]) -> None:
    """Remember the facts of the catalogue; what it does not name could be read by no expression and would only weigh
    on the state. One without a value is no longer known.
    """
    known = {name: value for name, value in values.items() if name in turn.life.facts}
    if known:
        turn.facts = {**turn.facts, **{name: Fact(value, turn.at) for name, value in known.items()}}
    if None in known.values():
        turn.facts = {name: fact for name, fact in turn.facts.items() if fact.value is not None}
