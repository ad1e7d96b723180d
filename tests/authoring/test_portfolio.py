"""Portfolios: what an account says, what is wrong with it, and that what is written is read back."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from authoring.diagnostics import Report, render_text
from authoring.portfolio import Account, Guest, account_to_json, read_portfolio
from lifecycle.messages import ContactLeft, FactsReported, Happened, SurveyAnswered
from lifecycle.model import Contact, Contract
from lifecycle.playbook import Lifecycle

FULL = """{ id: acme, name: Acme, tier: pro, zone: Europe/Berlin, country: DE, arr: 12000, stage: adoption,
      signed_up_on: 2026-02-02, champion: Ada@acme.example.com, csm: Mara@stageplay.example.com,
      contacts: [{ email: ada@acme.example.com, name: Ada Ek, roles: [billing] }, { name: Bo, roles: [admin] }],
      contracts: [{ id: main, ends_on: 2027-02-01 }], facts: { usage.core_features: 3, usage.dau_wau: 0.5,
      setup.api_connected: true, plan.name: paid },
      events: [{ day: 2, at: "10:00", left: admin },
      { day: 1, at: "09:30", nps: 9 }, { day: 1, at: "12:00", left: billing }] }"""


def lines(path: Path, *accounts: Any) -> Path:
    path.write_text("".join(f"{json.dumps(item)}\n" for item in accounts), encoding="utf-8")
    return path


def read(path: Path, lifecycle: Lifecycle) -> tuple[list[Account], str]:
    report = Report()
    return list(read_portfolio(path, lifecycle, report)), render_text(report.sorted())


def test_an_account_says_who_where_since_when_and_what_is_known(theatre: Any) -> None:
    (account,) = theatre.accounts(" ".join(FULL.split()))

    assert account.signup.placed == "adoption"
    assert account.signup.profile.signed_up_on == date(2026, 2, 2)
    assert account.signup.contacts == (Contact("con-1", ("champion", "billing")), Contact("con-2", ("admin",)))
    assert account.guests == (
        Guest("ada@acme.example.com", "Ada Ek", ("champion", "billing")),
        Guest("", "Bo", ("admin",)),
    )
    assert account.signup.contracts == (Contract("main", date(2027, 2, 1)),)
    assert account.signup.facts == account.facts
    assert account.facts["usage.dau_wau"] == 0.5
    assert account.at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert account.csm == "mara@stageplay.example.com"


def test_events_name_people_by_role_and_come_in_order(theatre: Any) -> None:
    (account,) = theatre.accounts(" ".join(FULL.split()))

    assert [event for _, event in account.events] == [
        SurveyAnswered("nps", "con-1", 9),
        ContactLeft("con-1"),
        ContactLeft("con-2"),
    ]


def test_what_is_written_is_read_back(theatre: Any, tmp_path: Path) -> None:
    accounts = theatre.accounts(
        " ".join(FULL.split()),
        "{ id: beta, name: Beta, signed_up_on: 2026-03-09, events: [{ day: 1, at: '10:00', "
        "facts: { usage.dau_wau: 0.2, usage.core_features: 2, setup.api_connected: false, plan.name: free } }] }",
    )
    again, said = read(lines(tmp_path / "again.jsonl", *map(account_to_json, accounts)), theatre.lifecycle)

    assert not said
    assert again == accounts
    assert isinstance(again[1].events[0][1], FactsReported)


def test_a_new_customer_begins_on_the_morning_of_the_signup(theatre: Any) -> None:
    dated, today = theatre.accounts("{ id: a, name: A, signed_up_on: 2026-03-09 }", "{ id: b, name: B }")

    assert dated.at == datetime(2026, 3, 9, 8, tzinfo=UTC)
    assert today.at == datetime(2026, 3, 2, 8, tzinfo=UTC)
    assert today.signup.profile.signed_up_on == date(2026, 3, 2)


def test_an_instant_with_an_offset_is_taken_as_it_is(theatre: Any) -> None:
    (account,) = theatre.accounts("{ id: a, name: A, as_of: '2026-03-02T01:00:00-05:00' }")

    assert account.at == datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "rule", "what"),
    [
        ("{ name: A }", "missing-key", 'an account has no "id"'),
        ("{ id: a }", "missing-key", 'no "name"'),
        ("{ id: a, name: A, stage: onbording }", "unknown-stage", 'no stage is called "onbording"'),
        ("{ id: a, name: A, stage: onboarding, signed_up_on: 2026-04-01 }", "range", "signed up after the moment"),
        ("{ id: a, name: A, signed_up_on: yesterday }", "time", '"yesterday" is not a date'),
        ("{ id: a, name: A, as_of: soon }", "time", '"soon" is not a date and time'),
        ("{ id: a, name: A, contacts: [{ roles: [boss] }] }", "unknown-role", 'is called "boss"'),
        ("{ id: a, name: A, contacts: [ada] }", "value", "a contact is"),
        ("{ id: a, name: A, champion: ada }", "value", "this is not an email address"),
        ("{ id: a, name: A, contracts: [{ id: m, ends_on: never }] }", "time", '"never" is not a date'),
        ("{ id: a, name: A, contracts: [main] }", "value", "a contract is"),
        (
            "{ id: a, name: A, contracts: [{ id: m, ends_on: 2026-04-01 }, { id: m, ends_on: 2026-05-01 }] }",
            "duplicate-name",
            "two contracts have this id",
        ),
        ("{ id: a, name: A, facts: { usage.dau_wua: 1 } }", "unknown-fact", 'no fact is called "usage.dau_wua"'),
        ("{ id: a, name: A, facts: { usage.dau_wau: often } }", "type", '"usage.dau_wau" is a number'),
        ("{ id: a, name: A, facts: { usage.dau_wau: 40 } }", "range", "usage.dau_wau is at most 1, not 40"),
        ("{ id: a, name: A, facts: { plan.name: golden } }", "value", "plan.name is one of free, paid, not 'golden'"),
        ("{ id: a, name: A, facts: { contract.ends_on: soon } }", "time", '"contract.ends_on" is a date, not "soon"'),
        ("{ id: a, name: A, events: [{ at: '2026-03-01T09:00Z', told: { kind: returned } }] }", "time", "before"),
        ("{ id: a, name: A, events: [{ at: '2026-03-03T09:00Z', told: { kind: sang } }] }", "value", "no event of"),
        ("{ id: a, name: A, events: [{ at: soon, told: { kind: returned } }] }", "time", "not a date and time"),
        (f"{{ id: {'a' * 121}, name: A }}", "range", "at most 120 characters"),
        ("acme", "value", "an account is"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_account_is_said_and_the_account_left_out(
    theatre: Any, line: str, rule: str, what: str
) -> None:
    found = theatre.accounts(line, "{ id: fine, name: Fine }")

    assert [item.id for item in found] == ["fine"]
    (finding,) = theatre.report.sorted()
    assert (finding.rule, what in finding.what) == (rule, True), finding.what


@pytest.mark.parametrize(("written", "known"), [("yes", True), ("No", False), ("true", True), ("false", False)])
def test_a_claim_is_yes_or_no(theatre: Any, written: str, known: bool) -> None:
    (account,) = theatre.accounts(f"{{ id: a, name: A, facts: {{ setup.api_connected: {written} }} }}")

    assert not theatre.report.sorted()
    assert list(account.facts.values()) == [known]


def test_what_is_no_claim_is_told_how_one_is_written(theatre: Any) -> None:
    theatre.accounts("{ id: a, name: A, facts: { setup.api_connected: maybe } }")

    assert [item.fix for item in theatre.report.sorted()] == ["write yes or no."]


def test_an_id_that_stands_twice_points_at_the_first(theatre: Any) -> None:
    found = theatre.accounts("{ id: a, name: A }", "{ id: a, name: B }")

    assert [item.name for item in found] == ["A"]
    assert theatre.report.sorted()[0].related == "portfolio.yaml:3:7"


def test_a_placed_customer_needs_the_moment_at_which_it_stood_there(lifecycle: Lifecycle, tmp_path: Path) -> None:
    found, said = read(lines(tmp_path / "p.jsonl", {"id": "a", "name": "A", "stage": "adoption"}), lifecycle)

    assert not found
    assert 'an account has no "as_of"' in said


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("accounts: { a: b }\n", '"accounts" is a mapping'),
        ("as_of: 2026-03-02T09:00\n", 'the portfolio has no "accounts"'),
        ("- a\n", "the file is a list"),
    ],
)
def test_a_file_that_holds_no_accounts_says_so(lifecycle: Lifecycle, tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text)

    assert what in read(path, lifecycle)[1]


def test_a_file_that_is_no_portfolio_is_a_finding(lifecycle: Lifecycle, tmp_path: Path) -> None:
    assert "cannot be read" in read(tmp_path / "none.jsonl", lifecycle)[1]
    assert "cannot be read" in read(tmp_path / "none.yaml", lifecycle)[1]
    assert "neither .jsonl nor .yaml" in read(tmp_path / "none.csv", lifecycle)[1]


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"{", "is not JSON that can be read"),
        (b'{"id": "a", "id": "b"}', "a key stands twice in one object"),
        (b'{"id": NaN}', "NaN is no number"),
        (b'"acme"', 'an account is "acme", not a mapping'),
        (b'{"id": "\xff"}', "nested too deep, or not UTF-8"),
        (b"[" * 40 + b"]" * 40, "nested too deep"),
        (b"[" * 100_000, "is not JSON that can be read"),
        (b'{"id": "' + b"a" * 1_100_000 + b'"}', "is a line larger than 1 MiB"),
    ],
    ids=["cut", "twice", "nan", "text", "bytes", "deep", "deeper", "large"],
)
def test_a_line_that_cannot_be_read_is_one_finding_at_its_line(
    lifecycle: Lifecycle, tmp_path: Path, raw: bytes, what: str
) -> None:
    path = tmp_path / "p.jsonl"
    path.write_bytes(b'{"id": "fine", "name": "Fine", "signed_up_on": "2026-03-02"}\n\n' + raw + b"\n")
    found, said = read(path, lifecycle)

    assert [item.id for item in found] == ["fine"]
    assert what in said
    assert "p.jsonl:3:1: error" in said


def test_lines_say_every_kind_of_value(lifecycle: Lifecycle, tmp_path: Path) -> None:
    facts = {"usage.dau_wau": 0.25, "usage.core_features": 4, "setup.api_connected": True, "plan.name": "paid"}
    account = {"id": 7, "name": "Seven", "signed_up_on": "2026-03-02", "facts": facts}
    (found,), said = read(lines(tmp_path / "p.jsonl", account), lifecycle)

    assert not said
    assert (found.id, found.facts) == ("7", facts)


def test_a_value_that_is_empty_is_a_finding(lifecycle: Lifecycle, tmp_path: Path) -> None:
    path = lines(tmp_path / "p.jsonl", {"id": None, "name": "A", "signed_up_on": "2026-03-02"})

    assert '"id" is empty' in read(path, lifecycle)[1]


def test_an_event_of_the_core_survives_with_every_kind_of_value(lifecycle: Lifecycle, tmp_path: Path) -> None:
    facts = {"usage.dau_wau": 0.5, "usage.core_features": 2, "setup.api_connected": True, "plan.name": None}
    told = {"kind": "happened", "name": "api.connected", "facts": facts}
    account = {"id": "a", "name": "A", "as_of": "2026-03-02T09:00:00Z"}
    event = {"at": "2026-03-03T09:00:00Z", "told": told}
    (found,), said = read(lines(tmp_path / "p.jsonl", {**account, "events": [event]}), lifecycle)

    assert not said
    assert found.events == ((datetime(2026, 3, 3, 9, tzinfo=UTC), Happened("api.connected", dict(facts))),)


def test_an_event_of_the_core_that_holds_a_list_is_no_event(lifecycle: Lifecycle, tmp_path: Path) -> None:
    account = {"id": "a", "name": "A", "as_of": "2026-03-02T09:00:00Z"}
    event = {"at": "2026-03-03T09:00:00Z", "told": {"kind": "contact_left", "contact": ["con-1"]}}
    found, said = read(lines(tmp_path / "p.jsonl", {**account, "events": [event]}), lifecycle)

    assert not found
    assert "is no event of this version" in said
