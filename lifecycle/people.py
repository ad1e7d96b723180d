"""Who has a role for a customer, and in whose zone a playbook tells the time.

The core asks it of ids, the shells of the people themselves, so that what a text or a page says is what was decided.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

from lifecycle import calendar
from lifecycle.playbook import Lifecycle


class Zoned(Protocol):
    """Somebody with a zone, empty where it is the company's."""

    @property
    def zone(self) -> str: ...


P = TypeVar("P")


def holder(role: str, team: Mapping[str, P], chains: Mapping[str, Sequence[str]]) -> P | None:
    """Who has a role, else the first of its fallback chain who is there. `team`: by role; `chains`: as
    `Lifecycle.roles`.
    """
    for name in (role, *chains.get(role, ())):
        if name in team:
            return team[name]
    return None


def zone_of(written: str, home: str, team: Mapping[str, Zoned], life: Lifecycle | None) -> str:
    """The zone of a playbook's plays: `home`, the customer's; that of the teammate in a role; or the one named.

    Args:
        written: `Playbook.zone`.
        home: also where no such zone is known any more.
        team: by role.
        life: whose chains say who stands in for a role; None: nobody does.
    """
    if written == "customer":
        return home
    person = holder(written, team, life.roles if life else {})
    if person is not None:
        return person.zone or (life.default_zone if life else home)
    return written if calendar.zone_exists(written) else home
