"""`stageplay merge`: what it shows, that it does nothing without being told to, and what it refuses."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from cli.main import run
from lifecycle.model import Profile
from store import customers, inbox
from store.customers import Customer, NewContact
from store.database import Database

SignUp = Callable[..., str]


@pytest.fixture
def two(applied: Database, sign_up: SignUp) -> tuple[Customer, Customer]:
    """Acme, with a play in flight; and Globex, where Ada is, too."""
    acme = sign_up()
    with applied.begin() as c:
        known = customers.get(c, acme)
        people = [NewContact("Ada@acme.example.com"), NewContact("bob@acme.example.com", "Bob")]
        globex, _ = customers.create(
            c,
            outer_id="globex",
            name="Globex",
            profile=Profile("Europe/Berlin", date(2026, 3, 2)),
            clock=known.clock,
            contacts=people,
            team={},
        )
        customers.suppress(c, "bob@acme.example.com", "bounced", "test")
        customers.place_hold(c, acme, "mara", "an outage")
        return known, globex


def told(db: Database, customer: Customer) -> list[dict[str, Any]]:
    with db.read() as c:
        return [row.event for row in inbox.undelivered(c, customer.id)][-1:]


def test_it_is_shown_and_not_done_until_it_is_asked_for(
    applied: Database, two: tuple[Customer, Customer], capsys: pytest.CaptureFixture[str]
) -> None:
    acme, globex = two
    before = told(applied, acme), told(applied, globex)
    assert run(["merge", "acme-1", "globex"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "Acme (acme-1) ends and goes on as Globex (globex), which stays as it is:"
    assert "  plays that end: onboarding-14-day/1" in shown[1]
    assert "  people: 0 join, 1 are there already, 0 may not be written to" in shown
    assert "  its hold ends: an outage. Hold globex, if it is to stay" in shown
    assert shown[-1] == "To do it: stageplay merge acme-1 globex --yes"
    with applied.read() as c:
        assert customers.get(c, acme.id) == acme
    assert (told(applied, acme), told(applied, globex)) == before


def test_done_it_stays_done_and_says_so(
    applied: Database, two: tuple[Customer, Customer], capsys: pytest.CaptureFixture[str]
) -> None:
    acme, globex = two
    assert run(["merge", globex.id, "acme-1", "--yes"]) == 0
    assert "  people: 1 join, 1 are there already, 1 may not be written to" in capsys.readouterr().out
    assert told(applied, globex) == [{"kind": "merged", "into": acme.id}]
    (absorbed,) = told(applied, acme)
    assert (absorbed["kind"], absorbed["customer"], len(absorbed["contacts"])) == ("absorbed", globex.id, 2)
    for arguments in (["--yes"], []):
        assert run(["merge", "globex", "acme-1", *arguments]) == 0
        assert capsys.readouterr().out == "Globex was merged into Acme before. Nothing is to be done.\n"


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["globex", "globex"], 1, "Globex (globex) is the customer itself\n  fix: name the other customer"),
        (["globex", "odd"], 2, 'no customer has the id "odd"'),
        (["odd", "globex"], 2, 'no customer has the id "odd"'),
        (["globex"], 2, "INTO"),
    ],
)
def test_what_cannot_be_is_refused_and_says_what_to_do(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    assert run(["merge", *arguments, "--yes"]) == code
    assert says in capsys.readouterr().err


def test_a_chain_is_refused_and_the_one_at_its_end_is_named(
    applied: Database, two: tuple[Customer, Customer], capsys: pytest.CaptureFixture[str]
) -> None:
    acme, globex = two
    with applied.begin() as c:
        customers.create(
            c, outer_id="third", name="Third", profile=acme.profile, clock=acme.clock, contacts=[], team={}
        )
    assert run(["merge", "globex", "acme-1", "--yes"]) == 0
    assert run(["merge", "third", globex.id, "--yes"]) == 1
    said = capsys.readouterr().err
    assert 'Globex (globex) was merged into "acme-1" itself\n  fix: merge into "acme-1" instead' in said
