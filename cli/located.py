"""Where findings are, as an editor opens it from here: releases know a file from its folder on (`playbooks/team.yaml`),
whatever stands before that.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from authoring.diagnostics import Diagnostic


def from_here(path: Path) -> str:
    """A path from the current directory on, or as it is where it lies elsewhere."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def located(found: Sequence[Diagnostic], *folders: Path) -> tuple[Diagnostic, ...]:
    """Findings with paths that can be opened: from the current directory on, or whole where a file lies elsewhere.
    `folders`: those that were read; what is in none of them stays.
    """

    def path(file: str) -> str:
        there = (folder.absolute().parent / file for folder in folders if Path(file).parts[:1] == (folder.name,))
        return from_here(next((one for one in there if one.exists()), Path(file)))

    def related(place: str) -> str:
        file, _, rest = place.partition(":")
        return f"{path(file)}:{rest}" if rest else place

    return tuple(
        replace(item, place=replace(item.place, file=path(item.place.file)), related=related(item.related))
        for item in found
    )
