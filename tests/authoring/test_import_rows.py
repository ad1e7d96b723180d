"""What a mapping makes of the rows and cells of other systems: measures, facts, people, dates, ids."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from authoring.imports import today
from authoring.imports_form import DateForm
from authoring.portfolio import Guest
from lifecycle.playbook import Lifecycle
from tests.fakes.export import SMALL
from tests.fakes.imported import taken


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("{ from: more, count: rows }", 4),
        ("{ from: more, count: rows, within: 2 days }", 2),
        ("{ from: more, distinct: day }", 3),
        ("{ from: more, sum: score }", 10),
        ("{ from: more, average: score }", 5),
        ("{ from: more, lowest: score }", 3),
        ("{ from: more, highest: score }", 7),
        ("{ from: more, latest: score, only: { score: ['7', '3'] } }", 3),
        ("{ from: more, latest: score, only: { word: never } }", None),
        ("{ from: more, lowest: score, only: { word: never } }", None),
        ("{ from: more, sum: score, only: { word: never } }", 0),
        ("{ from: more, sum: word, values: { yes: '1', no: '2' }, otherwise: nothing }", 3),
        ("{ is: 12 }", 12),
        ("{ column: stage, values: { live: 4 } }", 4),
    ],
)
def test_a_measure_is_made_of_many_rows(small: Path, shipped: Lifecycle, measure: str, expected: int | None) -> None:
    accounts = taken(f"{SMALL}facts: {{ users.licensed: {measure} }}\n", small, shipped)[1]

    assert accounts["a"].facts.get("users.licensed") == expected


def test_facts_have_the_types_of_the_catalogue(small: Path, shipped: Lifecycle) -> None:
    life = replace(
        shipped,
        facts={
            **shipped.facts,
            "last.day": replace(shipped.facts["nps.score"], type="date"),
            "plan.word": replace(shipped.facts["nps.score"], type="text", choices=("yes",)),
            "plan.free": replace(shipped.facts["nps.score"], type="text"),
        },
    )
    latest = "{ from: more, only: { key: '1' }, latest: "
    named = {"access.given": "word", "last.day": "day", "plan.word": "word", "plan.free": "mail"}
    facts = ", ".join(f"{name}: {latest}{column} }}" for name, column in named.items())
    found, accounts = taken(f"{SMALL}facts: {{ {facts}, usage.dau_wau: {latest}score }} }}\n", small, life)

    assert accounts["a"].facts == {
        "access.given": True,
        "last.day": "2024-12-01",
        "plan.word": "yes",
        "plan.free": "Ada@acme.example.com",
    }
    assert [(item.problem, item.part) for item in found.refused] == [
        ("the value is not a number that the fact can have", "usage.dau_wau")
    ]
    wrong = (
        f"{SMALL}facts: {{ last.day: {latest}score }}, plan.word: {latest}score }}, access.given: {latest}score }} }}\n"
    )
    assert taken(wrong, small, life)[1]["a"].facts == {}


def test_people_of_one_address_are_one_person_with_all_roles(small: Path, shipped: Lifecycle) -> None:
    text = f"{SMALL}contacts:\n  - {{ from: more, email: mail, name: word, roles: role }}\n"
    found, accounts = taken(text, small, shipped)

    assert accounts["a"].guests == (
        Guest("ada@acme.example.com", "yes", ("champion", "billing")),
        Guest("bo@acme.example.com", "yes", ("admin",)),
    )
    assert [item.problem for item in found.refused] == ["mail is not an email address"]
    same = taken(text.replace("roles: role", "roles: { is: champion }"), small, shipped)[1]["a"]
    assert [guest.roles for guest in same.guests] == [("champion",)] * 2
    odd = text.replace("roles: role", "roles: word, only: { key: '1' }")
    found, accounts = taken(odd, small, shipped)
    assert accounts["a"].guests == (Guest("ada@acme.example.com", "yes", ()),)
    assert [item.problem for item in found.refused] == ["word is not a role at the customer"]


def test_an_id_that_is_too_long_is_not_taken(small: Path, shipped: Lifecycle) -> None:
    (small / "accounts.csv").write_text(f"id,name,since\n{'x' * 121},Acme,2024-03-01\n")

    found, accounts = taken(SMALL, small, shipped)

    assert accounts == {}
    assert found.refused[-1].problem == "id or name is longer than 120 characters"


@pytest.mark.parametrize("letter", ["\n", "\v", "\u2028", "\x00"], ids=repr)
def test_what_no_mail_could_say_is_not_taken(small: Path, shipped: Lifecycle, letter: str) -> None:
    rows = f'a,"Acme{letter}GmbH",2024-03-01\nb,Bolt,2024-03-01\n"c{letter}c",Curl,2024-03-01\n'
    (small / "accounts.csv").write_text(f"id,name,since\n{rows}", newline="")
    (small / "more.csv").write_text(
        f'key,id,day,score,word,mail,role,until\n1,b,2024-12-01,7,"A{letter}b",bo@acme.example.com,admin,\n'
        f'2,b,2024-12-01,7,Ada,"ada{letter}@acme.example.com",admin,\n',
        newline="",
    )
    text = f"{SMALL}contacts:\n  - {{ from: more, email: mail, name: word, roles: role }}\n"

    found, accounts = taken(text, small, shipped)

    assert list(accounts) == ["b"]
    assert accounts["b"].guests == (Guest("bo@acme.example.com", "", ("admin",)),)
    held = "holds a line break or another control character"
    wrong = [(item.problem, item.part) for item in found.refused]
    assert sorted(wrong) == sorted(
        [(f"id {held}", ""), (f"the name {held}", ""), (f"word {held}", "contact"), (f"mail {held}", "contact")]
    )


def test_only_some_rows_may_be_accounts(small: Path, shipped: Lifecycle) -> None:
    text = SMALL.replace("signed_up_on: since", "signed_up_on: since, only: { stage: live }")

    assert list(taken(text, small, shipped)[1]) == ["a"]


@pytest.mark.parametrize(
    ("form", "written", "expected"),
    [
        ("dd-mm-yyyy", "31-12-2024", date(2024, 12, 31)),
        ("dd-mm-yyyy", "1-2-2024 03:00", date(2024, 2, 1)),
        ("mm/dd/yyyy", "12/31/2024", date(2024, 12, 31)),
        ("dd.mm.yyyy", "31.12.2024", date(2024, 12, 31)),
        ("yyyy-mm-dd", "2024-12-31T10:00:00Z", date(2024, 12, 31)),
        ("yyyy-mm-dd", "31-12-2024", None),
        ("dd-mm-yyyy", "30-02-2024", None),
        ("dd-mm-yyyy", "01-01-0001", None),
        ("dd-mm-yyyy", "", None),
        ("dd.mm.yyyy", "31x12x2024", None),
    ],
)
def test_a_date_is_read_as_the_mapping_says(form: str, written: str, expected: date | None) -> None:
    assert DateForm(form).read(written) == expected


def test_today_is_the_day_in_the_lifecycles_zone(shipped: Lifecycle) -> None:
    assert today(datetime(2026, 3, 2, 23, 30, tzinfo=UTC), shipped) == date(2026, 3, 3)


def test_other_separators_and_encodings_are_read(tmp_path: Path, shipped: Lifecycle) -> None:
    (tmp_path / "accounts.csv").write_bytes("id;name;since\na;Søren;2024-03-01\n".encode("latin-1"))
    (tmp_path / "more.csv").write_text("key\tid\tday\n", encoding="utf-16")
    text = SMALL.replace("account: id }", "account: id, encoding: latin-1 }").replace(
        "id: key }", "id: key, encoding: utf-16, separator: tab }"
    )

    accounts = taken(text.replace("import: crm", "import: crm\nseparator: semicolon"), tmp_path, shipped)[1]

    assert accounts["a"].name == "Søren"
