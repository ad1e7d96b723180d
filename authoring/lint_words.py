"""Facts and events that nothing asks for. Part of `authoring.lint`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

from authoring.diagnostics import Report
from authoring.source import Mapping as MappingNode
from authoring.source import Scalar, Source
from lifecycle.actions import Expr
from lifecycle.conditions import names_in
from lifecycle.health import HealthModel
from lifecycle.playbook import Lifecycle, Playbook

_OURS = ("nps.score", "health.score", "health.fell")


def unused_words(
    lifecycle: Lifecycle, books: list[Playbook | HealthModel], sources: Mapping[str, Source], report: Report
) -> None:
    """A finding for each fact that nothing reads, and for each event that nothing names and that sets no fact."""
    if "facts" not in sources:
        return
    found = [*leaves(lifecycle.courses), *leaves(lifecycle.checklists), *leaves(lifecycle.milestones), *leaves(books)]
    read = {name for item in found if isinstance(item, Expr) for name in names_in(item.tree)}
    derived = {spec.derived.source for spec in lifecycle.facts.values() if spec.derived}
    texts = {item for item in found if isinstance(item, str)} | derived
    read |= derived
    words = {word for text in texts for word in re.findall(r"[\w.]+", text)}
    shown = [item.value for item in _keys(sources["facts"], "facts") if _shown_only(sources["facts"], item.value)]
    for key in _keys(sources["facts"], "facts"):
        if key.value not in read and key.value not in words and key.value not in (*_OURS, *shown):
            what = f'nothing asks for the fact "{key.value}"'
            report.add("fact-unused", key.place, what, "use it in a condition or a text, or remove it.")
    for key in _keys(sources["facts"], "events"):
        if key.value not in texts and not lifecycle.events[key.value].sets:
            what = f'nothing comes of the event "{key.value}"'
            report.add("event-unused", key.place, what, "let it set a fact, start a play or end a wait, or remove it.")


def leaves(value: object) -> Iterator[Expr | str]:
    """Every condition and every text in a compiled value, whatever language it will once have."""
    match value:
        case Expr() | str():
            yield value
        case dict():
            for item in value.values():
                yield from leaves(item)
        case list() | tuple():
            for item in value:
                yield from leaves(item)
        case _ if is_dataclass(value):
            for field in fields(value):
                yield from leaves(getattr(value, field.name))
        case _:
            pass


def _shown_only(source: Source, name: str) -> bool:
    root = source.root
    group = root.entries.get("facts") if isinstance(root, MappingNode) else None
    spec = group.entries[name] if isinstance(group, MappingNode) else None
    flag = spec.entries.get("shown_only") if isinstance(spec, MappingNode) else None
    return isinstance(flag, Scalar) and flag.value.lower() in ("yes", "true")


def _keys(source: Source, group: str) -> list[Scalar]:
    """The names under `facts` or `events`."""
    root = source.root
    found = root.entries.get(group) if isinstance(root, MappingNode) else None
    return list(found.keys.values()) if isinstance(found, MappingNode) else []
