"""The names that conditions and templates may use, with their types: one namespace for a lifecycle and its catalogue.

`docs/architecture.md` lists it for people. When a lifecycle could not be read at all, `Names.of(None)` accepts every
name, so that one broken file is not reported once more in each playbook.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lifecycle.actions import Expr
from lifecycle.playbook import OUTSIDE_STAGES, Lifecycle
from lifecycle.surveys import FORMS, facts_set

Type = Literal["number", "boolean", "text", "date", "any"]

CUSTOMER_ROLES = ("champion", "executive_sponsor", "admin", "billing")
"""Roles of people at the customer; every other role is a teammate's."""

BUILT_IN_EVENTS: dict[str, tuple[str, ...]] = {
    "customer.signed_up": (),
    **{f"{name}.{event}": facts_set(name) for name in FORMS for event in ("answered", "answered_late")},
}
"""Events that Stageplay itself makes, besides those of the catalogue, each with the facts it sets."""

_CUSTOMER: dict[str, Type] = {
    "customer.tier": "text",
    "customer.journey": "text",
    "customer.touch": "text",
    "customer.country": "text",
    "customer.zone": "text",
    "customer.segment": "text",
    "customer.arr": "number",
    "customer.stage": "text",
    "customer.band": "text",
}
_CONTRACT: dict[str, Type] = {
    "contract.id": "text",
    "contract.ends_on": "date",
    "contract.phase": "text",
    "contract.renewed": "boolean",
    "contract.term_days": "number",
    "contract.auto_renews": "boolean",
    "contract.nearest": "boolean",
}
"""Of the contract that a play is about, else of the one that ends next; `renewed`: it has a later end by now;
`nearest`: no other one that runs ends sooner.
"""
_IN_TEXTS = ("contract.id", "contract.ends_on")


@dataclass(frozen=True, slots=True)
class Names:
    """`types`: dotted name to type. `choices`: the only values a text name can have. `chains`: role to who stands above
    it. `complete`: False where names are not known, then nothing is refused. `constants`: the inputs of the playbook,
    whose values are known. `conditions`: `conditions.NAME` to the tree that it stands for. `highs`:
    number to the highest that it can be, None where nobody says.
    """

    types: dict[str, Type]
    choices: dict[str, tuple[str, ...]] = field(default_factory=dict)
    facts: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    chains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stages: tuple[str, ...] = ()
    bands: tuple[str, ...] = ()
    events: dict[str, tuple[str, ...]] = field(default_factory=dict)
    milestones: tuple[str, ...] = ()
    any_playing: bool = False
    complete: bool = True
    constants: dict[str, bool | int | float | str] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    highs: dict[str, float | None] = field(default_factory=dict)

    @classmethod
    def of(cls, lifecycle: Lifecycle | None, playbooks: Collection[str] | None = None) -> "Names":
        """The namespace of a lifecycle; `playbooks` are all names in the folder, None where they are not known."""
        if lifecycle is None:
            return cls({**_CUSTOMER, **_CONTRACT}, complete=False, any_playing=True)
        types: dict[str, Type] = {**_CUSTOMER, **_CONTRACT}
        types |= {f"milestones.{name}": "boolean" for name in lifecycle.milestones}
        types |= {f"playing.{under(name)}": "boolean" for name in playbooks or ()}
        told = {name: spec for name, spec in lifecycle.facts.items() if not spec.by_day}
        types |= {name: spec.type for name, spec in told.items()}
        stages = tuple(name for name in lifecycle.stages_of() if name not in OUTSIDE_STAGES)
        choices = {name: spec.choices for name, spec in lifecycle.facts.items() if spec.choices}
        choices["customer.journey"] = tuple(lifecycle.courses)
        if stages:
            choices["customer.stage"] = lifecycle.stages_of()
        if lifecycle.bands:
            choices["customer.band"] = tuple(lifecycle.bands)
        events = {name: tuple(spec.sets) for name, spec in lifecycle.events.items()}
        highs = {name: told[name].high if name in told else None for name, kind in types.items() if kind == "number"}
        return cls(
            types,
            choices,
            frozenset((*told, *_IN_TEXTS)),
            tuple(lifecycle.roles),
            dict(lifecycle.roles),
            stages,
            tuple(lifecycle.bands),
            {**BUILT_IN_EVENTS, **events},
            tuple(lifecycle.milestones),
            playbooks is None,
            highs=highs,
        ).with_conditions(lifecycle.conditions)

    def with_conditions(self, named: Mapping[str, Expr]) -> "Names":
        """The namespace in which `conditions.NAME` stands for each of these, written out."""
        trees = {f"conditions.{name}": condition.tree for name, condition in named.items()}
        kinds: dict[str, Type] = dict.fromkeys(trees, "boolean")
        return replace(self, types={**self.types, **kinds}, conditions={**self.conditions, **trees})

    def type_of(self, name: str) -> Type | None:
        """The type of a dotted name, None when nothing has that name."""
        if self.any_playing and name.startswith("playing.") and name.count(".") == 1:
            return "boolean"
        found = self.types.get(name)
        return found if found or self.complete else "any"


def under(name: str) -> str:
    """A kebab-case name as it stands in an expression: `onboarding-14-day` is `onboarding_14_day`."""
    return name.replace("-", "_")


def offered(name: str, known: Iterable[str]) -> list[str]:
    """The known names worth offering for a wrong one: those with the same first word, else all."""
    names = list(known)
    first = name.partition(".")[0]
    return [item for item in names if item.startswith(f"{first}.")] or names
