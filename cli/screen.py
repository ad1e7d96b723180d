"""Where commands say things: to whoever reads, and beside it what went wrong."""

import sys

from rich.console import Console

PIPED = 240
"""Columns of a table that goes to a file or another program, which must not cut it as a narrow terminal would."""
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPED)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(line: str) -> None:
    """One line as it is."""
    out.print(line, markup=False)
