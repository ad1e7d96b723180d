"""What the terminal shows of a rehearsal: one line a decision as it happens, and below them where each customer stands.

Without a terminal there are only the lines. What is printed comes from the records, not from guesses of this process.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

STYLES = {
    "fired": "green",
    "waiting": "yellow",
    "held": "magenta",
    "skipped": "dim",
    "failed": "bold red",
    "cancelled": "dim",
}
SIGNS = {
    "email": "mail",
    "survey": "survey",
    "invite": "invite",
    "slack": "slack",
    "task": "task",
    "wait": "target",
    "approval": "asks",
    "answer": "answer",
    "play": "play",
    "stage": "stage",
    "phase": "phase",
    "band": "band",
}


@dataclass(frozen=True)
class Line:
    """One decision for people. `at`: the customer's local time; `to`: names, not ids."""

    at: datetime
    customer: str
    what: str
    step: str
    verdict: str
    to: str
    reason: str

    def text(self) -> Text:
        """The line in colour; printed to a file it is plain."""
        step = f"{self.step} to {self.to}" if self.to else self.step
        found = Text(f"{self.at:%a %d %b %H:%M}  ", style="dim")
        found.append(f"{self.customer:<20}", style="bold")
        found.append(f"{self.verdict:<9} ", style=STYLES.get(self.verdict, ""))
        found.append(f"{SIGNS.get(self.what, self.what):<7}")
        found.append(step, style="cyan" if self.verdict == "fired" else "")
        if self.reason:
            found.append(f"  {self.reason}", style="dim")
        return found


@dataclass(frozen=True)
class Standing:
    """Where a customer stands. `now`: its local time; `waits`: what waits for whom, or what is next."""

    customer: str
    plot: str
    now: datetime
    stage: str
    touches: int
    waits: Sequence[str]


class View(AbstractContextManager["View"]):
    """Prints lines; on a terminal keeps the standings below them."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._live = Live(console=out, refresh_per_second=8, transient=True) if out.is_terminal else None

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    @property
    def stands(self) -> bool:
        """Whether standings are drawn."""
        return self._live is not None

    def show(self, line: Line) -> None:
        """Print a line above the standings."""
        self._out.print(line.text(), soft_wrap=True)

    def stand(self, standings: Sequence[Standing]) -> None:
        """Draw the standings again."""
        if self._live:
            self._live.update(table(standings))


def table(standings: Sequence[Standing]) -> Table:
    """The standings as a table."""
    found = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for heading in ("customer", "simulated time", "stage", "touches", "waits for"):
        found.add_column(heading, no_wrap=heading != "waits for")
    for standing in standings:
        found.add_row(
            Text(standing.customer, style="bold"),
            f"{standing.now:%a %d %b %H:%M}",
            standing.stage,
            str(standing.touches),
            "\n".join(standing.waits[:3]) or "nothing",
        )
    return found
