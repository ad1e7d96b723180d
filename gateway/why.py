"""Why a customer is in each playbook or not, and what its score is made of, for the customer's page: as `stageplay
explain` and `stageplay health` say it.
"""

from collections.abc import Mapping, Sequence
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
