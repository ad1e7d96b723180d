"""What only repeats that a file could not be read: names that stand in it are unknown wherever others use them.

Most names are declared in a file of their own, so one tab in a playbook would be told again in each file that asks
whether it runs, and those come first by name. What stands in the broken file is therefore called unknown by nobody,
until it can be read; a name that does not stand there is found in the same run, as ever.
"""

import re
from collections.abc import Iterable, Iterator

from authoring.diagnostics import Diagnostic
from authoring.source import Source

_WORD = re.compile(r"[\w.-]+")
_QUOTED = re.compile('"([^"]+)"')


def without_echoes(found: Iterable[Diagnostic], unreadable: Iterable[Source]) -> tuple[Diagnostic, ...]:
    """The findings, but for those about a name that stands in a file which could not be read."""
    lost = {word for source in unreadable for line in source.lines for word in _WORD.findall(line)}
    return tuple(item for item in found if not (_unknown(item) and any(name in lost for name in _names(item))))


def _unknown(item: Diagnostic) -> bool:
    """Whether a finding says that nothing has a name; a zone may be that of a role."""
    return item.rule.startswith("unknown-") or item.rule == "zone"


def _names(item: Diagnostic) -> Iterator[str]:
    """What the words that a finding quotes may be where they are declared: `playing.a_b` and `a-b/step` are `a-b`."""
    for words in _QUOTED.findall(item.what):
        yield from (words, words.partition("/")[0], words.rpartition(".")[2].replace("_", "-"))
