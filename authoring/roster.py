"""Who takes which role for a customer of a simulation: the rule of `store.team.assign`, with its counts in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence

from authoring.team import Person
from lifecycle.model import Teammate


class Roster:
    """Gives people to customers, in the order in which these come. `chains`: role to the roles it falls back to."""

    def __init__(self, people: Sequence[Person], chains: Mapping[str, Sequence[str]]) -> None:
        self.people, self.chains = people, chains
        self._by_address = {person.email: person for person in people}
        self._loads: Counter[tuple[str, str]] = Counter()

    def assign(self, wanted: Mapping[str, str]) -> dict[str, Teammate]:
        """A person for every role: the one with the wanted address, else the least busy holder of the role, else of the
        roles of its chain; a role that nobody can take is left out. `wanted`: role to address.
        """
        held = {role for person in self.people for role in person.roles}
        chosen = {}
        for role in sorted({*self.chains, *held}):
            person = self._by_address.get(wanted.get(role, "")) or self._least_busy(role)
            if person is not None:
                chosen[role] = Teammate(person.id, person.zone)
                self._loads[role, person.id] += 1
        return chosen

    def _least_busy(self, role: str) -> Person | None:
        for link in (role, *self.chains.get(role, ())):
            holders = [person for person in self.people if link in person.roles]
            if holders:
                return min(holders, key=lambda person: (self._loads[role, person.id], person.id))
        return None
