"""The contracts of an account in an export: which of its rows run on the day, and from when to when. Part of
`authoring.imports`.
"""

from collections.abc import Callable
from datetime import date

from authoring.imports_form import MOST_MONTHS, Cell, Contracts, ImportMapping
from authoring.imports_tables import Row, Tables
from lifecycle import calendar
from lifecycle.model import Contract

MOST_CONTRACTS = 50
YES = {"true": True, "yes": True, "y": True, "1": True, "false": False, "no": False, "n": False, "0": False}
"""What an export says for yes and no, in small letters."""
Read = Callable[[Row, Cell, str], str]
"""What a cell of a row means; the last argument is the part of the account that it is for."""


def contracts_of(account: str, mapping: ImportMapping, tables: Tables, as_of: date, read: Read) -> tuple[Contract, ...]:
    """Every contract that runs on the day, in parallel where there are several."""
    rules = mapping.contracts
    if rules is None:
        return ()
    table, found = mapping.tables[rules.table], dict[str, Contract]()
    for row in tables.of(rules.table, account):
        if not row.passes(rules.only) or not row.holds(as_of):
            continue
        name = row.cells[table.id][:60] if table.id else ("main" if not found else f"main-{len(found) + 1}")
        contract = _Row(row, rules, mapping, tables, as_of, read).contract(name)
        if contract is not None and len(found) >= MOST_CONTRACTS:
            tables.refuse(row, f"the account has more than {MOST_CONTRACTS} contracts", "contract")
        elif contract is not None:
            found[name] = contract
    return tuple(found.values())


class _Row:
    """One row that may be a contract."""

    def __init__(
        self, row: Row, rules: Contracts, mapping: ImportMapping, tables: Tables, as_of: date, read: Read
    ) -> None:
        self.row, self.rules, self.tables, self.as_of, self.read = row, rules, tables, as_of, read
        self.dates = mapping.tables[rules.table].dates

    def contract(self, name: str) -> Contract | None:
        """The term that runs on the day; None for a contract that has ended, or of which nothing says when it ends.

        A written term goes from the row's start to its end; one of so many months is as long as that, and without a
        written end it renews by itself.
        """
        months, text = self._months(), self.row.cells[self.rules.ends_on] if self.rules.ends_on else ""
        ends = self._written(text) if text else self._renewing(months)
        if ends is None:
            return None
        starts = calendar.plus(calendar.months_on(ends, -months), 1) if months else self.row.starts if text else None
        return Contract(name, ends, starts_on=starts, auto_renews=self._auto(renews=not text))

    def _written(self, text: str) -> date | None:
        found = self.dates.read(text)
        if found is None:
            self.tables.refuse(self.row, f"{self.rules.ends_on} is not a date", "contract")
        return found if found is not None and found > self.as_of else None

    def _renewing(self, months: int) -> date | None:
        """The end of the term that runs on the day, counted from the row's start."""
        if not months or self.row.starts is None:
            return None
        return calendar.next_of(self.row.starts, months, "months", self.as_of)

    def _months(self) -> int:
        """How long a term is; 0 where nothing says it."""
        text = self.read(self.row, self.rules.months, "contract") if self.rules.months else ""
        length = int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else 0  # noqa: PLR2004 - 120 at most
        if text and not 1 <= length <= MOST_MONTHS:
            self.tables.refuse(self.row, f"the term is not a number of months from 1 to {MOST_MONTHS}", "contract")
            return 0
        return length

    def _auto(self, *, renews: bool) -> bool | None:
        """Whether it goes on by itself, as a cell says, or else as there is no end; None where nobody can tell."""
        text = self.read(self.row, self.rules.auto_renews, "contract") if self.rules.auto_renews else ""
        if text and text.lower() not in YES:
            self.tables.refuse(self.row, "whether the contract renews is neither yes nor no", "contract")
        return YES.get(text.lower(), True if renews else None)
