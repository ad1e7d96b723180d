"""How a command ends when it cannot go on: a family for each exit code, so that `main` knows them without loading any.

    Exception
    ├── FoundError    1: what people wrote has errors
    ├── MisuseError   2: the arguments, or where things are, must be changed
    └── FailedError   3: something that has to run does not; the message says what, why, and what to do

Settings and a database's address that cannot be used are exit code 2 as well; all else is our fault.
"""

from collections.abc import Sequence

from authoring.diagnostics import Diagnostic


class FoundError(Exception):
    """What people wrote has errors, `diagnostics`."""

    def __init__(self, diagnostics: Sequence[Diagnostic], said: str) -> None:
        self.diagnostics = diagnostics
        super().__init__(said)


class MisuseError(Exception):
    """What was asked for cannot be done so; the message says what to write."""


class FailedError(Exception):
    """Something that has to run does not; the message says what, why, and what to do."""
