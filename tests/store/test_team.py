"""What the store says of the team: who has how many, by the rules of the people file."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from lifecycle.actions import Expr
from lifecycle.model import Clock, Profile
from lifecycle.staffing import Away, Cover, Policy, RoleRule, Span
from store import books, customers, meetings
from store.customers import Customer
from store.database import Database
from store.team import Person, assign, loads, save_team, staff

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
PROFILE = Profile("Europe/Berlin", date(2026, 3, 2), tier="pro")


def test_the_rules_and_what_people_cover_come_back_as_they_were_saved(database: Database) -> None:
    german = Expr("customer.country == 'DE'", ("==", ("get", "customer.country"), ("const", "DE")))
    away = Away(date(2026, 7, 6), date(2026, 7, 24), "omar")
    cover = Cover(("pro",), ("low",), german, ("german",), Span(20, 30), (away,), date(2026, 12, 31))
    mara = Person("mara", "Mara", "mara@stageplay.example.com", ("csm",), cover=cover)
    policy = Policy({"csm": RoleRule(german, Span(100), 90)}, {"german": german})
    with database.begin() as c:
        save_team(c, [mara], {"csm": ()}, policy)
        save_team(c, [mara], {"csm": ()}, policy)
        assert (staff(c).people, staff(c).policy) == ((mara,), policy)


def test_in_a_role_for_new_customers_one_counts_for_its_first_days_only(
    database: Database, team: tuple[Person, ...], customer: Customer
) -> None:
    rules = Policy({"csm": RoleRule(first_days=90), "founder": RoleRule()})
    with database.begin() as c:
        save_team(c, team, {"csm": ("founder",)}, rules)
        for days, counted in ((89, {("csm", "mara"): 1}), (90, {})):
            with freeze_time(customer.profile.signed_up_on + timedelta(days=days)):
                assert dict(loads(c, staff(c))) == counted


def test_the_arr_of_a_book_is_that_of_the_customers_that_count(database: Database, team: tuple[Person, ...]) -> None:
    rules = Policy({"csm": RoleRule(accounts=Span(20), first_days=90)})
    with database.begin() as c:
        save_team(c, team, {"csm": ("founder",)}, rules)
        clock, profile = Clock(AT, AT), replace(PROFILE, arr=12_000)
        roles = {"csm": team[0]}
        customers.create(c, outer_id="a", name="A", profile=profile, clock=clock, contacts=[], team=roles)
        for days, counted in ((89, (1, 12_000)), (90, (0, None))):
            with freeze_time(PROFILE.signed_up_on + timedelta(days=days)):
                mara = next(line for line in books.read(c).lines if line.person.id == "mara")
                assert (mara.accounts, mara.arr) == counted


def test_meetings_to_come_of_who_has_no_room_are_counted(
    database: Database, team: tuple[Person, ...], clock: FrozenDateTimeFactory
) -> None:
    mara, omar, _ = team
    with database.begin() as c:
        of: dict[str, Any] = {"profile": PROFILE, "contacts": [], "team": {"csm": mara}}
        real = customers.create(c, outer_id="a", name="A", clock=Clock(AT, AT), **of)[0].id
        played = customers.create(c, outer_id="b", name="B", clock=Clock(AT, AT, 1440.0), **of)[0].id
    hour = timedelta(hours=1)
    held = [(real, "over", "mara", -2), (real, "now", "mara", 0), (real, "soon", "mara", 1), (real, "off", "mara", 2)]
    for whose, name, organizer, hours in [*held, (played, "soon", "mara", 3), (real, "fays", "fay", 0)]:
        opens = AT + hours * hour
        touch = f"{whose}/onboarding/1/{name}/1/send"
        meetings.book(database, touch, organizer=organizer, opens=opens, closes=opens + hour, minutes=60, guests=())
    meetings.cancel(database, f"{real}/onboarding/1/off/1/send")
    with database.begin() as c:
        assert books.read(c).nowhere == (("Fay", 1), ("Mara", 2))
        save_team(c, [replace(mara, meeting_url="https://meet.example.com/mara"), omar], {})
        assert books.read(c).nowhere == (), "Mara has a room, and Fay is on the roster no more"
        save_team(c, [mara, omar], {})
        clock.tick(timedelta(hours=1, minutes=1))
        assert [*books.read(c).findings()] == [
            "Mara holds a meeting to come without a place: tell the guests, and add `meeting_url` to team.yaml"
        ]
        clock.tick(hour)
        assert books.read(c).nowhere == ()


def test_who_leaves_gets_no_new_customer_and_the_reason_says_who_has_room(
    database: Database, team: tuple[Person, ...]
) -> None:
    leaving = replace(team[0], cover=Cover(leaves=date(2026, 12, 31)))
    with database.begin() as c:
        save_team(c, [leaving, *team[1:]], {"csm": ("founder",)})
        people, why = assign(c, PROFILE, {})
    assert people["csm"].id == "omar"
    assert why.startswith("csm omar: has 0 accounts")
