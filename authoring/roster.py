"""Who takes which role for a customer of a simulation: the rule of `store.team.assign`, with its counts in memory."""

from collections import Counter
from collections.abc import Mapping
from datetime import date

from authoring.team import Team
from lifecycle.model import Profile, Teammate
from lifecycle.playbook import Lifecycle
from lifecycle.staffing import Staff


class Roster:
    """Gives people to customers, in the order in which these come. Who is away or leaves counts as of each signup."""

    def __init__(self, team: Team, lifecycle: Lifecycle) -> None:
        self.team, self.lifecycle = team, lifecycle
        self._people = {person.id: person for person in team.people}
        self._by_address = {person.email: person.id for person in team.people}
        self._loads: Counter[tuple[str, str]] = Counter()

    def assign(self, profile: Profile, wanted: Mapping[str, str], today: date | None = None) -> dict[str, Teammate]:
        """A person for every role, as `lifecycle.staffing` says; a role that nobody can take is left out. `wanted`:
        role to address. `today`: where it is not the day of the signup.
        """
        staff = Staff(self.team.people, self.lifecycle.roles, self.team.policy, today or profile.signed_up_on)
        given = {role: self._by_address[email] for role, email in wanted.items() if email in self._by_address}
        chosen = staff.assign(profile, self._loads, given)
        self._loads.update((role, found.person) for role, found in chosen.items())
        return {role: Teammate(found.person, self._people[found.person].zone) for role, found in chosen.items()}
