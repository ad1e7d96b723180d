"""What a customer's page says besides what happened: facts and milestones with their times, the zones of reasons."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection

from activities import papers
from gateway.entitled import moves
from gateway.intake import Lifecycles
from gateway.refusals import RefusedError
from lifecycle import calendar, people
from lifecycle.playbook import Lifecycle, Manifest, Playbook
from store import releases
from store.checklists import standings
from store.database import now
from store.known import known, milestones
from store.pages import CustomerPage
from store.releases import ReleaseDigestError


class About:
    """Reads it; what a release writes about zones is kept, because a release never changes."""

    def __init__(self, lifecycles: Lifecycles) -> None:
        self._lifecycles = lifecycles
        self._written: dict[str, str] = {}
        self._papers: dict[str, tuple[str, ...]] = {}
        self._offered: dict[str, tuple[tuple[str, str], ...]] = {}

    def of(self, c: Connection, page: CustomerPage, used: Collection[str]) -> dict[str, Any]:
        """The values of the page's template. `used`: the releases whose reasons the page shows; `day`: of its journey,
        by the customer's own calendar; the signup's is 0.
        """
        life = self._lifecycle(c)
        found = known(c, page.customer, life)
        reached = milestones(life, page.customer, found) if life else ()
        profile = page.customer.profile
        today = calendar.local(page.customer.clock.virtual(now()), profile.zone).date()
        return {
            "facts": sorted(found.facts.items()),
            "units": {name: spec.unit for name, spec in life.facts.items()} if life else {},
            "reached": reached,
            "to_tick": [one for one in reached if life and life.milestones[one.name].ticked_by],
            "playbooks": self._playbooks(c),
            "papers": self._kinds(c),
            "lifecycle_risks": life.risks if life else {},
            "today": today,
            "stages": moves(life, page.customer),
            "course": life.course(profile.journey) if life else None,
            "day": (today - profile.signed_up_on).days,
            "phases": standings(c, life, page.customer, found) if life else (),
            "zones": {release: self._zone(c, page, life, release) for release in used},
        }

    def _lifecycle(self, c: Connection) -> Lifecycle | None:
        """The current one; None before playbooks are applied."""
        try:
            return self._lifecycles.current(c)[1]
        except RefusedError:
            return None

    def _playbooks(self, c: Connection) -> tuple[tuple[str, str], ...]:
        """Name and title of each current playbook, by title: what a person can start."""
        current = releases.current(c)
        if current is None:
            return ()
        if current not in self._offered:
            manifest = releases.load(c, current)
            books = (
                [releases.load(c, one) for one in manifest.playbooks.values()] if isinstance(manifest, Manifest) else []
            )
            named = ((book.name, book.title) for book in books if isinstance(book, Playbook))
            self._offered = {current: tuple(sorted(named, key=lambda one: one[1]))}
        return self._offered[current]

    def _kinds(self, c: Connection) -> tuple[str, ...]:
        """The kinds of documents that the current playbooks write."""
        current = releases.current(c) or ""
        if current not in self._papers:
            there = papers.shelf(c)
            self._papers = {current: there.kinds if there else ()}
        return self._papers[current]

    def _zone(self, c: Connection, page: CustomerPage, life: Lifecycle | None, release: str) -> str:
        """The zone in which a release's reasons tell times."""
        if release not in self._written:
            self._written[release] = _zone_of(c, release)
        return people.zone_of(self._written[release], page.customer.profile.zone, page.team, life)


def _zone_of(c: Connection, release: str) -> str:
    """The zone as a playbook writes it; the customer's for other releases, and for one that this build cannot read."""
    try:
        book = releases.load(c, release)
    except ReleaseDigestError:
        return "customer"
    return book.zone if isinstance(book, Playbook) else "customer"
