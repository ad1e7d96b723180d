"""Reads mapping files: which CSV files hold accounts, contacts, contracts, facts, events, and what columns mean.

A mapping is to an export what a playbook is to a customer: written by the people who know it, and checked as strictly.
Columns are checked when the files are opened, by `authoring.imports_tables`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from authoring.diagnostics import Diagnostic, Place, Report, near
from authoring.fields import KEBAB, Fields, mapping, sequence
from authoring.grammar import keys
from authoring.grammar_imports import CAME_BACK, ENCODINGS, SEPARATORS, STAGE_BY
from authoring.imports_form import (
    KEEP,
    MEASURES,
    MOST_MONTHS,
    Cell,
    Contracts,
    DateForm,
    ImportMapping,
    Later,
    Measure,
    People,
    Table,
)
from authoring.namespace import CUSTOMER_ROLES
from authoring.source import Mapping as MappingNode
from authoring.source import Node, Scalar, Sequence, parse
from lifecycle.playbook import Lifecycle

TEXTS = ("tier", "journey", "touch", "zone", "country", "segment", "csm")
"""What an account's cell may say besides its id, name, signup date and revenue."""
_WITHIN = re.compile(r"([1-9][0-9]{0,4}) days?\Z")
_MANY_ROWS = tuple(how for how in MEASURES if how != "column")
_NO_NAME = "a name that stands nowhere else leads to no data."


def read_mapping(text: str, file: str, lifecycle: Lifecycle) -> tuple[ImportMapping | None, tuple[Diagnostic, ...]]:
    """Read a mapping against a lifecycle, whose stages, facts and events it may name; None when anything is wrong."""
    report = Report()
    root = mapping(parse(text, file, report).root, report, "the file", '"import: crm"')
    fields = Fields(root, keys("import"), "the mapping", report) if root else None
    found = _Reader(fields, file, lifecycle, report).read() if fields else None
    return (None if report.failed else found), report.sorted()


class _Reader:
    """Reads one mapping file."""

    def __init__(self, fields: Fields, file: str, lifecycle: Lifecycle, report: Report) -> None:
        self.fields, self.file, self.lifecycle, self.report = fields, file, lifecycle, report
        self.tables: dict[str, Table] = {}
        self.columns: list[tuple[str, Scalar]] = []

    def read(self) -> ImportMapping:
        fields = self.fields
        name = fields.name("import", KEBAB, '"import: crm", the name of the source')
        fields.text("title", "a title")
        as_of = fields.scalar("as_of", '"as_of: 2026-03-02"')
        self._tables()
        accounts = self._section("accounts", fields, "{ from: accounts, name: company }")
        table = self._table(accounts) if accounts else ""
        cells = self._cells(accounts, table) if accounts else {}
        stage, by = self._stage(table)
        churned, came_back = self._churned(table)
        found = ImportMapping(
            name,
            self.file,
            None if as_of is None else self._day(as_of),
            self.tables,
            (),
            table,
            cells,
            self._arr(accounts, table) if accounts else None,
            self._only(accounts, table) if accounts else {},
            tuple(self._people()) + tuple(self._roles(accounts, table) if accounts else ()),
            self._contracts(),
            dict(self._facts(table)),
            stage,
            by,
            churned,
            came_back,
            tuple(self._events()),
        )
        return replace(found, columns=tuple(self.columns))  # known only now that every section is read

    # --- files --------------------------------------------------------------------------------------------------------

    def _tables(self) -> None:
        example = "files: { accounts: { path: accounts.csv, account: id } }"
        if "files" not in self.fields:
            self.fields.missing("files", f'"{example}"')
        group = mapping(self.fields.get("files"), self.report, '"files"', example)
        named = dict(group.keys) if group else {}
        through: list[tuple[str, Scalar]] = []
        for name, key in named.items():
            node = mapping(group.entries[name] if group else None, self.report, f'"{name[:60]}"', example)
            if node is not None:
                fields = Fields(node, keys("import_file"), f'the file "{name[:60]}"', self.report)
                self.tables[name] = self._file(name, key.place, fields, through)
        for _, other in through:
            self._known(other, self.tables, "file")
            if other.value in self.tables and not self.tables[other.value].id:
                what = f'the file "{other.value[:60]}" has no "id" to be found by'
                self.report.add("missing-key", other.place, what, "add its id, such as id: subscription_id.")

    def _file(self, name: str, place: Place, fields: Fields, through: list[tuple[str, Scalar]]) -> Table:
        path = fields.scalar("path", '"path: accounts.csv"', required=True)
        if path is not None and (path.value.startswith("/") or ".." in path.value.split("/")):
            what = "the path leads out of the folder of the data"
            self.report.add("value", path.place, what, "name a file in that folder, such as accounts.csv.")
        account, other = self._account(name, fields)
        if other is not None:
            through.append((name, other))
        found = {
            key: self._column(name, fields.scalar(key, f"{key}: a_column")) for key in ("id", "on", "starts", "ends")
        }
        if "account" in fields and found["on"] and found["starts"]:
            what, fix = "a row that happened on a day does not hold between two", "keep on, or starts and ends."
            self.report.add("when", fields.key("starts"), what, fix)
        encoding = fields.choice("encoding", ENCODINGS, "utf-8")
        return Table(
            name,
            path.value if path else "",
            path.place if path else place,
            account,
            other.value if other else "",
            **found,
            dates=self._dates(fields) or self._dates(self.fields) or DateForm(),
            separator=SEPARATORS[fields.choice("separator", SEPARATORS, self._separator())],
            encoding="utf-8-sig" if encoding == "utf-8" else encoding,
        )

    def _separator(self) -> str:
        return self.fields.choice("separator", SEPARATORS, "comma")

    def _account(self, name: str, fields: Fields) -> tuple[str, Scalar | None]:
        """The column with the account's id; or a column, and the file in which a row with that id has the account."""
        node = fields.get("account")
        if isinstance(node, MappingNode) and len(node.entries) == 1:
            (column, other), key = next(iter(node.entries.items())), next(iter(node.keys.values()))
            single = fields.single(other, "account", "{ subscription_id: subscriptions }")
            return self._column(name, Scalar(column, key.kind, key.place)), single
        return self._column(name, fields.scalar("account", '"account: account_id"', required=True)), None

    def _dates(self, fields: Fields) -> DateForm | None:
        node = fields.scalar("dates", '"dates: dd-mm-yyyy"')
        if node is None:
            return None
        written = node.value.strip().lower()
        if sorted(re.findall(r"dd|mm|yyyy", written)) != ["dd", "mm", "yyyy"] or len(re.findall("[a-z]", written)) != 8:  # noqa: PLR2004 - dd, mm and yyyy
            what, fix = f'"{node.value[:40]}" is not how a date is written', 'write "dd-mm-yyyy" or "mm/dd/yyyy".'
            self.report.add("time", node.place, what, fix)
            return DateForm()
        return DateForm(written)

    def _day(self, node: Scalar) -> date | None:
        found = DateForm().read(node.value)
        if found is None:
            self.report.add("time", node.place, f'"{node.value[:40]}" is not a date', 'write "2026-03-02".')
        return found

    # --- parts of sections --------------------------------------------------------------------------------------------

    def _section(self, key: str, outer: Fields, example: str) -> Fields | None:
        if key not in outer and key == "accounts":
            outer.missing(key, f'"{key}: {example}"')
        node = mapping(outer.get(key), self.report, f'"{key}"', example)
        return Fields(node, keys(f"import_{key}"), f'"{key}"', self.report) if node else None

    def _listed(self, key: str, example: str) -> Iterator[Fields]:
        node = self.fields.get(key)
        items = (node,) if isinstance(node, MappingNode) else sequence(node, self.report, f'"{key}"', f"- {example}")
        for item in items:
            inner = mapping(item, self.report, f'"{key}"', example)
            if inner is not None:
                yield Fields(inner, keys(f"import_{key}"), f'"{key}"', self.report)

    def _table(self, fields: Fields, default: str = "") -> str:
        """The file that a section is made from; empty (with a finding) when there is none."""
        node = fields.scalar("from", '"from: accounts", a name of "files"', required=not default)
        if node is None:
            return default
        return node.value if self._known(node, self.tables, "file") else ""

    def _known(self, node: Scalar, known: Mapping[str, object], what: str) -> bool:
        if node.value not in known:
            text = f'no {what} is called "{node.value[:60]}"'
            self.report.add("unknown-name", node.place, text, near(node.value, known), why=_NO_NAME)
        return node.value in known

    def _column(self, table: str, node: Scalar | None) -> str:
        if node is None:
            return ""
        self.columns.append((table, node))
        return node.value

    def _cell(self, fields: Fields, key: str, table: str, example: str, *, required: bool = False) -> Cell | None:
        node = fields.get(key)
        if node is None:
            if required:
                fields.missing(key, f'"{key}: {example}"')
            return None
        return self._cell_of(fields, node, key, table, example)

    def _cell_of(self, fields: Fields, node: Node, key: str, table: str, example: str) -> Cell:
        if not isinstance(node, MappingNode):
            single = fields.single(node, key, example)
            return Cell(self._column(table, single))
        inner = Fields(node, keys("cell"), f'"{key}"', self.report)
        constant = inner.scalar("is", "is: standard")
        if constant is not None:
            return Cell(constant=constant.value)
        column = inner.scalar("column", f"column: {example}", required=True)
        values = self._values(inner)
        otherwise = inner.text("otherwise", "keep, nothing, or a value") or (None if values else KEEP)
        return Cell(self._column(table, column), "", values, otherwise)

    def _values(self, fields: Fields) -> dict[str, str]:
        group = mapping(fields.get("values"), self.report, '"values"', "{ Basic: team, Pro: pro }")
        found = {}
        for written, node in group.entries.items() if group else ():
            single = fields.single(node, "values", "{ Basic: team }")
            found[written.strip()] = single.value.strip() if single else ""
        return found

    def _only(self, fields: Fields, table: str) -> dict[str, tuple[str, ...]]:
        group = mapping(fields.get("only"), self.report, '"only"', '{ is_trial: "FALSE" }')
        found = {}
        for column, node in group.entries.items() if group else ():
            items = node.items if isinstance(node, Sequence) else (node,)
            self._column(table, group.keys[column] if group else None)
            found[column] = tuple(item.value.strip() for item in items if isinstance(item, Scalar))
        return found

    def _measure(self, fields: Fields, key: str, table: str) -> Measure | None:
        """A value made of many rows, or of one cell of the account's own row."""
        node = fields.get(key)
        if node is None:
            return None
        if not isinstance(node, MappingNode) or not {"from", *_MANY_ROWS} & set(node.entries):
            cell = self._cell_of(fields, node, key, table, "a_column")
            return Measure(table, "column", cell)
        inner = Fields(node, keys("measure"), f'"{key}"', self.report)
        source = self._table(inner, table)
        kinds = [how for how in _MANY_ROWS if how in inner]
        if len(kinds) != 1:
            what = f'"{key}" is measured in {len(kinds)} ways'
            self.report.add("one-action", node.place, what, f"keep one of: {', '.join(kinds or _MANY_ROWS)}.")
            return None
        how = kinds[0]
        column = inner.scalar(how, f"{how}: {'rows' if how == 'count' else 'a_column'}")
        if how == "latest":
            self._dated(inner, source)
        values = self._values(inner)
        otherwise = inner.text("otherwise", "keep, nothing, or a value") or (None if values else KEEP)
        cell = Cell("" if how == "count" else self._column(source, column), "", values, otherwise)
        return Measure(source, how, cell, self._only(inner, source), self._within(inner, source))

    def _within(self, fields: Fields, table: str) -> int | None:
        node = fields.scalar("within", '"within: 30 days"')
        if node is None:
            return None
        found = _WITHIN.match(node.value.strip())
        if found is None:
            what = f'"{node.value[:40]}" is not a number of days'
            self.report.add("length", node.place, what, 'write "30 days".')
        self._dated(fields, table)
        return int(found[1]) if found else None

    def _dated(self, fields: Fields, table: str) -> None:
        """What asks when a row happened needs a file that says it."""
        if table in self.tables and not self.tables[table].on:
            what = f'the file "{table}" does not say on which day a row happened'
            self.report.add("missing-key", fields.place("from"), what, 'add "on: its_date_column" to it below "files".')

    # --- sections -----------------------------------------------------------------------------------------------------

    def _cells(self, fields: Fields, table: str) -> dict[str, Cell]:
        found = {
            "name": self._cell(fields, "name", table, "company", required=True),
            "signed_up_on": self._cell(fields, "signed_up_on", table, "signup_date", required=True),
        }
        found |= {key: self._cell(fields, key, table, "a_column") for key in TEXTS}
        return {key: cell for key, cell in found.items() if cell is not None}

    def _arr(self, fields: Fields, table: str) -> Measure | None:
        return self._measure(fields, "arr", table)

    def _roles(self, fields: Fields, table: str) -> Iterator[People]:
        """A champion's address in the account's own row."""
        for role in CUSTOMER_ROLES:
            email = self._cell(fields, role, table, "champion_email")
            if email is not None:
                yield People(table, email, Cell(), Cell(constant=role), {})

    def _people(self) -> Iterator[People]:
        example = "{ from: contacts, email: email, name: name, roles: { is: champion } }"
        for fields in self._listed("contacts", example):
            table = self._table(fields)
            email = self._cell(fields, "email", table, "email", required=True) or Cell()
            name = self._cell(fields, "name", table, "name") or Cell()
            roles = self._cell(fields, "roles", table, "role") or Cell()
            for meant in _meanings(fields.get("roles")):
                if meant.value not in CUSTOMER_ROLES:
                    what = f'no role at the customer is called "{meant.value[:60]}"'
                    self.report.add("unknown-role", meant.place, what, near(meant.value, CUSTOMER_ROLES))
            yield People(table, email, name, roles, self._only(fields, table))

    def _contracts(self) -> Contracts | None:
        fields = self._section("contracts", self.fields, "{ from: contracts }")
        if fields is None:
            return None
        table = self._table(fields)
        known = self.tables.get(table)
        ends_on = self._column(table, fields.scalar("ends_on", "ends_on: a_column")) or (known.ends if known else "")
        months = self._cell(fields, "months", table, "{ is: 12 }")
        for meant in _meanings(fields.get("months")):
            fields.whole_of(meant, "months", 1, MOST_MONTHS, 1)
        if known is not None and not ends_on and (months is None or not known.starts):
            what = "nothing says when a contract ends"
            self.report.add("missing-key", fields.place("from"), what, 'add "ends_on:", or "months:" and a start.')
        auto = self._cell(fields, "auto_renews", table, "{ is: yes }")
        return Contracts(table, ends_on, months, self._only(fields, table), auto)

    def _facts(self, accounts: str) -> Iterator[tuple[str, Measure]]:
        group = mapping(self.fields.get("facts"), self.report, '"facts"', "{ users.licensed: seats }")
        fields = Fields(group, tuple(group.entries), '"facts"', self.report) if group else None
        for name, key in group.keys.items() if group else ():
            if name not in self.lifecycle.facts:
                what = f'no fact is called "{name[:60]}"'
                self.report.add("unknown-fact", key.place, what, near(name, self.lifecycle.facts))
            found = self._measure(fields, name, accounts) if fields else None
            if found is not None:
                yield name, found

    def _stage(self, table: str) -> tuple[Cell | None, str]:
        """A column that says the stage, and what decides where it says nothing."""
        node = self.fields.get("stage")
        if node is None:
            return None, STAGE_BY[0]
        if isinstance(node, MappingNode):
            inner = Fields(node, keys("import_stage"), '"stage"', self.report)
            by = inner.choice("by", STAGE_BY, STAGE_BY[0])
            if "column" not in inner:
                return None, by
            values = self._values(inner)
            self._stages(node)
            otherwise = inner.text("otherwise", "nothing") or (None if values else KEEP)
            column = self._column(table, inner.scalar("column", "column: stage"))
            return Cell(column, "", values, otherwise), by
        single = self.fields.single(node, "stage", "{ by: signup }")
        return Cell(self._column(table, single)), STAGE_BY[0]

    def _stages(self, node: MappingNode) -> None:
        known = self.lifecycle.stages_of()
        for meant in _meanings(node):
            if meant.value not in known:
                what = f'no stage is called "{meant.value[:60]}"'
                self.report.add("unknown-stage", meant.place, what, near(meant.value, known))

    def _churned(self, accounts: str) -> tuple[tuple[Later, ...], bool]:
        found, came_back = [], False
        for fields in self._listed("churned", "{ from: churn_events }"):
            came_back |= fields.choice("came_back", CAME_BACK, "never") != "never"
            table = self._table(fields)
            if table == accounts and "only" not in fields:
                fields.missing("only", 'which accounts have left, such as only: { churned: "TRUE" }')
            found.append(Later(table, "churned", self._only(fields, table)))
        return tuple(found), came_back

    def _events(self) -> Iterator[Later]:
        for fields in self._listed("events", "{ from: churn, event: customer.churned }"):
            table = self._table(fields)
            known = {"customer.churned", "customer.returned", *self.lifecycle.events}
            node = fields.scalar("event", "event: customer.churned", required=True)
            if node is not None and node.value not in known:
                what = f'no event is called "{node.value[:60]}"'
                self.report.add("unknown-event", node.place, what, near(node.value, known))
            self._dated(fields, table)
            yield Later(table, node.value if node else "", self._only(fields, table))


def _meanings(node: Node | None) -> Iterator[Scalar]:
    """What a cell's constant and its values mean, each at its place."""
    if isinstance(node, MappingNode):
        values = node.entries.get("values")
        meant = [node.entries.get("is"), *(values.entries.values() if isinstance(values, MappingNode) else ())]
        yield from (item for item in meant if isinstance(item, Scalar))
