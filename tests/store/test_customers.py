"""Customers, their people and what keeps sends away from them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlalchemy.exc import IntegrityError

from lifecycle.model import Clock, Profile
from store import customers
from store.customers import Customer, NewContact
from store.database import Database
from store.team import Person, TeamError, assign, save_team, team_of, teammate, teammate_by_slack, teammates

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PROFILE = Profile("America/New_York", date(2026, 3, 2), tier="team", country="US")


def _create(database: Database, outer_id: str, wanted: dict[str, str] | None = None) -> Customer:
    with database.begin() as c:
        team, _ = assign(c, PROFILE, wanted or {})
        return customers.create(
            c, outer_id=outer_id, name=outer_id, profile=PROFILE, clock=Clock(AT, AT), contacts=[], team=team
        )[0]


def test_a_customer_comes_back_as_it_was_made(database: Database, team: tuple[Person, ...]) -> None:
    clock = Clock(AT, AT, 21_600.0)
    with database.begin() as c:
        contacts = [NewContact("Ada@Acme.example.com ", "Ada", ("champion",)), NewContact("bob@acme.example.com")]
        made, (ada, bob) = customers.create(
            c, outer_id="a", name="Acme", profile=PROFILE, clock=clock, contacts=contacts, team={"csm": team[0]}
        )
    assert made.id.startswith("cus_")
    assert len(made.id) == 16
    assert (ada.roles, bob.roles) == (("champion",), ())
    with database.read() as c:
        assert customers.find(c, "a") == customers.get(c, made.id) == made
        assert (made.profile, made.clock, made.stage, made.seq) == (PROFILE, clock, "new", 0)
        assert customers.contact(c, made.id, ada.id) == Person(ada.id, "Ada", "Ada@Acme.example.com", ("champion",))
        assert {person.id for person in customers.contacts(c, made.id)} == {ada.id, bob.id}
        assert team_of(c, made.id) == {"csm": team[0]}


def test_an_unknown_customer_is_none_to_find_and_an_error_to_get(database: Database) -> None:
    with database.read() as c:
        assert customers.find(c, "nobody") is None
        with pytest.raises(LookupError, match="nobody"):
            customers.get(c, "nobody")


def test_clocks_are_known_of_more_customers_than_a_query_may_name(database: Database) -> None:
    first, last = (_create(database, name) for name in ("first", "last"))
    many = {f"cus_{number:06}" for number in range(70_000)}
    with database.read() as c:
        assert customers.clocks(c, {first.id, last.id, *many}) == {first.id: first.clock, last.id: last.clock}


def test_one_outer_id_is_one_customer(database: Database, customer: Customer) -> None:
    with pytest.raises(IntegrityError):
        _create(database, customer.outer_id)


def test_two_contacts_with_one_address_become_one_with_both_roles(database: Database, customer: Customer) -> None:
    with database.begin() as c:
        contact, new = customers.upsert_contact(
            c, customer.id, NewContact(" ADA@acme.example.com", "", ("admin", "champion"))
        )
        assert not new
        assert contact.roles == ("champion", "admin")
        person = customers.contact(c, customer.id, contact.id)
        assert person is not None
        assert person.name == "Ada"
        assert customers.upsert_contact(c, customer.id, NewContact("new@acme.example.com"))[1]


def test_a_person_who_is_told_of_twice_at_once_is_one_contact(database: Database, customer: Customer) -> None:
    def tell(n: int) -> bool:
        with database.begin() as c:
            return customers.upsert_contact(c, customer.id, NewContact("new@acme.example.com", "", (f"role-{n}",)))[1]

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(tell, range(12))) == 1
    with database.read() as c:
        (person,) = [one for one in customers.contacts(c, customer.id) if one.email == "new@acme.example.com"]
    assert len(person.roles) == 12


def test_a_contact_of_another_customer_is_not_found(database: Database, customer: Customer) -> None:
    other = _create(database, "other")
    with database.read() as c:
        (ada,) = customers.contacts(c, customer.id)
        assert customers.contact(c, other.id, ada.id) is None


def test_a_suppression_counts_for_the_address_wherever_it_is(database: Database, customer: Customer) -> None:
    other = _create(database, "other")
    with database.begin() as c:
        ada_too, _ = customers.upsert_contact(c, other.id, NewContact("ada@ACME.example.com"))
        assert customers.suppress(c, "ADA@acme.example.com", "unsubscribed", "link")
        assert not customers.suppress(c, "ada@acme.example.com", "bounced", "sendgrid")
        assert customers.is_suppressed(c, "ada@acme.example.com") == "unsubscribed"
        assert [person.suppressed for person in customers.contacts(c, customer.id)] == [True]
        (ada,) = customers.contacts(c, customer.id)
        assert set(customers.contacts_at(c, "ada@acme.example.com")) == {
            (customer.id, ada.id),
            (other.id, ada_too.id),
        }
        assert customers.upsert_contact(c, other.id, NewContact("ada@acme.example.com"))[0].suppressed
        assert customers.restore(c, "ada@acme.example.com")
        assert not customers.restore(c, "ada@acme.example.com")
        assert customers.is_suppressed(c, "ada@acme.example.com") is None


def test_a_customer_that_left_is_marked_at_once(database: Database, customer: Customer) -> None:
    with database.begin() as c:
        customers.stop(c, customer.id, stopped=True)
    with database.read() as c:
        assert customers.get(c, customer.id).stopped


def test_a_later_signup_changes_the_profile(database: Database, customer: Customer) -> None:
    with database.begin() as c:
        customers.update_profile(c, customer.id, PROFILE, "Acme Inc")
        assert (customers.get(c, customer.id).profile, customers.get(c, customer.id).name) == (PROFILE, "Acme Inc")


def test_new_customers_go_to_the_least_busy_holder(database: Database, team: tuple[Person, ...]) -> None:
    made = [_create(database, f"c{n}") for n in range(4)]
    with database.read() as c:
        csms = [team_of(c, customer.id)["csm"].id for customer in made]
    assert sorted(csms) == ["mara", "mara", "omar", "omar"]
    assert {person.id for person in team} >= set(csms)


def test_a_role_without_a_holder_falls_back_along_its_chain(database: Database, team: tuple[Person, ...]) -> None:
    customer = _create(database, "a")
    with database.read() as c:
        assert team_of(c, customer.id)["cs_manager"] == team[2]


@pytest.mark.usefixtures("team")
def test_the_wanted_person_is_chosen_if_there_is_one(database: Database) -> None:
    wanted = {"csm": "FAY@stageplay.example.com", "implementation_specialist": "nobody@stageplay.example.com"}
    customer = _create(database, "a", wanted)
    with database.read() as c:
        chosen = team_of(c, customer.id)
    assert (chosen["csm"].id, chosen["implementation_specialist"].id) == ("fay", "omar")


@pytest.mark.usefixtures("team")
def test_who_left_the_roster_keeps_a_name_but_gets_no_new_customers(database: Database) -> None:
    ada = Person("ada", "Ada", "ada@stageplay.example.com", ("csm", "founder"), slack="U0ADA")
    with database.begin() as c:
        save_team(c, [ada], {"csm": ("founder",)})
        assert teammates(c) == (ada,)
        assert teammate(c, "mara") is not None
        assert teammate_by_slack(c, "U0MARA") is None
        assert teammate_by_slack(c, "U0ADA") == ada
        assert teammate_by_slack(c, "") is None
        taken, _ = assign(c, PROFILE, {"csm": "mara@stageplay.example.com"})
        assert {person.id for person in taken.values()} == {"ada"}


def test_a_role_that_nobody_can_take_is_refused(database: Database) -> None:
    with pytest.raises(TeamError, match="implementation_specialist"), database.begin() as c:
        save_team(c, [], {"implementation_specialist": ("csm",)})
