"""What a mapping file says, read and checked: the files of an export, and what their columns mean to us.

`authoring.imports_mapping` reads it, `authoring.imports_tables` opens the files, `authoring.imports` makes accounts of
the rows. Every key is described in docs/import.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, get_args

from authoring.diagnostics import Place
from authoring.source import Scalar

KEEP, NOTHING = "keep", "nothing"
MOST_MONTHS = 120
_PARTS = {"dd": r"(?P<d>\d{1,2})", "mm": r"(?P<m>\d{1,2})", "yyyy": r"(?P<y>\d{4})"}

Measured = Literal["count", "sum", "average", "lowest", "highest", "latest", "distinct", "column"]
MEASURES: tuple[Measured, ...] = get_args(Measured)


@dataclass(frozen=True, slots=True)
class DateForm:
    """How dates are written, such as `dd-mm-yyyy`; what follows after a blank or a `T` (a time of day) is ignored."""

    written: str = "yyyy-mm-dd"

    def read(self, text: str) -> date | None:
        """The date, None where the text is none of the years 2000 to 2200."""
        pattern = re.escape(self.written)
        for part, group in _PARTS.items():
            pattern = pattern.replace(part, group)
        found = re.fullmatch(pattern, re.split(r"[ T]", text, maxsplit=1)[0], re.ASCII)
        if found is None or not 2000 <= int(found["y"]) <= 2200:  # noqa: PLR2004 - as the gateway's dates
            return None
        try:
            return date(int(found["y"]), int(found["m"]), int(found["d"]))
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV file. `account`: the column that names the account, or, with `through`, a row of that table by its `id`.

    `on`: the day of a row that happened; `starts`, `ends`: the days between which a row holds. Empty: none.
    """

    name: str
    path: str
    place: Place
    account: str
    through: str = ""
    id: str = ""
    on: str = ""
    starts: str = ""
    ends: str = ""
    dates: DateForm = DateForm()
    separator: str = ","
    encoding: str = "utf-8-sig"


@dataclass(frozen=True, slots=True)
class Cell:
    """What one cell means: a `column`, or for every row a `constant`. `values`: written to meant; `otherwise`: what any
    other is (None: a finding, `keep`: itself, `nothing`: as if empty, else this value).
    """

    column: str = ""
    constant: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = KEEP


Only = Mapping[str, tuple[str, ...]]
"""Column to the texts that count, each row having one of them in every column; an empty text is an empty cell."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A value that many rows make: `how` over `cell` of the rows of `table` that pass `only` and, with `within`, are at
    most so many days old.
    """

    table: str
    how: Measured
    cell: Cell
    only: Only = field(default_factory=dict)
    within: int | None = None


@dataclass(frozen=True, slots=True)
class People:
    """One contact a row."""

    table: str
    email: Cell
    name: Cell
    roles: Cell
    only: Only


@dataclass(frozen=True, slots=True)
class Contracts:
    """One contract a row. `ends_on`: a column; `months`: how long a term lasts; `auto_renews`: whether it goes on by
    itself.
    """

    table: str
    ends_on: str
    months: Cell | None
    only: Only
    auto_renews: Cell | None = None


@dataclass(frozen=True, slots=True)
class Later:
    """Rows that are an event, once they lie after the moment of the import: `churned`, `returned`, or one by name."""

    table: str
    event: str
    only: Only


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A mapping file read and checked. `name`: the source, part of the identity of what is imported.

    `columns`: every column named, with its table, for the check against the files.
    """

    name: str
    file: str
    as_of: date | None
    tables: Mapping[str, Table]
    columns: tuple[tuple[str, Scalar], ...]
    accounts: str
    cells: Mapping[str, Cell]
    arr: Measure | None
    only: Only
    people: tuple[People, ...]
    contracts: Contracts | None
    facts: Mapping[str, Measure]
    stage: Cell | None
    stage_by: str
    churned: tuple[Later, ...]
    came_back: bool
    events: tuple[Later, ...]
