"""Makes accounts of an export: rows of CSV files, by a mapping, to `Account` values placed in mid-journey.

Pure but for reading the files: equal files, mapping and day give equal accounts, so an import can be run again. What an
optional cell says wrong is left out and reported; a row without id, name or signup date is not taken. Rows that lie
after the day of the import are its future: they count for nothing, but the mapping's `events` may be made of them.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import available_timezones

from authoring.diagnostics import Diagnostic, Report
from authoring.imports_contracts import YES, contracts_of
from authoring.imports_form import KEEP, NOTHING, Cell, ImportMapping, Later, Measure
from authoring.imports_tables import BROKEN, Refused, Row, Tables, broken, load
from authoring.namespace import CUSTOMER_ROLES
from authoring.portfolio import Account, Guest
from lifecycle import calendar, conditions, machine
from lifecycle.messages import Churned, Event, Happened, Returned, SignedUp
from lifecycle.model import Contact, Profile, Teammate, Value
from lifecycle.playbook import FactSpec, Lifecycle

NEEDS = ("email", "zone", "csm", "contract end")
"""What a customer may still need before its plays can do all they say; in this order."""
MOST_CONTACTS = 200
_LONGEST_ID = 120
_LARGEST = 10**12
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_ZONES = available_timezones()


@dataclass(frozen=True, slots=True)
class Taken:
    """What an export came to. `needs`: what is missing, to the accounts that miss it; `later`: rows after the day."""

    accounts: tuple[Account, ...]
    refused: tuple[Refused, ...]
    needs: Mapping[str, tuple[str, ...]]
    later: int


def take(
    mapping: ImportMapping, folder: Path, lifecycle: Lifecycle, team: Collection[str], as_of: date
) -> tuple[Taken, tuple[Diagnostic, ...]]:
    """Read an export.

    Args:
        mapping: what its files mean.
        folder: where they are.
        lifecycle: whose stages, facts and roles count.
        team: the addresses of the teammates, lower case; a CSM who is none of them is a need.
        as_of: the day on which all this is so.

    Returns:
        The accounts, and findings in the mapping: a file or a column that is not there. With an error there are none.
    """
    report = Report()
    tables = load(mapping, folder, report)
    if report.failed:
        return Taken((), (), {}, 0), report.sorted()
    maker = _Maker(mapping, tables, lifecycle, team, as_of)
    accounts = tuple(account for row in tables.rows[mapping.accounts] if (account := maker.account(row)))
    needs = {need: tuple(maker.needs[need]) for need in NEEDS if maker.needs[need]}
    later = sum(not _was(row, as_of) for rows in tables.rows.values() for row in rows)
    return Taken(accounts, tuple(tables.refused), needs, later), report.sorted()


class _Maker:
    """Makes accounts, one row of the accounts' file after another."""

    def __init__(
        self, mapping: ImportMapping, tables: Tables, lifecycle: Lifecycle, team: Collection[str], as_of: date
    ) -> None:
        self.mapping, self.tables, self.lifecycle = mapping, tables, lifecycle
        self.team, self.as_of = team, as_of
        self.needs: dict[str, list[str]] = {need: [] for need in NEEDS}

    def account(self, row: Row) -> Account | None:
        """The account of a row, None where it is not one; the row that cannot be taken is reported."""
        if not row.passes(self.mapping.only):
            return None
        name = self._text(row, "name")
        day = self._signed_up_on(row)
        too_long = max(len(row.account), len(name)) > _LONGEST_ID
        if not name or day is None or too_long or broken(name):
            self.tables.refuse(row, _why_not(name, day))
            return None
        zone = self._checked(row, "zone", _ZONES.__contains__, "is not a time zone")
        profile = self._profile(row, day, zone or self.lifecycle.default_zone)
        guests = self._guests(row.account)
        contracts = contracts_of(row.account, self.mapping, self.tables, self.as_of, self._read)
        facts = self._facts(row)
        signup = SignedUp(
            profile,
            tuple(Contact(f"con-{number}", guest.roles) for number, guest in enumerate(guests, 1)),
            {role: Teammate(role, profile.zone) for role in self.lifecycle.roles},
            contracts,
            self._stage(row, profile, facts),
            facts,
        )
        csm = self._checked(row, "csm", lambda text: bool(_ADDRESS.match(text)), "is not an email address").lower()
        at = calendar.midnight(self.as_of, profile.zone)
        self._need(row.account, email=not guests, zone=not zone, csm=csm not in self.team, contract=not contracts)
        return Account(row.account, name, signup, guests, facts, at, csm, self._events(row.account, profile.zone))

    def _need(self, account: str, *, email: bool, zone: bool, csm: bool, contract: bool) -> None:
        for need, missing in zip(NEEDS, (email, zone, csm, contract), strict=True):
            if missing:
                self.needs[need].append(account)

    def _signed_up_on(self, row: Row) -> date | None:
        dates = self.mapping.tables[self.mapping.accounts].dates
        found = dates.read(self._text(row, "signed_up_on"))
        return None if found is None or found > self.as_of else found

    # --- cells --------------------------------------------------------------------------------------------------------

    def _text(self, row: Row, key: str) -> str:
        cell = self.mapping.cells.get(key)
        return "" if cell is None else self._read(row, cell, key)

    def _read(self, row: Row, cell: Cell, part: str) -> str:
        """What a cell means; empty where it says nothing, or (reported) something that the mapping does not know."""
        if not cell.column:
            return cell.constant
        text = row.cells[cell.column]
        if broken(text) and part != "name":  # without a name there is no account: the row is refused
            self.tables.refuse(row, f"{cell.column} {BROKEN}", part)
            return ""
        if text in cell.values:
            return cell.values[text]
        if not text or cell.otherwise == NOTHING:
            return ""
        if cell.otherwise is None:
            self.tables.refuse(row, f'{cell.column} has a value that the mapping\'s "values" do not name', part)
            return ""
        return text if cell.otherwise == KEEP else cell.otherwise

    def _checked(self, row: Row, key: str, good: Callable[[str], bool], problem: str) -> str:
        text = self._text(row, key)
        if text and not good(text):
            self.tables.refuse(row, f"{self.mapping.cells[key].column} {problem}", key)
            return ""
        return text

    def _profile(self, row: Row, day: date, zone: str) -> Profile:
        plain = Profile(zone, day)
        country = self._checked(row, "country", lambda text: bool(_COUNTRY.match(text)), "is not a country code")
        arr = self._arr(row)
        return replace(
            plain,
            tier=_label(self._text(row, "tier")) or plain.tier,
            journey=_label(self._journey(row)) or plain.journey,
            touch=_label(self._text(row, "touch")) or self.lifecycle.touch_for(arr),
            segment=_label(self._text(row, "segment")),
            country=country,
            arr=arr,
        )

    def _journey(self, row: Row) -> str:
        known = self.lifecycle.courses
        problem = f"is not a journey; there are {', '.join(known)}"
        return self._checked(row, "journey", lambda text: _label(text) in known, problem)

    def _arr(self, row: Row) -> int:
        if self.mapping.arr is None:
            return 0
        found = self._measured(row, self.mapping.arr, "arr")
        number = 0 if found is None or found == "" else _number(str(found))
        if number is None or not 0 <= number < _LARGEST:
            self.tables.refuse(row, "the revenue is not a number from 0 on", "arr")
            return 0
        return round(number)

    # --- people, contracts --------------------------------------------------------------------------------------------

    def _guests(self, account: str) -> tuple[Guest, ...]:
        """The people of the account that can be written to, each address once."""
        found: dict[str, Guest] = {}
        for people in self.mapping.people:
            for row in self.tables.of(people.table, account):
                email = self._read(row, people.email, "contact").lower() if row.passes(people.only) else ""
                if email and not _ADDRESS.match(email):
                    self.tables.refuse(row, f"{people.email.column} is not an email address", "contact")
                elif email and email not in found and len(found) >= MOST_CONTACTS:
                    self.tables.refuse(row, f"the account has more than {MOST_CONTACTS} contacts", "contact")
                elif email:
                    role = self._read(row, people.roles, "role")
                    known = found.get(email, Guest(email, self._read(row, people.name, "contact")[:120], ()))
                    if role and role not in CUSTOMER_ROLES:
                        self.tables.refuse(row, f"{people.roles.column} is not a role at the customer", "role")
                    roles = (*known.roles, role) if role in CUSTOMER_ROLES else known.roles
                    found[email] = replace(known, roles=tuple(dict.fromkeys(roles)))
        return tuple(found.values())

    # --- facts --------------------------------------------------------------------------------------------------------

    def _facts(self, row: Row) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, measure in self.mapping.facts.items():
            value = self._measured(row, measure, name)
            if value is None or value == "":
                continue
            typed = _typed(str(value), self.lifecycle.facts[name], self.mapping.tables[measure.table].dates.read)
            if typed is None:
                kind = self.lifecycle.facts[name].type
                self.tables.refuse(row, f"the value is not a {kind} that the fact can have", name)
            else:
                found[name] = typed
        return found

    def _measured(self, row: Row, measure: Measure, part: str) -> Value:
        if measure.how == "column":
            return self._read(row, measure.cell, part)
        rows = [item for item in self.tables.of(measure.table, row.account) if self._counts(item, measure)]
        if measure.how == "count":
            return len(rows)
        said = [(item, text) for item in rows if (text := self._read(item, measure.cell, part))]
        if measure.how == "distinct":
            return len({text for _, text in said})
        if measure.how == "latest":
            return max(said, key=lambda item: item[0].on or date.min)[1] if said else None
        numbers = []
        for item, text in said:
            number = _number(text)
            if number is None:
                self.tables.refuse(item, f"{measure.cell.column} is not a number", part)
            else:
                numbers.append(number)
        return _summed(measure.how, numbers)

    def _counts(self, row: Row, measure: Measure) -> bool:
        if not row.passes(measure.only) or not _was(row, self.as_of) or not row.holds(self.as_of):
            return False
        return measure.within is None or row.on is None or (self.as_of - row.on).days < measure.within

    # --- where it stands ----------------------------------------------------------------------------------------------

    def _stage(self, row: Row, profile: Profile, facts: Mapping[str, Value]) -> str:
        if self._has_left(row):
            return "churned"
        known = self.lifecycle.stages_of(profile.journey)
        if self.mapping.stage is not None:
            said = self._read(row, self.mapping.stage, "stage")
            if said in known:
                return said
            if said:
                self.tables.refuse(row, f"{self.mapping.stage.column} is not a stage", "stage")
        return self._by_day(profile, facts)

    def _by_day(self, profile: Profile, facts: Mapping[str, Value]) -> str:
        """The stage whose window the day is in; by criteria, the first before it whose criterion is not met."""
        days = (self.as_of - profile.signed_up_on).days
        stages = self.lifecycle.course(profile.journey).stages
        for spec in stages:
            by_time = self.mapping.stage_by == "signup" or machine.move("journey", spec.name, "window_ended")
            met = by_time or spec.criterion is None or conditions.holds(spec.criterion, self._lookup(profile, facts))
            if spec.to_day is None or days <= spec.to_day or not met:
                return spec.name
        return stages[-1].name

    def _lookup(self, profile: Profile, facts: Mapping[str, Value]) -> Callable[[str], Value]:
        def look(path: str) -> Value:
            group, _, name = path.partition(".")
            if group == "customer":
                return getattr(profile, name, None) or None
            if group == "milestones":
                spec = self.lifecycle.milestones.get(name)
                return spec is not None and spec.when is not None and conditions.holds(spec.when, look)
            return facts.get(path)

        return look

    def _has_left(self, row: Row) -> bool:
        """Whether the account's own row or the last event about it says so, and no contract began after that."""
        last: date | None = None
        for rule in self.mapping.churned:
            rows = [item for item in self.tables.of(rule.table, row.account) if item.passes(rule.only)]
            gone = [item for item in rows if _was(item, self.as_of)]
            if any(item.on is None for item in gone):
                return True
            last = max([last or date.min, *(item.on for item in gone if item.on)]) if gone else last
        return last is not None and not (self.mapping.came_back and self._began_after(row.account, last))

    def _began_after(self, account: str, day: date) -> bool:
        rules = self.mapping.contracts
        rows = self.tables.of(rules.table, account) if rules else []
        return any(item.starts is not None and day < item.starts <= self.as_of for item in rows)

    def _events(self, account: str, zone: str) -> tuple[tuple[datetime, Event], ...]:
        """What the export knows of the time after the day: a script for a simulation."""
        found: list[tuple[datetime, Event]] = []
        for rule in self.mapping.events:
            days = [row.on for row in self.tables.of(rule.table, account) if row.on and row.passes(rule.only)]
            found += [(calendar.wall(day, "12:00", zone), _event(rule)) for day in days if day > self.as_of]
        return tuple(sorted(found, key=lambda item: item[0]))


def today(now: datetime, lifecycle: Lifecycle) -> date:
    """The day of an import that names none, in the lifecycle's zone."""
    return calendar.local(now.astimezone(UTC), lifecycle.default_zone).date()


def _why_not(name: str, day: date | None) -> str:
    if not name:
        return "has no name"
    if broken(name):
        return f"the name {BROKEN}"
    if day is not None:
        return f"id or name is longer than {_LONGEST_ID} characters"
    return "has no signup date that can be read, or one after the day of the import"


def _event(rule: Later) -> Event:
    match rule.event:
        case "customer.churned":
            return Churned("as the export says")
        case "customer.returned":
            return Returned()
        case name:
            return Happened(name)


def _was(row: Row, as_of: date) -> bool:
    """Whether a row is of the day or before; one without a day is."""
    return (row.on is None or row.on <= as_of) and (row.starts is None or row.starts <= as_of)


def _label(text: str) -> str:
    """A label as we write them: `Mid Market` is `mid-market`; at most 40 characters."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-")


def _number(text: str) -> float | None:
    try:
        found = float(text.replace("\u00a0", "").replace("$", "").replace("€", "").replace("£", ""))
    except ValueError:
        return None
    return found if abs(found) < _LARGEST else None  # neither infinite nor no number


def _summed(how: str, numbers: Iterable[float]) -> float | None:
    found = list(numbers)
    if how == "sum":
        return _whole(sum(found))
    if not found:
        return None
    return _whole({"average": sum(found) / len(found), "lowest": min(found), "highest": max(found)}[how])


def _whole(number: float) -> float:
    return int(number) if float(number).is_integer() else round(number, 6)


def _typed(text: str, spec: FactSpec, day: Callable[[str], date | None]) -> Value:
    """The text as a value of the fact, None where it cannot be one."""
    match spec.type:
        case "number":
            number = _number(text)
            low, high = spec.low, spec.high
            if number is None or (low is not None and number < low) or (high is not None and number > high):
                return None
            return _whole(number)
        case "boolean":
            return YES.get(text.lower())
        case "date":
            found = day(text)
            return None if found is None else found.isoformat()
        case "text":  # pragma: no branch - the types are these four
            return text[:500] if not spec.choices or text in spec.choices else None
