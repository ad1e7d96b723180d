"""`stageplay simulate`: what one customer would get from one playbook, when, and why; nothing is sent, nothing stored.

The playbook is compiled with the lifecycle, facts and team beside it and played alone, as in a scenario.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from authoring.compile import Compiled, compile_folder
from authoring.diagnostics import Diagnostic, failed
from authoring.scenario_file import load_customer, load_events
from authoring.simulate import Library, simulate
from cli.live import STYLES
from lifecycle.playbook import Lifecycle, Manifest, Playbook, digest_of
from lifecycle.trace import Public

HORIZON = timedelta(days=90)
"""How long it goes on after the start and after the last event."""


class MisuseError(Exception):
    """The arguments do not name what can be simulated; the message says what to write."""


@dataclass(frozen=True)
class Asked:
    """The arguments. `start`: local in the customer's zone."""

    playbook: Path
    customer: Path
    start: datetime
    events: Path | None


def read_start(written: str) -> datetime:
    """A local date and time.

    Raises:
        MisuseError: it is none, or it has an offset.
    """
    try:
        start = datetime.fromisoformat(written)
    except ValueError:
        start = None
    if start is None or start.tzinfo:
        raise MisuseError(f'--start "{written}" is not a local date and time; write 2026-03-02T10:00')
    return start


def run(asked: Asked, templates: Path) -> tuple[list[Public], Sequence[Diagnostic]]:
    """The trace, empty where the findings hold an error.

    Raises:
        MisuseError: a file is absent, or the file is not a playbook.
    """
    for path in (asked.playbook, asked.customer, asked.events):
        if path is not None and not path.is_file():
            raise MisuseError(f"there is no file {path}")
    compiled = compile_folder(asked.playbook.parent, templates)
    if compiled.catalogue is None:
        return [], compiled.diagnostics
    book = _book(compiled, asked.playbook)
    lifecycle = compiled.releases[compiled.catalogue.lifecycle]
    if not isinstance(lifecycle, Lifecycle):
        raise TypeError("a manifest's lifecycle is a lifecycle")
    signup, found = load_customer(asked.customer.read_text(), str(asked.customer), asked.start, lifecycle)
    if signup is None:
        return [], found
    zone = signup.profile.zone
    text = asked.events.read_text() if asked.events else "[]"
    events, found = load_events(text, str(asked.events), asked.start, zone, [book], lifecycle)
    if failed(found):
        return [], found
    start = asked.start.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    alone = Manifest(compiled.catalogue.lifecycle, {book.name: digest_of(book)})
    library = Library({**compiled.releases, digest_of(alone): alone})
    until = max([start, *(at for at, _ in events)]) + HORIZON
    return simulate(library, digest_of(alone), signup, start, events, until).trace(library), found


def table(trace: Sequence[Public]) -> Table:
    """The trace for people: one line a decision, in the customer's local time."""
    found = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("when", "verdict", "what", "step", "to", "why", "where"):
        found.add_column(heading, no_wrap=heading != "why")
    for item in trace:
        when = f"{datetime.fromisoformat(item['at']):%a %d %b %Y %H:%M}"
        verdict = Text(item["verdict"], style=STYLES.get(item["verdict"], ""))
        found.add_row(when, verdict, item["kind"], item["step"], item["to"], item["reason"], item["place"])
    return found


def _book(compiled: Compiled, path: Path) -> Playbook:
    """The playbook that a file holds."""
    books = [release for release in compiled.releases.values() if isinstance(release, Playbook)]
    for book in books:
        if Path(book.file).name == path.name:
            return book
    names = ", ".join(sorted(book.name for book in books))
    raise MisuseError(f"{path} holds no playbook; its folder has {names}")
