"""Who takes which role for a customer: whoever serves customers like it, then by skill, then by free capacity.

Pure: the shells bring the people, what each has already, and the date. A role that nobody can take goes along its
fallback chain, to the person who has the next role for the same customer. Source of the figures: row A8 of the domain;
docs/decisions/0023-who-takes-a-customer.md.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from fractions import Fraction
from typing import Literal, Protocol

from lifecycle import conditions
from lifecycle.actions import Expr
from lifecycle.model import Profile, Teammate, Value

Loads = Mapping[tuple[str, str], int]
"""(role, person) to how many customers the person has in that role."""


@dataclass(frozen=True, slots=True)
class Span:
    """How many customers are a full book: from `least` to `most`; no limit where `most` is 0. All 0: nobody said."""

    least: int = 0
    most: int = 0

    def __bool__(self) -> bool:
        return self.least > 0

    def __str__(self) -> str:
        if not self.most:
            return f"{self.least}+"
        return str(self.most) if self.least == self.most else f"{self.least}-{self.most}"

    def share(self, load: int) -> Fraction:
        """How full a book with so many customers is; where nobody said what is full, how many there are."""
        return Fraction(load, self.most or self.least or 1)


BY_TIER = {"enterprise": Span(20, 30), "pro": Span(50, 75)}
BY_TOUCH = {"high": Span(20, 50), "mid": Span(50, 100), "low": Span(100, 200)}
"""A full book of somebody who serves a tier or a touch model, where nobody said another figure."""


@dataclass(frozen=True, slots=True)
class Away:
    """A time in which somebody is not there, both days included. `stand_in`: id of who does it meanwhile."""

    first: date
    last: date
    stand_in: str = ""


@dataclass(frozen=True, slots=True)
class Cover:
    """Whom a person can look after. `tiers`, `touch`, `serves`: only customers of one of these tiers, of one of these
    touch models, for whom that holds; empty: of any. `accounts`: a full book. `leaves`: their last day.
    """

    tiers: tuple[str, ...] = ()
    touch: tuple[str, ...] = ()
    serves: Expr | None = None
    skills: tuple[str, ...] = ()
    accounts: Span = Span()
    away: tuple[Away, ...] = ()
    leaves: date | None = None

    def serving(self, profile: Profile) -> str:
        """Why a customer is one of theirs: `tier pro`; `any` of somebody who serves all. Empty: it is not."""
        said = []
        for name, wanted in (("tier", self.tiers), ("touch", self.touch)):
            if wanted and getattr(profile, name) not in wanted:
                return ""
            said += [f"{name} {getattr(profile, name)}"] if wanted else []
        if self.serves is not None:
            if not holds(self.serves, profile):
                return ""
            said.append(self.serves.text)
        return ", ".join(said) or ANY

    def absence(self, today: date) -> Away | None:
        """The absence that today lies in."""
        return next((item for item in self.away if item.first <= today <= item.last), None)

    def takes_new(self, today: date) -> bool:
        """Whether a new customer may be given to them: they are there, and stay."""
        return self.leaves is None and self.absence(today) is None


ANY = "any"
ANYBODY = Cover()
"""Nobody said whom they look after."""


@dataclass(frozen=True, slots=True)
class RoleRule:
    """What a team says of a role. `customers`: only those for whom this holds have somebody in it. `accounts`: a full
    book of those in it who say no other. `first_days`: a customer counts for so many days; 0: for as long as it is one.
    """

    customers: Expr | None = None
    accounts: Span = Span()
    first_days: int = 0


@dataclass(frozen=True, slots=True)
class Policy:
    """What a team says besides its people. `skills`: by name, the customers that need it."""

    roles: dict[str, RoleRule] = field(default_factory=dict)
    skills: dict[str, Expr] = field(default_factory=dict)


NO_POLICY = Policy()


class Member(Protocol):
    """A person of the team."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def cover(self) -> Cover: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A person for a role, by id, and why; empty where there was nothing to choose. `instead`: the role that the person
    has, where nobody takes the one wanted.
    """

    person: str
    why: str = ""
    instead: str = ""


def holds(expr: Expr, profile: Profile) -> bool:
    """Whether an expression over `customer.*` holds for a customer as it is bought."""

    def lookup(path: str) -> Value:
        found: Value = getattr(profile, path.removeprefix("customer."), None)
        return found if isinstance(found, str | int) and found != "" else None

    return conditions.holds(expr, lookup)


def book(person: Member, policy: Policy) -> Span:
    """What is a full book for a person: as said of them, by what they serve, or as said of their role."""
    if person.cover.accounts:
        return person.cover.accounts
    served = [BY_TIER[name] for name in person.cover.tiers if name in BY_TIER]
    served = served or [BY_TOUCH[name] for name in person.cover.touch if name in BY_TOUCH]
    said = [policy.roles[role].accounts for role in person.roles if role in policy.roles]
    return min(served, key=lambda span: span.most, default=next((span for span in said if span), Span()))


def load(person: Member, loads: Loads) -> int:
    """How many customers a person has, in that role of their own in which they have most."""
    return max((loads.get((role, person.id), 0) for role in person.roles), default=0)


@dataclass(frozen=True, slots=True)
class Staff:
    """Everybody, and the rules. `chains`: role to the roles it falls back to, in order."""

    people: Sequence[Member]
    chains: Mapping[str, Sequence[str]]
    policy: Policy
    today: date

    def assign(
        self, profile: Profile, loads: Loads, given: Mapping[str, str] | None = None, without: str = ""
    ) -> dict[str, Choice]:
        """A person for every role that a customer has, in the order of the roles' names; one that nobody can take is
        left out.

        Args:
            profile: what the customer bought, and where it is.
            loads: what everybody has already.
            given: role to the person whom somebody chose, whatever the rules say.
            without: who takes nothing, because it is they who hand over.
        """
        chosen, vacant = dict[str, Choice](), list[str]()
        held = {role for person in self.people for role in person.roles}
        for role in sorted({*self.chains, *held}):
            if given and role in given:
                chosen[role] = Choice(given[role], "given")
            elif self._wanted(role, profile):
                found = self._best(role, profile, loads, without)
                if found is None:
                    vacant.append(role)
                else:
                    chosen[role] = found
        own = dict(chosen)
        for role in vacant:
            found = self._stand_in(role, own, profile, without)
            if found is not None:
                chosen[role] = found
        return dict(sorted(chosen.items()))

    def _wanted(self, role: str, profile: Profile) -> bool:
        """Whether a customer has somebody in a role."""
        rule = self.policy.roles.get(role)
        return rule is None or rule.customers is None or holds(rule.customers, profile)

    def _holders(self, role: str, without: str) -> list[Member]:
        those = [person for person in self.people if role in person.roles and person.id != without]
        return sorted(those, key=lambda person: (person.name, person.id))

    def _best(self, role: str, profile: Profile, loads: Loads, without: str) -> Choice | None:
        """The holder of a role who serves such customers, has the most of the skills it needs, and most room."""
        needed = [name for name, expr in self.policy.skills.items() if holds(expr, profile)]
        ranked = []
        holders = self._holders(role, without)
        for person in holders:
            serves = person.cover.serving(profile)
            if serves and person.cover.takes_new(self.today):
                skilled = tuple(name for name in needed if name in person.cover.skills)
                share = book(person, self.policy).share(loads.get((role, person.id), 0))
                ranked.append(((serves == ANY, -len(skilled), share, person.name, person.id), person, serves, skilled))
        if not ranked:
            return None
        _, person, serves, skilled = min(ranked, key=lambda item: item[0])
        alone = len(holders) == 1 and serves == ANY
        has = loads.get((role, person.id), 0)
        return Choice(person.id, "" if alone else self._because(person, serves, skilled, has))

    def _because(self, person: Member, serves: str, skilled: Sequence[str], has: int) -> str:
        full = book(person, self.policy)
        said = [f"serves {serves}" if serves != ANY else ""]
        said += [f"skill {', '.join(skilled)}" if skilled else "", f"has {has}{f' of {full}' if full else ''} accounts"]
        return "; ".join(part for part in said if part)

    def _stand_in(self, role: str, chosen: Mapping[str, Choice], profile: Profile, without: str) -> Choice | None:
        """Who does the work of a role that nobody can take: the stand-in of a holder who is away, else who has the next
        role of its chain for this customer, else anybody of that chain, whomever they serve.
        """
        here = {person.id for person in self.people if person.id != without and person.cover.takes_new(self.today)}
        for person in self._holders(role, ""):
            absence = person.cover.absence(self.today)
            if absence is not None and absence.stand_in in here and person.cover.serving(profile):
                return Choice(absence.stand_in, f"stands in for {person.id}, who is away")
        for link in self.chains.get(role, ()):
            if link in chosen:
                return Choice(chosen[link].person, f"nobody takes {role}; {link} stands in", link)
        those = (one for link in (role, *self.chains.get(role, ())) for one in self._holders(link, without))
        last = next(those, None)
        return None if last is None else Choice(last.id, f"nobody else takes {role}")


def told(choices: Mapping[str, Choice]) -> str:
    """Why everybody was chosen, for the trace: `csm mara: has 3 of 20-50 accounts`; vacant roles come last, in one:
    `nobody takes cs_associate (csm mara), tam (csm mara)`.
    """
    those = sorted(choices.items())
    said = [f"{role} {found.person}: {found.why}" for role, found in those if found.why and not found.instead]
    vacant = [f"{role} ({found.instead} {found.person})" for role, found in those if found.instead]
    return "; ".join([*said, *([f"nobody takes {', '.join(vacant)}"] if vacant else [])])


# --- what a customer is told of a change ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Booked:
    """A meeting to come, as the store knows it, and how it goes on. `meeting`: its touch. `guests`: who is at it from
    now on, contacts and teammates; `gone`: teammates who are not any more. `moves`: its SEQUENCE by now.
    """

    meeting: str
    release: str
    starts_at: datetime
    ends_at: datetime
    organizer: str
    guests: tuple[str, ...]
    gone: tuple[str, ...] = ()
    moves: int = 0


@dataclass(frozen=True, slots=True)
class TeamChanged:
    """Other teammates have these roles for the customer from now on. `change`: a name that no other change of this
    customer has; what follows from it is known by it. `meetings`: those to come that others hold, or come to.
    """

    change: str
    team: dict[str, Teammate]
    reason: str = ""
    meetings: tuple[Booked, ...] = ()
    kind: Literal["team_changed"] = "team_changed"
