"""Phase checklists: what onboarding, adopting, retaining and expanding a customer are made of, and what shows an item
done. They are there for people to see where a customer stands: no rule of the engine reads them.
"""

from dataclasses import dataclass

from lifecycle.actions import Expr


@dataclass(frozen=True, slots=True)
class Item:
    """One item. It is done while `done` holds, and for good once one of `steps` was done, each `playbook/step`: sent,
    or, of a task, ticked.
    """

    title: str
    done: Expr | None = None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checklist:
    """One phase of a customer, with its items in order."""

    name: str
    title: str
    items: tuple[Item, ...]
