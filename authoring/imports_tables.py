"""Opens the CSV files that a mapping names: rows with their account and their days, and what is wrong with the others.

A file or a column that is not there is a finding in the mapping; a row that cannot be taken is a `Refused`, with its
line, and the others go on. Only the columns that the mapping names are kept.
"""

import csv
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from authoring.diagnostics import Report, near
from authoring.imports_form import ImportMapping, Only, Table

BROKEN = "holds a line break or another control character"
"""No mail could say such a text, and some databases could not keep it."""
_NO_COLUMN = "a column that is not there would be empty for every row, and nobody would notice."
_NO_FILE = "without it nothing that it holds would be imported, and nobody would notice."


def broken(text: str) -> bool:
    """Whether a cell is not one line of plain text."""
    return any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in text)


@dataclass(frozen=True, slots=True)
class Refused:
    """What could not be taken. `row`: the line in the file, 1 is its head. `part`: what was left out of an account that
    was taken; empty where the whole row was not.
    """

    file: str
    row: int
    account: str
    problem: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row. `cells`: column to text, trimmed. `on`, `starts`, `ends`: its days, as its file declares them."""

    file: str
    line: int
    account: str
    cells: Mapping[str, str]
    on: date | None = None
    starts: date | None = None
    ends: date | None = None

    def passes(self, only: Only) -> bool:
        """Whether the row is one of those that a section is made from."""
        return all(self.cells[column] in wanted for column, wanted in only.items())

    def holds(self, on: date) -> bool:
        """Whether a row that lasts lasts on a day; one that does not say since when always did."""
        return (self.starts is None or self.starts <= on) and (self.ends is None or self.ends > on)


@dataclass(slots=True)
class Tables:
    """The rows of every file, `rows`, and by account, `of`."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    by_account: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)

    def of(self, table: str, account: str) -> list[Row]:
        """The rows of an account, in the order of the file."""
        return self.by_account.get(table, {}).get(account, [])

    def refuse(self, row: Row, problem: str, part: str = "") -> None:
        """Note what of a row could not be taken."""
        self.refused.append(Refused(row.file, row.line, row.account, problem, part))


def load(mapping: ImportMapping, folder: Path, report: Report) -> Tables:
    """Read every file of a mapping; the accounts' rows have an account each, other rows one that is among them."""
    found = Tables()
    order = sorted(mapping.tables.values(), key=lambda table: (table.name != mapping.accounts, bool(table.through)))
    ids: dict[str, dict[str, str]] = {}
    for table in order:
        if table.through and mapping.tables[table.through].through:
            what = f'the file "{table.through}" finds its accounts through another file itself'
            report.add("value", table.place, what, "name a file that has the account's id.")
            continue
        known = None if table.name == mapping.accounts else found.by_account.get(mapping.accounts, {})
        reader = _Reader(mapping, table, folder, report, ids.get(table.through), known, found)
        found.rows[table.name] = list(reader.rows())
        ids[table.name] = reader.accounts
        grouped = found.by_account.setdefault(table.name, {})
        for row in found.rows[table.name]:
            grouped.setdefault(row.account, []).append(row)
    return found


class _Reader:
    """Reads one file. `accounts`: the account of each of its ids; `known`: those that the accounts' file has."""

    def __init__(
        self,
        mapping: ImportMapping,
        table: Table,
        folder: Path,
        report: Report,
        through: Mapping[str, str] | None,
        known: Mapping[str, object] | None,
        found: Tables,
    ) -> None:
        self.table, self.path, self.report = table, folder / table.path, report
        self.columns = [node for name, node in mapping.columns if name == table.name]
        self.through, self.known, self.found = through, known, found
        self.accounts: dict[str, str] = {}
        self.lines: dict[str, int] = {}

    def rows(self) -> Iterator[Row]:
        try:
            with self.path.open(newline="", encoding=self.table.encoding) as stream:
                reader = csv.reader(stream, delimiter=self.table.separator, strict=False)
                yield from self._rows(reader)
        except OSError as error:
            what = f'the file "{self.table.path[:60]}" cannot be read: {error.strerror}'
            self.report.add("file", self.table.place, what, "check its name and the folder of the data.", why=_NO_FILE)
        except UnicodeError:
            what = f'the file "{self.table.path[:60]}" is not {self.table.encoding.removesuffix("-sig")} text'
            self.report.add("file", self.table.place, what, "say its encoding: latin-1 or utf-16.", why=_NO_FILE)
        except csv.Error as error:
            what = f'the file "{self.table.path[:60]}" is not a CSV file: {error}'
            self.report.add("file", self.table.place, what, "export it again as CSV.", why=_NO_FILE)

    def _rows(self, reader: Iterator[list[str]]) -> Iterator[Row]:
        heads = [head.strip() for head in next(reader, [])]
        missing = [node for node in self.columns if node.value not in heads]
        for node in missing:
            what = f'"{self.table.path[:60]}" has no column "{node.value[:60]}"'
            self.report.add("unknown-name", node.place, what, near(node.value, heads), why=_NO_COLUMN)
        if missing:
            return
        places = {node.value: heads.index(node.value) for node in self.columns}
        for cells in reader:
            line: int = reader.line_num  # type: ignore[attr-defined]  # a csv reader; its type has no public name
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(heads):
                problem = f"has {len(cells)} cells, and the file's head has {len(heads)}"
                self.found.refused.append(Refused(self.table.path, line, "", problem))
                continue
            row = self._row(line, {column: cells[at].strip() for column, at in places.items()})
            if row is not None:
                yield row

    def _row(self, line: int, cells: dict[str, str]) -> Row | None:
        table = self.table
        named = cells[table.account]
        account = named if self.through is None else self.through.get(named, "")
        problem = self._unknown(named, account) or self._repeated(line, cells)
        days: dict[str, date | None] = {}
        for key in ("on", "starts", "ends"):
            column = getattr(table, key)
            text = cells[column] if column else ""
            days[key] = table.dates.read(text) if text else None
            if column and days[key] is None and (text or key == "on"):
                problem = problem or f"{column} is {'not a date as ' + table.dates.written if text else 'empty'}"
        if problem:
            self.found.refused.append(Refused(table.path, line, account, problem))
            return None
        if table.id:
            self.accounts[cells[table.id]] = account
        return Row(table.path, line, account, cells, **days)

    def _unknown(self, named: str, account: str) -> str:
        if not named:
            return f"{self.table.account} is empty, so nobody knows whose it is"
        if broken(named):
            return f"{self.table.account} {BROKEN}"
        if self.through is not None and not account:
            return f"no row of {self.table.through} that was taken has this {self.table.account}"
        return "no account that was taken has this id" if self.known is not None and account not in self.known else ""

    def _repeated(self, line: int, cells: Mapping[str, str]) -> str:
        """Each account stands once in the accounts' file, and each id once in its own."""
        column = self.table.account if self.known is None else self.table.id
        if not column:
            return ""
        first = self.lines.setdefault(cells[column], line)
        return "" if first == line else f"{column} is that of row {first} too"
