"""What the lifecycle file lists for people: risks that a note may name, who answers tickets, programmes."""

import re
from itertools import pairwise

from authoring.catalogue import Catalogue
from authoring.diagnostics import Report, near
from authoring.fields import Fields, mapping, sequence
from authoring.grammar import keys
from authoring.source import Scalar
from lifecycle.programmes import Programme, Risk, Staffing, SupportPlan

_TARGET = re.compile(r" *([0-9]{1,6})(?: *- *([0-9]{1,6}))? *\Z")
_PROGRAMME = "references: { fact: advocacy.reference, target: 10 }"


def compile_risks(fields: Fields, playbooks: list[str] | None, report: Report) -> dict[str, Risk]:
    """Risks by name; the playbook that one suggests must be there."""
    example = "competitor: { words: [competitor], play: competitor-mentioned }"
    found: dict[str, Risk] = {}
    for key, node in fields.entries("risks", example):
        name, inner = key.value, mapping(node, report, f'"{key.value}"', example)
        if inner is None:
            continue
        item = Fields(inner, keys("risk"), f'the risk "{name}"', report)
        play = item.scalar("play", '"play: competitor-mentioned"', required=True)
        if play is not None and playbooks is not None and play.value not in playbooks:
            what = f'no playbook is called "{play.value[:60]}"'
            report.add("unknown-playbook", play.place, what, near(play.value, playbooks))
        words = tuple(word.value.lower() for word in item.words("words", "[competitor]", required=True))
        found[name] = Risk(item.text("title", "a title", default=name), words, play.value if play else "")
    return found


def compile_staffing(fields: Fields, report: Report) -> tuple[Staffing, ...]:
    """Who answers tickets, by ascending tickets a week; the first row is for few of them."""
    example = "- { from: 0, who: the founder }"
    found: list[Staffing] = []
    for item in sequence(fields.get("staffing"), report, '"staffing"', example):
        node = mapping(item, report, "a row", "{ from: 0, who: the founder }")
        if node is None:
            continue
        inner = Fields(node, keys("staffing"), "a row", report)
        row = Staffing(
            inner.whole("from", 0, 100_000, 0, required=True), inner.text("who", '"who: the founder"', required=True)
        )
        if not found and row.tickets:
            report.add("range", inner.place("from"), "nobody answers fewer tickets", 'begin with "from: 0".')
        found.append(row)
        if any(after.tickets <= before.tickets for before, after in pairwise(found[-2:])):
            report.add(
                "range",
                inner.place("from"),
                "this row is not for more tickets than the one before",
                "put the rows in order.",
            )
    return tuple(found)


def compile_support(fields: Fields, report: Report) -> dict[str, SupportPlan]:
    """What each tier or add-on is promised, by name."""
    example = 'team: { price: "$500", answer: 24 hours, channels: [email] }'
    found: dict[str, SupportPlan] = {}
    for key, node in fields.entries("support", example):
        name, inner = key.value, mapping(node, report, f'"{key.value}"', example)
        if inner is None:
            continue
        item = Fields(inner, keys("support_plan"), f'the plan "{name}"', report)
        found[name] = SupportPlan(
            item.text("title", "a title", default=name),
            item.text("price", '"$500"', required=True),
            item.text("answer", '"answer: 24 hours"', required=True),
            tuple(word.value for word in item.words("channels", "[email]")),
            item.text("gets", "what else they get"),
        )
    return found


def compile_channels(fields: Fields, report: Report) -> dict[str, str]:
    """How soon each channel answers, by its name."""
    group = mapping(fields.get("channels"), report, '"channels"', "chat: within an hour")
    inner = Fields(group, group.entries, '"channels"', report) if group else None
    return {name: inner.text(name, "within an hour") for name in group.entries} if group and inner else {}


def compile_programmes(fields: Fields, catalogue: Catalogue, report: Report) -> dict[str, Programme]:
    """Programmes by name, each counted by a fact or an event that the catalogue has."""
    found: dict[str, Programme] = {}
    for key, node in fields.entries("programmes", _PROGRAMME):
        name, inner = key.value, mapping(node, report, f'"{key.value}"', _PROGRAMME)
        if inner is None:
            continue
        item = Fields(inner, keys("programme"), f'the programme "{name}"', report)
        fact, event = (
            item.scalar("fact", '"fact: advocacy.reference"'),
            item.scalar("event", '"event: case_study.published"'),
        )
        if ("fact" in item) == ("event" in item):
            what = f'the programme "{name}" is counted by a fact or by an event'
            report.add("missing-key", key.place, what, 'write one of "fact" and "event".')
        for word, those, rule in ((fact, catalogue.facts, "unknown-fact"), (event, catalogue.events, "unknown-event")):
            if word is not None and word.value not in those:
                report.add(rule, word.place, f'nothing is called "{word.value[:60]}"', near(word.value, those))
        low, high = _target(item, report)
        title, benefits = item.text("title", "a title", default=name), item.text("benefits", "what they get")
        found[name] = Programme(title, low, high, fact.value if fact else "", event.value if event else "", benefits)
    return found


def _target(fields: Fields, report: Report) -> tuple[int, int | None]:
    """`10` or `8-12`."""
    node: Scalar | None = fields.scalar("target", '"target: 10"', required=True)
    found = _TARGET.match(node.value) if node else None
    low, high = (int(found[1]), int(found[2]) if found[2] else None) if found else (0, None)
    if node is not None and (found is None or (high is not None and high < low)):
        report.add("range", node.place, f'"{node.value[:40]}" is no target', 'write "10" or "8-12".')
    return low, high
