"""Which findings are about what somebody named: the texts that a playbook sends are its own, in whatever files, and a
lifecycle that has errors, or is missing, lets nobody say that nothing is wrong with a playbook. Nor does a file that
cannot be read, since what it declares may be what the playbook names.
"""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from authoring.diagnostics import Diagnostic, failed
from cli.testing import LIFECYCLE


def concerning(
    found: Sequence[Diagnostic],
    targets: Sequence[Path],
    playbooks: Sequence[Path],
    templates: Path,
    unreadable: Collection[Path],
) -> list[Diagnostic]:
    """Findings in the targets, and in the templates that these name; those that no playbook names may be anybody's, and
    so are errors of the lifecycle, of a folder itself, and of a file that cannot be read.

    Args:
        found: with paths as seen from here.
        targets: files and folders, absolute.
        playbooks: every file that may name a template, absolute.
        templates: their folder, absolute.
        unreadable: files of which nobody can say what they declare, absolute.
    """
    texts: dict[Path, str] = {}

    def naming(file: Path) -> list[Path]:
        texts.update({path: path.read_text("utf-8", "replace") for path in playbooks if path not in texts})
        word = "/".join(file.relative_to(templates).with_suffix("").parts[1:])
        wanted = re.compile(rf"(?<![\w/-]){re.escape(word)}(?![\w/-])")
        return [path for path, text in texts.items() if word and wanted.search(text)]

    def concerns(file: Path) -> bool:
        if _within(file, targets):
            return True
        named = naming(file) if file.is_relative_to(templates) else None
        return named is not None and (not named or any(_within(path, targets) for path in named))

    def everybodys(file: Path) -> bool:
        return file.name == LIFECYCLE or file in unreadable or any(target.is_relative_to(file) for target in targets)

    placed = [(item, Path(item.place.file).absolute()) for item in found]
    return [item for item, file in placed if concerns(file) or (failed([item]) and everybodys(file))]


def _within(file: Path, targets: Sequence[Path]) -> bool:
    return any(file.is_relative_to(target) for target in targets)
