"""Compiled releases inside a worker, by digest. Passed through the workflow sandbox on purpose.

That is safe because what a digest names never changes: the answer is the same on every replay, whatever cache it came
from. `worker.py` gives the loader once, at
start; a miss raises and fails the workflow task, not the workflow, so a customer waits for its release and loses
nothing.
"""

from collections.abc import Callable
from typing import TypeVar

from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release
from lifecycle.releases import ReleaseMissingError

Kind = TypeVar("Kind", Playbook, Lifecycle, Manifest)
Loader = Callable[[str], Release]

_loaders: list[Loader] = []


def use(loader: Loader) -> None:
    """Set where releases come from. It is synchronous, answers within a second, raises ReleaseMissingError."""
    _loaders[:] = [loader]


class Loaded:
    """The engine's view of the worker's releases."""

    @staticmethod
    def _get(digest: str, kind: type[Kind]) -> Kind:
        found = _loaders[0](digest) if _loaders else None
        if not isinstance(found, kind):
            raise ReleaseMissingError(digest)
        return found

    def catalogue(self, digest: str) -> Manifest:
        return self._get(digest, Manifest)

    def lifecycle(self, digest: str) -> Lifecycle:
        return self._get(digest, Lifecycle)

    def playbook(self, digest: str) -> Playbook:
        return self._get(digest, Playbook)
