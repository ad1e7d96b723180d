"""Where the core finds compiled releases. Who keeps them is the shell's business."""

from typing import Protocol

from lifecycle.playbook import Lifecycle, Manifest, Playbook


class ReleaseMissingError(LookupError):
    """A release that a state names is not at hand. The workflow task fails and is retried; whoever applies releases
    must commit it first.
    """

    def __init__(self, digest: str) -> None:
        super().__init__(f"release {digest} is in no cache and not in the database; commit it, then the task goes on")
        self.digest = digest


class Releases(Protocol):
    """Where compiled releases are looked up by digest; every method raises ReleaseMissingError."""

    def catalogue(self, digest: str) -> Manifest: ...
    def lifecycle(self, digest: str) -> Lifecycle: ...
    def playbook(self, digest: str) -> Playbook: ...
