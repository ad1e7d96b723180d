"""What a signup says, read and checked: from JSON to `Signup`, so that a later one can be laid over the first."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway import fields
from gateway.refusals import RefusedError, near
from lifecycle.conditions import is_number
from lifecycle.model import Clock, Profile
from lifecycle.playbook import STANDARD, Lifecycle
from store.customers import NewContact
from store.team import Person, normalised

SECONDS_A_DAY = 86_400
LONGEST_ID = 120
MOST_CONTACTS = 200
_CUSTOMER = ("id", "name", "tier", "journey", "touch", "zone", "country", "segment", "arr", "contract_ends_on")
_READERS: Mapping[str, Callable[[object, str], Any]] = {
    "tier": fields.kebab,
    "journey": fields.kebab,
    "touch": fields.kebab,
    "segment": fields.kebab,
    "zone": fields.zone,
    "country": fields.country,
    "arr": fields.whole,
}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A day of this customer lasts `day_seconds` real seconds; its time begins at `start` (None: now)."""

    day_seconds: float
    start: datetime | None


@dataclass(frozen=True, slots=True)
class Signup:
    """`profile`: only the fields that were sent, by their names in `Profile`. `name`: empty when not sent. `team`: role
    to address.
    """

    outer_id: str
    name: str
    profile: Mapping[str, Any]
    contacts: tuple[NewContact, ...]
    team: Mapping[str, str]
    contract_ends_on: Any = None
    rehearsal: Rehearsal | None = None

    def new_profile(self, lifecycle: Lifecycle, at: datetime) -> Profile:
        """The profile of a customer that signs up at `at`; without a zone it has the lifecycle's, without a touch model
        that of its ARR.
        """
        zone = self.profile.get("zone", lifecycle.default_zone)
        signed_up_on = at.astimezone(ZoneInfo(zone)).date()
        touch = lifecycle.touch_for(self.profile.get("arr", 0))
        return Profile(**{"touch": touch, **self.profile, "zone": zone, "signed_up_on": signed_up_on})

    def over(self, profile: Profile) -> Profile:
        """The profile with what was sent laid over it; the day of the first signup stays."""
        return replace(profile, **self.profile)

    def check_team(self, roster: Iterable[Person]) -> None:
        """Refuse an address that nobody on the roster has: else somebody else would quietly get the customer.

        Raises:
            RefusedError: names the role, and the nearest addresses of the roster.
        """
        known = {normalised(person.email) for person in roster}
        for role, address in self.team.items():
            if normalised(address) not in known:
                raise RefusedError(f"team.{role}", "nobody on the team has this address", near(address, known))

    def clock(self, at: datetime) -> Clock:
        """Real time, or the rehearsal's."""
        if self.rehearsal is None:
            return Clock(at, at)
        return Clock(at, self.rehearsal.start or at, SECONDS_A_DAY / self.rehearsal.day_seconds)


def read_signup(data: Mapping[str, Any], lifecycle: Lifecycle, *, allow_rehearsal: bool) -> Signup:
    """Read `customer.signed_up` or `customer.updated`.

    Raises:
        RefusedError: names the first field that is wrong.
    """
    fields.known_keys(data, "data", ("customer", "contacts", "team", "rehearsal"))
    customer = fields.mapping(data.get("customer"), "customer")
    fields.known_keys(customer, "customer", _CUSTOMER)
    outer_id = fields.text(customer.get("id"), "customer.id", longest=LONGEST_ID)
    profile = _profile(customer)
    _known_journey(profile.get("journey", STANDARD), lifecycle)
    ends_on = customer.get("contract_ends_on")
    return Signup(
        outer_id=outer_id,
        name=fields.text(customer["name"], "customer.name", longest=120) if "name" in customer else "",
        profile=profile,
        contacts=_contacts(data.get("contacts", [])),
        team=_team(data.get("team", {}), lifecycle),
        contract_ends_on=None if ends_on is None else fields.day(ends_on, "customer.contract_ends_on"),
        rehearsal=_rehearsal(data.get("rehearsal"), profile.get("zone", lifecycle.default_zone), allow_rehearsal),
    )


def _profile(customer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: read(customer[name], f"customer.{name}")
        for name, read in _READERS.items()
        if customer.get(name) is not None
    }


def _known_journey(name: str, lifecycle: Lifecycle) -> None:
    """Refuse a journey that no file has: its customer would quietly go through another one."""
    if name not in lifecycle.courses:
        fix = near(name, lifecycle.courses)
        raise RefusedError("customer.journey", "is not one of the journeys that are applied here", fix)


def _contacts(data: object) -> tuple[NewContact, ...]:
    if not isinstance(data, list) or len(data) > MOST_CONTACTS:
        raise RefusedError("contacts", f"is not a list of at most {MOST_CONTACTS} people", 'send "contacts": [...]')
    found = tuple(read_contact(person, f"contacts[{number}]") for number, person in enumerate(data))
    seen: dict[str, int] = {}
    for number, person in enumerate(found):
        first = seen.setdefault(person.email.lower(), number)
        if first != number:
            raise RefusedError(
                f"contacts[{number}].email", f"is that of contacts[{first}] too", "send each person once"
            )
    return found


def read_contact(data: object, field: str, *, known: NewContact | None = None) -> NewContact:
    """A person at the customer; what is not sent stays as `known`."""
    person = fields.mapping(data, field)
    fields.known_keys(person, field, ("email", "name", "roles"))
    email = fields.address(person.get("email"), f"{field}.email")
    name = person.get("name", known.name if known else None)
    given = person.get("roles")
    kept = known.roles if known else ()
    return NewContact(
        email=email,
        name=fields.text(name, f"{field}.name", longest=120),
        roles=kept if given is None else fields.roles(given, f"{field}.roles"),
    )


def _team(data: object, lifecycle: Lifecycle) -> dict[str, str]:
    team = fields.mapping(data, "team")
    for role in team:
        if role not in lifecycle.roles:
            raise RefusedError("team", "names a role that the lifecycle does not have", near(role, lifecycle.roles))
    return {role: fields.address(email, f"team.{role}") for role, email in team.items()}


def _rehearsal(data: object, zone: str, allowed: bool) -> Rehearsal | None:
    if data is None:
        return None
    if not allowed:
        raise RefusedError(
            "rehearsal",
            "is not allowed by this gateway",
            "leave it out, or sign up at a gateway that `stageplay demo` started",
        )
    wanted = fields.mapping(data, "rehearsal")
    fields.known_keys(wanted, "rehearsal", ("day_seconds", "start"))
    length = wanted.get("day_seconds")
    if not is_number(length) or not 0.01 <= length <= SECONDS_A_DAY:  # noqa: PLR2004 - a year in 4 s is as fast as anything here runs
        raise RefusedError("rehearsal.day_seconds", "is not a number from 0.01 to 86400", 'send "day_seconds": 4')
    start = None if wanted.get("start") is None else _start(wanted["start"], zone)
    return Rehearsal(float(length), start)


def _start(written: object, zone: str) -> datetime:
    at = fields.instant(written, "rehearsal.start", zone=zone)
    first, last = datetime(2000, 1, 1, tzinfo=at.tzinfo), datetime(2100, 1, 1, tzinfo=at.tzinfo)
    if not first + timedelta(days=1) <= at <= last:
        raise RefusedError("rehearsal.start", "is not between the years 2000 and 2100", 'send "2026-03-02T08:00"')
    return at
