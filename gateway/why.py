"""Where a customer stands, why it is in each playbook or not, what its score is made of, for its page: as `stageplay
explain` and `stageplay health` say it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from authoring.explain import Explained, as_of, explain
from authoring.scored import Scored, scored
from authoring.simulate import Library
from lifecycle.jsonform import FormError
from lifecycle.model import State, state_from_json
from lifecycle.playbook import Manifest, Release
from lifecycle.releases import ReleaseMissingError
from store import releases
from store.customers import Customer
from store.pages import CustomerPage
from store.releases import ReleaseDigestError


class Why:
    """Explains; releases are kept, because a release never changes."""

    def __init__(self) -> None:
        self._known: dict[str, Release] = {}

    def of(self, c: Connection, page: CustomerPage, raw: Mapping[str, Any], now: datetime) -> Sequence[Explained]:
        """Every playbook for a state as the workflow gave it; nothing where it cannot be read. `now`: customer time."""
        try:
            state = state_from_json(raw)
            library = self._library(c, state)
            past = sorted(page.decisions, key=lambda row: row.id)
            return explain(library, as_of(library, state, (), now), past)
        except (FormError, ReleaseMissingError, ReleaseDigestError):
            return ()

    def health(self, c: Connection, raw: Mapping[str, Any]) -> Scored | None:
        """The score of a state as the workflow gave it; None where it cannot be read."""
        try:
            state = state_from_json(raw)
            return scored(self._library(c, state), state)
        except (FormError, ReleaseMissingError, ReleaseDigestError):
            return None

    def _library(self, c: Connection, state: State) -> Library:
        found: dict[str, Release] = {}
        wanted = {state.catalogue, *(play.release for play in state.plays)}
        while wanted:
            digest = wanted.pop()
            release = self._known.get(digest) or releases.load(c, digest)
            if release is None:
                raise ReleaseMissingError(digest)
            found[digest] = self._known[digest] = release
            if isinstance(release, Manifest):
                wanted |= {release.lifecycle, *release.playbooks.values()} - found.keys()
        return Library(found)


@dataclass(frozen=True, slots=True)
class Stands:
    """Where a customer stands; `overdue`: its stage is."""

    stage: str
    band: str
    overdue: bool


def stands(customer: Customer, raw: Mapping[str, Any] | None) -> Stands:
    """As the workflow says now, since what sends nothing is stored within a day; as it was stored where the workflow
    cannot be asked, or what it says cannot be read.
    """
    try:
        state = state_from_json(raw) if raw else None
    except FormError:
        state = None
    if state is None:
        return Stands(customer.stage, customer.band, customer.overdue)
    return Stands(state.stage, state.band, customer.overdue and state.stage == customer.stage)
