"""Imports: what a mapping says, and where the accounts that it makes then stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from authoring.imports import MOST_CONTACTS
from authoring.imports_contracts import MOST_CONTRACTS
from authoring.portfolio import Guest
from lifecycle.messages import Churned, Happened, Returned
from lifecycle.model import Contract
from lifecycle.playbook import Lifecycle
from tests.fakes import export
from tests.fakes.export import SMALL
from tests.fakes.imported import TEAM, placed, problems, taken

LIST, FILES = export.mappings()


# --- the documented mappings ------------------------------------------------------------------------------------------


def test_an_export_of_several_files_becomes_accounts_that_stand_in_their_stages(
    folder: Path, shipped: Lifecycle
) -> None:
    assert placed(FILES, folder, shipped) == {
        "A-new": "new",
        "A-onb": "onboarding",
        "A-ado": "adoption",
        "A-val": "value",
        "A-flag": "churned",
        "A-gone": "churned",
        "A-back": "expansion",
    }


def test_parallel_subscriptions_are_a_contract_each(folder: Path, shipped: Lifecycle) -> None:
    accounts = taken(FILES, folder, shipped)[1]

    assert accounts["A-ado"].signup.contracts == (
        Contract("S-1", date(2025, 2, 28), starts_on=date(2024, 2, 29), auto_renews=True),
        Contract("S-2", date(2025, 5, 20), starts_on=date(2024, 5, 21)),
    )
    assert accounts["A-new"].signup.contracts == ()
    assert accounts["A-ado"].signup.profile.arr == 1920


def test_facts_are_made_of_the_rows_that_count(folder: Path, shipped: Lifecycle) -> None:
    accounts = taken(FILES, folder, shipped)[1]

    expected = {"users.licensed": 17, "usage.core_features": 2, "support.tickets_30d": 2}
    assert accounts["A-ado"].facts == accounts["A-ado"].signup.facts == expected
    assert accounts["A-flag"].facts == {"users.licensed": 0, "usage.core_features": 0, "support.tickets_30d": 0}


def test_a_profile_says_what_the_columns_mean(folder: Path, shipped: Lifecycle) -> None:
    account = taken(FILES, folder, shipped)[1]["A-flag"]
    profile = account.signup.profile

    assert (profile.tier, profile.touch, profile.country, profile.zone) == ("enterprise", "high", "IN", "Asia/Kolkata")
    assert (account.name, profile.segment, profile.signed_up_on) == ("Fjord AS", "cybersecurity", date(2023, 2, 1))
    assert account.at == datetime(2024, 12, 30, 18, 30, tzinfo=UTC)


def test_what_every_account_still_needs_is_listed(folder: Path, shipped: Lifecycle) -> None:
    found, accounts = taken(FILES, folder, shipped)

    assert found.needs["email"] == found.needs["csm"] == tuple(accounts)
    assert found.needs["zone"] == ("A-ado",)
    assert found.needs["contract end"] == ("A-new", "A-onb", "A-val", "A-flag")


def test_every_row_that_cannot_be_taken_is_reported_with_its_line(folder: Path, shipped: Lifecycle) -> None:
    found, _ = taken(FILES, folder, shipped)
    no_day = "has no signup date that can be read, or one after the day of the import"
    unknown = 'plan_tier has a value that the mapping\'s "values" do not name'

    assert problems(found) == [
        ("accounts.csv", 9, "account_id is that of row 3 too", ""),
        ("accounts.csv", 13, "account_id is empty, so nobody knows whose it is", ""),
        ("accounts.csv", 14, "has 2 cells, and the file's head has 10", ""),
        *problems(found)[3:9],
        ("accounts.csv", 5, unknown, "tier"),
        ("accounts.csv", 5, unknown, "touch"),
        ("accounts.csv", 10, no_day, ""),
        ("accounts.csv", 11, no_day, ""),
        ("accounts.csv", 12, "has no name", ""),
    ]
    assert sorted(problems(found)[3:9]) == [
        ("feature_usage.csv", 5, "usage_id is that of row 2 too", ""),
        ("feature_usage.csv", 6, "no row of subscriptions that was taken has this subscription_id", ""),
        ("subscriptions.csv", 9, "no account that was taken has this id", ""),
        ("subscriptions.csv", 10, "subscription_id is that of row 3 too", ""),
        ("subscriptions.csv", 11, "start_date is not a date as dd-mm-yyyy", ""),
        ("supports_ticket.csv", 5, "submitted_at is empty", ""),
    ]
    assert {item.account for item in found.refused if item.row == 5 and item.part} == {"A-val"}


def test_an_account_stands_in_a_stage_of_its_journey(folder: Path, shipped: Lifecycle) -> None:
    text = LIST.replace("  tier: {", "  journey: { is: 90 Day }\n  tier: {")
    _, accounts = taken(text, folder, shipped)
    assert {account.signup.profile.journey for account in accounts.values()} == {"90-day"}
    assert accounts["1"].signup.placed == "onboarding"


def test_a_journey_that_nobody_has_is_refused_with_those_that_there_are(folder: Path, shipped: Lifecycle) -> None:
    found, accounts = taken(LIST.replace("  tier: {", "  journey: { column: plan }\n  tier: {"), folder, shipped)
    said = [item.problem for item in found.refused if item.part == "journey"]
    assert said == ["plan is not a journey; there are standard, 30-90-day, 90-day, self-serve"] * 3
    assert accounts["1"].signup.profile.journey == "standard"


def test_rows_after_the_day_count_for_nothing_but_are_the_future(folder: Path, shipped: Lifecycle) -> None:
    found, accounts = taken(FILES, folder, shipped)

    assert found.later == 2
    assert accounts["A-onb"].events == ((datetime(2025, 1, 20, 11, tzinfo=UTC), Churned("as the export says")),)
    assert placed(FILES, folder, shipped, date(2025, 2, 1))["A-onb"] == "churned"


def test_an_import_can_be_made_again_with_the_same_result(folder: Path, shipped: Lifecycle) -> None:
    assert taken(FILES, folder, shipped) == taken(FILES, folder, shipped)


def test_a_plain_list_needs_only_a_mapping(folder: Path, shipped: Lifecycle) -> None:
    found, accounts = taken(LIST, folder, shipped)
    acme, bolt, curl = accounts.values()

    assert acme.guests == (Guest("ada@acme.example.com", "", ("champion",)),)
    assert acme.signup.contacts[0].roles == ("champion",)
    assert (acme.csm, acme.signup.profile.arr, acme.facts) == (
        TEAM[0], 1200, {"users.licensed": 12, "health.score": 85},
    )  # fmt: skip
    assert acme.signup.contracts == (Contract("main", date(2025, 3, 1)),)
    assert (bolt.signup.contracts, bolt.guests, bolt.facts) == ((), (), {})
    assert [item.signup.profile.tier for item in (acme, bolt, curl)] == ["team", "pro", "enterprise"]
    assert [item.signup.placed for item in (acme, bolt, curl)] == ["onboarding", "churned", "adoption"]
    assert found.needs == {
        "email": ("2", "3"), "zone": ("2", "3"), "csm": ("2", "3"), "contract end": ("2", "3"),
    }  # fmt: skip
    assert [(item.row, item.problem) for item in found.refused] == [
        (3, "timezone is not a time zone"),
        (3, "country is not a country code"),
        (3, "the revenue is not a number from 0 on"),
        (3, "contact_email is not an email address"),
        (3, "the value is not a number that the fact can have"),
        (3, "the value is not a number that the fact can have"),
        (4, "contract_end is not a date"),
        (4, "csm_email is not an email address"),
    ]


# --- more that a mapping can say --------------------------------------------------------------------------------------


def test_no_account_has_more_people_or_contracts_than_a_state_can_hold(small: Path, shipped: Lifecycle) -> None:
    rows = "".join(f"{n},a,2024-12-01,1,yes,p{n}@acme.example.com,admin,2025-06-01\n" for n in range(MOST_CONTACTS + 1))
    (small / "more.csv").write_text(f"key,id,day,score,word,mail,role,until\n{rows}")
    text = f"{SMALL}contacts: {{ from: more, email: mail }}\ncontracts: {{ from: more, ends_on: until }}\n"
    found, accounts = taken(text, small, shipped)

    assert len(accounts["a"].guests) == MOST_CONTACTS
    assert len(accounts["a"].signup.contracts) == MOST_CONTRACTS
    assert len(found.refused) == 1 + MOST_CONTACTS + 1 - MOST_CONTRACTS


def test_contracts_without_ids_are_numbered(small: Path, shipped: Lifecycle) -> None:
    text = SMALL.replace(", id: key", "") + "contracts: { from: more, ends_on: until, only: { word: ['yes', 'no'] } }\n"

    found = taken(text, small, shipped)[1]["a"].signup.contracts

    assert found == (Contract("main", date(2025, 6, 1)), Contract("main-2", date(2025, 7, 1)))


@pytest.mark.parametrize(
    ("months", "expected"),
    [
        ("{ is: 1 }", date(2025, 1, 31)),
        ("{ is: 12 }", date(2025, 8, 31)),
        ("{ column: word, values: { yes: 6 } }", date(2025, 2, 28)),
        ("{ column: word, otherwise: nothing }", None),
        ("score", date(2025, 3, 31)),
        ("word", None),
    ],
)
def test_a_term_renews_until_it_ends_after_the_day(
    small: Path, shipped: Lifecycle, months: str, expected: date | None
) -> None:
    (small / "more.csv").write_text("key,id,day,score,word\n1,a,2024-08-31,7,yes\n2,b,,7,yes\n")
    text = SMALL.replace("on: day", "starts: day") + f"contracts: {{ from: more, months: {months} }}\n"

    accounts = taken(text, small, shipped)[1]

    assert [item.ends_on for item in accounts["a"].signup.contracts] == ([expected] if expected else [])
    assert accounts["b"].signup.contracts == ()


@pytest.mark.parametrize(
    ("columns", "term"),
    [
        pytest.param("months: { is: 1 }", (date(2025, 1, 1), date(2025, 1, 31), 31, True), id="monthly"),
        pytest.param("months: { is: 12 }", (date(2024, 9, 1), date(2025, 8, 31), 365, True), id="yearly"),
        pytest.param(
            "months: { is: 1 }, auto_renews: { is: no }", (date(2025, 1, 1), date(2025, 1, 31), 31, False), id="ends"
        ),
        pytest.param("ends_on: until", (date(2024, 8, 31), date(2025, 3, 31), 213, None), id="written"),
        pytest.param(
            "ends_on: until, months: { is: 1 }", (date(2025, 3, 1), date(2025, 3, 31), 31, None), id="monthly-to-an-end"
        ),
        pytest.param(
            "ends_on: until, auto_renews: word", (date(2024, 8, 31), date(2025, 3, 31), 213, True), id="a-cell-says-so"
        ),
        pytest.param(
            "ends_on: until, auto_renews: key", (date(2024, 8, 31), date(2025, 3, 31), 213, None), id="says-nonsense"
        ),
    ],
)
def test_a_contract_says_its_term_and_whether_it_goes_on_by_itself(
    small: Path, shipped: Lifecycle, columns: str, term: tuple[date, date, int, bool | None]
) -> None:
    """So that an imported monthly contract is no long one."""
    (small / "more.csv").write_text("key,id,day,score,word,until\nk,a,2024-08-31,7,yes,2025-03-31\n")
    text = SMALL.replace("on: day", "starts: day") + f"contracts: {{ from: more, {columns} }}\n"

    found, accounts = taken(text, small, shipped)

    (contract,) = accounts["a"].signup.contracts
    assert (contract.starts_on, contract.ends_on, contract.term_days, contract.auto_renews) == term
    refused = ["whether the contract renews is neither yes nor no"] if "key" in columns else []
    assert [item.problem for item in found.refused] == refused


def test_a_stage_is_what_the_column_says_and_otherwise_by_signup(small: Path, shipped: Lifecycle) -> None:
    assert placed(SMALL, small, shipped) == {"a": "expansion", "b": "onboarding"}
    text = f"{SMALL}stage: {{ column: stage, values: {{ live: adoption }} }}\n"
    assert placed(text, small, shipped) == {"a": "adoption", "b": "onboarding"}
    found, accounts = taken(f"{SMALL}stage: stage\n", small, shipped)
    assert accounts["a"].signup.placed == "expansion"
    assert [item.problem for item in found.refused] == ["stage is not a stage"] * 2
    assert placed(f"{SMALL}stage: {{ column: left }}\n", small, shipped)["a"] == "expansion"


TRAINED = "integration.live: { is: yes }, training.held: { is: 'true' }"


@pytest.mark.parametrize(
    ("facts", "stage"),
    [
        ("", "onboarding"),
        (TRAINED, "adoption"),
        (f"{TRAINED}, usage.dau_share: {{ is: 0.6 }}, usage.core_features: {{ is: 3 }}", "value"),
    ],
)
def test_by_criteria_nobody_stands_further_than_the_facts_prove(
    small: Path, shipped: Lifecycle, facts: str, stage: str
) -> None:
    text = f"{SMALL}stage: {{ by: criteria }}\n" + (f"facts: {{ {facts} }}\n" if facts else "")

    assert placed(text, small, shipped) == {"a": stage, "b": "onboarding"}


def test_a_criterion_may_ask_about_the_customer(small: Path, shipped: Lifecycle) -> None:
    first = shipped.stages[1]
    assert first.criterion is not None
    asks = replace(first.criterion, tree=("==", ("get", "customer.tier"), ("const", "team")))
    short = replace(
        shipped, stages=(shipped.stages[0], replace(first, criterion=asks), replace(shipped.stages[2], to_day=60))
    )

    assert placed(f"{SMALL}stage: {{ by: criteria }}\n", small, short) == {"a": "adoption", "b": "onboarding"}
    assert placed(SMALL, small, short)["a"] == "adoption"


def test_who_left_by_its_own_row_or_by_the_last_event_has_left(small: Path, shipped: Lifecycle) -> None:
    assert placed(f"{SMALL}churned: {{ from: accounts, only: {{ stage: odd }} }}\n", small, shipped)["b"] == "churned"
    by_event = f"{SMALL}churned: [{{ from: more, only: {{ word: 'no' }} }}, {{ from: more, came_back: never }}]\n"
    assert placed(by_event, small, shipped) == {"a": "churned", "b": "onboarding"}
    back = f"{SMALL}churned: {{ from: more, came_back: with a later contract }}\n"
    assert placed(back, small, shipped)["a"] == "churned"


def test_what_happened_after_the_day_is_a_script(small: Path, shipped: Lifecycle) -> None:
    events = ("customer.churned", "customer.returned", "api.connected")
    text = (
        SMALL
        + "events:\n"
        + "".join(f"  - {{ from: more, event: {name}, only: {{ word: 'yes' }} }}\n" for name in events)
    )

    found = [event for _, event in taken(text, small, shipped)[1]["a"].events]

    assert found == [Churned("as the export says"), Returned(), Happened("api.connected")]
