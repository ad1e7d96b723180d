"""Where commands say things: to whoever reads, and beside it what went wrong."""

import re
import shlex
import sys
from collections.abc import Iterable

from rich.console import Console

PIPED = 240
"""Columns of a table that goes to a file or another program, which must not cut it as a narrow terminal would."""
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def to_copy(words: Iterable[str]) -> str:
    """A command as it may be copied into a shell. A condition has single quotes, so it stands in double ones where
    nothing in it means more to the shell there.
    """
    return " ".join(
        f'"{word}"' if "'" in word and not re.search(r'["$`\\!]', word) else shlex.quote(word) for word in words
    )


def say(line: str) -> None:
    """One line as it is."""
    out.print(line, markup=False)
