"""What is derived from what happens to a customer, on a virtual clock: the same windows as the gateway judges, told
with the events that move them, and in the mornings.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from lifecycle import calendar, facts, windows
from lifecycle.messages import Event, FactsReported
from lifecycle.model import Value
from lifecycle.playbook import Lifecycle
from lifecycle.windows import Days

Told = tuple[datetime, Event]


def with_windows(events: Iterable[Told], life: Lifecycle, zone: str, until: datetime) -> list[Told]:
    """What a customer's workflow hears of some events by `until`, in order: each with what is derived by it, and what
    time alone changes, each morning.
    """
    known = sorted(events, key=lambda item: item[0])
    if not any(windows.heard(event, life) for _, event in known):
        return known
    kept = _Kept(life, zone)
    found: list[Told] = []
    for at, event in known:
        found += kept.mornings(min(at, until))
        found.append((at, kept.take(event, at)))
    return [*found, *kept.mornings(until)]


class _Kept:
    """What is kept of one customer: the days of each source, what was told last, and when it is looked at next."""

    def __init__(self, life: Lifecycle, zone: str) -> None:
        self.life, self.zone = life, zone
        self.sums: dict[str, Days] = {}
        self.told: dict[str, Value] = {}
        self.look_at: datetime | None = None

    def take(self, event: Event, at: datetime) -> Event:
        """An event as the workflow hears it."""
        amounts, today = windows.heard(event, self.life), calendar.local(at, self.zone).date()
        for source, amount in amounts.items():
            self.sums[source] = windows.added(self.sums.get(source, {}), source, amount, today, today, self.life)
            self.look_at = windows.next_look(at, self.zone)
        event = windows.told(event, self._news({source: self.sums[source] for source in amounts}, at), self.life)
        self.told |= facts.learned(event, self.life)
        return event

    def mornings(self, until: datetime) -> Iterator[Told]:
        """What is news in the mornings up to an instant, that one included."""
        while self.look_at is not None and self.look_at <= until:
            at, today = self.look_at, calendar.local(self.look_at, self.zone).date()
            restless = windows.restless(self.sums, today, self.life)
            self.look_at = windows.next_look(at, self.zone) if restless else None
            found = self._news(self.sums, at)
            self.told |= found
            if found:
                yield at, FactsReported(found)

    def _news(self, sums: Mapping[str, Days], at: datetime) -> dict[str, Value]:
        return windows.news(sums, self.told, calendar.local(at, self.zone).date(), self.life)
