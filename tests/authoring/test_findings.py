"""Each way to be wrong in a file is one finding under its rule, at the right words."""

from pathlib import Path
from typing import Any

import pytest

from lifecycle.programmes import Programme

STANDARD = Path(__file__).parent / "standard/playbooks"

WRONG = [
    # lifecycle
    ("lifecycle", "title: A small journey", "titel: A small journey", "unknown-key", "titel"),
    ("lifecycle", "lifecycle: standard", "lifecycle: Standard Journey", "name", "Standard Journey"),
    ("lifecycle", "default_zone: Europe/Berlin", "default_zone: Berlin", "zone", "Berlin"),
    ("lifecycle", "stage: new,", "stage: fresh,", "value", "fresh"),
    ("lifecycle", "days: 0,", "days: none,", "range", "none"),
    ("lifecycle", "days: 1-14", "days: 14-1", "range", "14-1"),
    ("lifecycle", "days: 15+", "days: 1", "range", "stage"),
    ("lifecycle", "stage: adoption, owner: csm, ", "stage: adoption, ", "missing-key", "stage"),
    ("lifecycle", "stage: adoption,", "stage: onboarding,", "duplicate-name", "stage"),
    ("lifecycle", "done: access.given", "done: access.gven", "unknown-name", "access.gven"),
    ("lifecycle", "red: 40", "red: 70", "range", "70"),
    ("lifecycle", "red: 40", "orange: 40", "unknown-key", "orange"),
    ("lifecycle", "red: 40", "red: 140", "range", "140"),
    (
        "lifecycle",
        "when: setup.api_connected }",
        "when: milestones.first_value }",
        "expression",
        "milestones.first_value",
    ),
    (
        "lifecycle",
        "technical_setup: { title: Technical setup, when: setup.api_connected }",
        "technical_setup: { title: x }",
        "missing-key",
        "technical_setup",
    ),  # one line of the file
    (
        "lifecycle",
        "technical_setup: { title: Technical setup, when: setup.api_connected }",
        "technical_setup: yes",
        "value",
        "yes",
    ),  # one line of the file
    ("lifecycle", "technical_setup:", "Technical-Setup:", "name", "Technical-Setup"),
    ("lifecycle", "ticked_by: [csm]", "ticked_by: [cms]", "unknown-role", "cms"),
    (
        "lifecycle",
        "politeness: {",
        "risks: { price: { words: [a], play: no-such } }\npoliteness: {",
        "unknown-playbook",
        "no-such",
    ),
    ("lifecycle", "politeness: {", "risks: { price: { words: [a] } }\npoliteness: {", "missing-key", "words"),
    ("lifecycle", "politeness: {", "risks: { Price: { words: [a], play: hello } }\npoliteness: {", "name", "Price"),
    ("lifecycle", "politeness: {", "risks: { price: hello }\npoliteness: {", "value", "hello"),
    ("lifecycle", "politeness: {", "risks: price\npoliteness: {", "value", "price"),
    ("lifecycle", "politeness: {", "conditions: { Odd: access.given }\npoliteness: {", "name", "Odd"),
    ("lifecycle", "politeness: {", "conditions: { odd: [access.given] }\npoliteness: {", "value", "["),
    ("lifecycle", "politeness: {", "conditions: access.given\npoliteness: {", "value", "access.given"),
    ("lifecycle", "politeness: {", "conditions: { odd: access.gven }\npoliteness: {", "unknown-name", "access.gven"),
    (
        "lifecycle",
        "politeness: {",
        "conditions: { a: conditions.b, b: access.given }\npoliteness: {",
        "unknown-name",
        "conditions.b",
    ),
    ("lifecycle", "politeness: {", "support: { Team: { price: a, answer: b } }\npoliteness: {", "name", "Team"),
    ("lifecycle", "politeness: {", "support: { team: free }\npoliteness: {", "value", "free"),
    ("lifecycle", "politeness: {", "support: { team: { price: a } }\npoliteness: {", "missing-key", "price"),
    ("lifecycle", "politeness: {", "channels: email\npoliteness: {", "value", "email"),
    ("lifecycle", "politeness: {", "staffing: [me]\npoliteness: {", "value", "me"),
    ("lifecycle", "politeness: {", "staffing: [{ from: 5, who: me }]\npoliteness: {", "range", "5"),
    (
        "lifecycle",
        "politeness: {",
        "staffing: [{ from: 0, who: me }, { from: 0, who: you }]\npoliteness: {",
        "range",
        "0",
    ),
    (
        "lifecycle",
        "politeness: {",
        "programmes: { Board: { fact: access.given, target: 1 } }\npoliteness: {",
        "name",
        "Board",
    ),
    ("lifecycle", "politeness: {", "programmes: { board: 10 }\npoliteness: {", "value", "10"),
    ("lifecycle", "politeness: {", "programmes: { board: { target: 1 } }\npoliteness: {", "missing-key", "board"),
    (
        "lifecycle",
        "politeness: {",
        "programmes: { board: { fact: access.gven, target: 1 } }\npoliteness: {",
        "unknown-fact",
        "access.gven",
    ),
    (
        "lifecycle",
        "politeness: {",
        "programmes: { board: { event: api.conected, target: 1 } }\npoliteness: {",
        "unknown-event",
        "api.conected",
    ),
    (
        "lifecycle",
        "politeness: {",
        "programmes: { board: { fact: access.given, target: 12-8 } }\npoliteness: {",
        "range",
        "12-8",
    ),
    (
        "lifecycle",
        "politeness: {",
        "programmes: { board: { fact: access.given, target: many } }\npoliteness: {",
        "range",
        "many",
    ),
    (
        "lifecycle",
        "politeness: {",
        "programmes: { board: { fact: access.given } }\npoliteness: {",
        "missing-key",
        "fact",
    ),
    ("lifecycle", "per_day: 1", "per_day: 0", "range", "0"),
    ("lifecycle", "per_day: 1", "per_day: many", "value", "many"),
    ("lifecycle", "per_day: 1", "customer_per_day: 51", "range", "51"),
    ("lifecycle", "per_day: 1", "customer_per_week: 101", "range", "101"),
    ("lifecycle", "per_day: 1", "blackouts: [2026-12-40]", "time", "2026-12-40"),
    ("lifecycle", "per_day: 1", "blackouts: [2027-01-01 to 2026-12-24]", "range", "2027-01-01 to 2026-12-24"),
    ("lifecycle", 'quiet: "20:00-08:00"', 'quiet: "20:00"', "time", '"20:00"'),
    ("lifecycle", 'quiet: "20:00-08:00"', 'quiet: "20:00-20:00"', "time", '"20:00-20:00"'),
    ("lifecycle", "spread: 30 minutes", "spread: 2 days", "range", "2 days"),
    ("lifecycle", "stale_after: 3 business days", "stale_after: soon", "length", "soon"),
    ("lifecycle", "days: mon-fri", "days: mon-fry", "value", "mon-fry"),
    ("lifecycle", 'hours: "09:00-17:00"', 'hours: "17:00-09:00"', "time", '"17:00-09:00"'),
    ("lifecycle", "country: DE", "country: FR", "value", "FR"),
    ("lifecycle", "countries: [DE, US]", "countries: [DE, XX]", "value", "XX"),
    ("lifecycle", "countries: [DE, US]", "countries: [DE, DE]", "duplicate-name", "DE"),
    ("lifecycle", "countries: [DE, US]", "countries: []", "value", "countries"),
    ("lifecycle", "years: 2026", "years: 2026-2099", "range", "2026-2099"),
    ("lifecycle", "csm: [cs_manager, founder]", "csm: [cs_manger, founder]", "unknown-role", "cs_manger"),
    ("lifecycle", "support: [csm, founder]", "Support: [csm, founder]", "name", "Support"),
    ("lifecycle", "managers: [cs_manager, founder]", "managers: [boss]", "unknown-role", "boss"),
    (
        "lifecycle",
        "bands: { green: 80, yellow: 60, red: 40, critical: 0 }",
        "renewal: { assessment: 30, ebr: 90 }",
        "range",
        "90",
    ),  # one line of the file
    ("lifecycle", "politeness: {", "politeness: [{", "yaml", ""),
    # facts
    ("facts", "type: text", "type: words", "value", "words"),
    ("facts", "type: date, ", "", "missing-key", "title"),
    ("facts", "range: 0-100", "range: 100-0", "range", "100-0"),
    ("facts", "resolution: 0.05", "resolution: fine", "value", "fine"),
    ("facts", "plan.name:", "plan:", "name", "plan"),
    ("facts", "plan.name:", "customer.plan:", "name", "customer.plan"),
    ("facts", "plan.name: { type: text, choices: [free, paid], title: The plan }", "plan.name: text", "value", "text"),
    ("facts", "setup.api_connected: true", "setup.api_connected: 1", "type", "1"),
    ("facts", "setup.api_connected: true", "setup.api_connected: [true]", "value", "["),
    ("facts", "setup.api_connected: true", "usage.core_features: many", "type", "many"),
    ("facts", "feature.used:", "nps.answered:", "duplicate-name", "nps.answered"),
    ("facts", "facts:\n", "fact:\n", "unknown-key", "fact"),
    # team
    ("team", "email: mara@stageplay.example.com", "email: mara", "value", "mara"),
    ("team", "slack: U0MARA", "slack: mara", "value", "mara"),
    ("team", "id: ruth", "id: mara", "duplicate-name", "mara"),
    ("team", "zone: Europe/Berlin, roles: [csm]", "zone: Mars, roles: [csm]", "zone", "Mars"),
    ("team", "roles: [csm]", "roles: [cms]", "unknown-role", "cms"),
    ("team", "name: Mara, ", "", "missing-key", "id"),
    ("team", "people:", "people: nobody\nothers:", "unknown-key", "others"),
]


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "words"), WRONG, ids=[f"{n} {row[0]} {row[3]}" for n, row in enumerate(WRONG)]
)
def test_a_wrong_word_is_found_where_it_stands(
    judge: Any, file: str, old: str, new: str, rule: str, words: str
) -> None:
    text = (STANDARD / f"{file}.yaml").read_text(encoding="utf-8")
    assert old in text
    found = judge.compiled({f"playbooks/{file}.yaml": text.replace(old, new, 1)}).diagnostics
    first = next(item for item in found if item.rule == rule)
    place = first.place
    assert place.file == f"playbooks/{file}.yaml"
    assert place.source[place.column - 1 : place.column - 1 + place.width] == words or not words
    assert {item.place.file for item in found} <= {place.file, "playbooks/team.yaml", "playbooks/hello.yaml"}


WHOLE_FILES = [
    ("lifecycle.yaml", "lifecycle: tiny\n", ["missing-key", "missing-key"]),
    ("lifecycle.yaml", "lifecycle: tiny\nroles: [csm]\nstages: [new]\n", ["value", "value"]),
    ("lifecycle.yaml", "lifecycle: tiny\nroles: { csm: [] }\nstages: [{ owner: csm, days: 0 }]\n", ["missing-key"]),
    ("lifecycle.yaml", "lifecycle: tiny\nroles: { csm: [] }\nstages: [{ stage: new, owner: csm }]\n", ["missing-key"]),
    ("team.yaml", "people: [mara]\n", ["value"]),
    ("team.yaml", "people: []\n", []),
    ("facts.yaml", "facts: [usage.dau_wau]\nevents: {}\n", ["value"]),
    ("facts.yaml", "facts: { usage.dau_wau: number }\n", ["value"]),
]


@pytest.mark.parametrize(("name", "text", "rules"), WHOLE_FILES, ids=[str(n) for n in range(len(WHOLE_FILES))])
def test_a_file_that_lacks_what_it_is_for_is_told(judge: Any, name: str, text: str, rules: list[str]) -> None:
    found = judge.compiled({f"playbooks/{name}": text}).diagnostics
    assert [item.rule for item in found if item.place.file == f"playbooks/{name}"] == rules


def test_a_lifecycle_may_leave_out_what_has_a_default(judge: Any) -> None:
    tiny = "lifecycle: tiny\nroles: { csm: [], founder: [] }\nstages: [{ stage: onboarding, owner: csm, days: 0+ }]\n"
    text = "playbook: hello\ntitle: Hello\nowner: csm\ntrigger: { stage: onboarding }\nsteps:\n"
    steps = "  - id: look\n    slack: { to: csm, template: look }\n"
    compiled = judge.compiled({"playbooks/lifecycle.yaml": tiny, "playbooks/hello.yaml": text + steps})
    assert compiled.diagnostics == ()
    lifecycle = compiled.releases[compiled.catalogue.lifecycle]
    assert (lifecycle.title, lifecycle.default_zone, lifecycle.holidays) == ("tiny", "UTC", {})
    assert lifecycle.politeness.spread_minutes == 30


def test_without_a_catalogue_only_our_own_facts_are_known(judge: Any) -> None:
    compiled = judge.compiled(without=("playbooks/facts.yaml",))
    assert {item.rule for item in compiled.diagnostics} == {"unknown-name", "template-variable"}


@pytest.mark.parametrize("text", ["a:\n\t- b\n", "a: 1\n b: 2\n", "a: [1\n", "a: *b\n", "? [a]\n: b\n", "{a: b}: c\n"])
def test_text_that_is_no_yaml_is_one_finding_with_a_fix(judge: Any, text: str) -> None:
    found = judge.playbook(text)
    assert [item.rule for item in found] == ["yaml"]
    assert found[0].fix


def test_a_file_beyond_a_mebibyte_is_not_read(judge: Any) -> None:
    found = judge.compiled({"playbooks/big.yaml": "# x\n" * 300_000}).diagnostics
    assert [(item.place.file, item.rule) for item in found] == [("playbooks/big.yaml", "too-large")]


def test_aliases_that_nest_too_deep_are_a_finding(judge: Any) -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 40))
    assert [item.rule for item in judge.playbook(chain)] == ["too-deep"]


def test_the_risks_of_a_lifecycle_are_those_that_a_note_may_name(judge: Any) -> None:
    text = (STANDARD / "lifecycle.yaml").read_text(encoding="utf-8")
    price = "price: { title: The price, words: [Price, too dear], play: hello }"
    risks = f"risks: {{ {price}, odd: {{ words: odd, play: hello }} }}\n"
    compiled = judge.compiled({"playbooks/lifecycle.yaml": text.replace("politeness: {", risks + "politeness: {", 1)})
    found = compiled.releases[compiled.catalogue.lifecycle].risks
    assert {name: (risk.title, risk.words, risk.play) for name, risk in found.items()} == {
        "price": ("The price", ("price", "too dear"), "hello"),
        "odd": ("odd", ("odd",), "hello"),
    }


def test_a_shared_condition_stands_for_its_words(judge: Any) -> None:
    text = (STANDARD / "lifecycle.yaml").read_text(encoding="utf-8")
    more = "conditions: { in: access.given, out: not conditions.in }\n"
    book = """playbook: asks
title: Asks
owner: csm
trigger: { event: api.connected }
entry: %s
steps:
  - { id: a, task: { to: csm, title: A } }
"""
    names = {"lifecycle.yaml": text.replace("politeness: {", more + "politeness: {", 1)}

    def entry(words: str) -> Any:
        files = {f"playbooks/{name}": held for name, held in {**names, "asks.yaml": book % words}.items()}
        compiled = judge.compiled(files)
        assert compiled.diagnostics == ()
        return compiled.releases[compiled.catalogue.playbooks["asks"]].entry.tree

    assert entry("conditions.out and customer.arr > 1") == entry("not access.given and customer.arr > 1")


def test_who_answers_tickets_and_which_programmes_there_are_stands_in_the_lifecycle(judge: Any) -> None:
    text = (STANDARD / "lifecycle.yaml").read_text(encoding="utf-8")
    more = """staffing: [{ from: 0, who: me }, { from: 10, who: you }]
programmes:
  board: { title: The board, fact: access.given, target: 8-12, benefits: early access }
  calls: { event: api.connected, target: 4 }
"""
    compiled = judge.compiled({"playbooks/lifecycle.yaml": text.replace("politeness: {", more + "politeness: {", 1)})
    life = compiled.releases[compiled.catalogue.lifecycle]
    assert [(row.tickets, row.who) for row in life.staffing] == [(0, "me"), (10, "you")]
    assert life.programmes == {
        "board": Programme("The board", 8, 12, "access.given", "", "early access"),
        "calls": Programme("calls", 4, None, "", "api.connected"),
    }
