"""Two customers become one: the rows and events of a merge, what is refused, and what still comes for the old one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from freezegun import freeze_time
from sqlalchemy import Connection, select

from activities.links import make_survey, make_unsubscribe
from gateway.answers import Press, record
from gateway.entitled import Answer
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles, Receipt
from gateway.refusals import RefusedError
from lifecycle.jsonform import decode_union
from lifecycle.messages import (
    Absorbed,
    ApprovalAnswered,
    ContactChanged,
    ContractSigned,
    Event,
    FactsReported,
    HoldPlaced,
    Merged,
    Reply,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Contact, Contract
from store import customers, inbox, ledger, merges, projections, surveys, tables, team
from store.customers import Customer
from store.database import Database, now

KEY = "a-link-secret-of-more-than-32-characters"
Signup = Callable[..., dict[str, Any]]


@dataclass
class Office:
    """Acme signed up with Ada as its champion, Globex with Ada and Bob; `merge` merges Globex into Acme."""

    db: Database
    intake: Intake
    count: int = 0

    def tell(self, kind: str, customer: str, event_id: str = "", **data: Any) -> Receipt:
        self.count += 1
        return self.intake.take(Inbound("api", kind, event_id or f"e{self.count}", {"customer": customer, **data}))

    def merge(self, gone: str = "globex", into: str = "acme", event_id: str = "") -> Receipt:
        return self.tell("customer.merged", gone, event_id, into=into)

    def sign_up(self, outer_id: str, *people: str, **more: Any) -> None:
        contacts = [
            {"email": f"{name}@acme.example.com", "name": f"{name.title()} of {outer_id}", "roles": roles.split()}
            for name, _, roles in (person.partition(":") for person in people)
        ]
        customer = {"id": outer_id, "name": outer_id.title(), "tier": "pro", **more.pop("fields", {})}
        data = {"customer": customer, "contacts": contacts, **more}
        self.intake.take(Inbound("api", "customer.signed_up", f"signup-{outer_id}", data))

    def customer(self, outer_id: str) -> Customer:
        with self.db.read() as c:
            found = customers.find(c, outer_id)
        assert found is not None
        return found

    def contact(self, outer_id: str, name: str) -> str:
        with self.db.read() as c:
            people = customers.contacts(c, self.customer(outer_id).id)
        return next(person.id for person in people if person.email.startswith(name))

    def events(self, outer_id: str) -> list[Event]:
        """What is still to be delivered to a customer, besides its signup."""
        with self.db.read() as c:
            rows = inbox.undelivered(c, self.customer(outer_id).id)
        return [decode_union(Event, row.event) for row in rows[1:]]

    def sent(self, outer_id: str, step: str, name: str, kind: str = "send_email", nth: int = 1) -> str:
        """A touch that went out now, in that round."""
        whose = self.customer(outer_id).id
        touch = f"{whose}/onboarding/1/{step}/{nth}/send/{self.contact(outer_id, name)}"
        ledger.reserve(self.db, touch, customer=whose, kind=kind, lease_for=timedelta(minutes=1))
        ledger.confirm(self.db, touch, 1, transport="outbox")
        return touch

    def press(self, outer_id: str, event: Answer) -> Reply | None:
        self.count += 1
        with self.db.read() as c:
            mara = team.teammate(c, "mara")
        assert mara is not None
        press = Press("dashboard", f"p{self.count}", self.customer(outer_id).id, mara, event)
        return record(self.db, Lifecycles(), press)


def stored(c: Connection, customer: str) -> list[dict[str, Any]]:
    """All events of a customer, told or not."""
    table = tables.inbox
    return list(c.execute(select(table.c.event).where(table.c.customer == customer).order_by(table.c.seq)).scalars())


@pytest.fixture
def office(db: Database) -> Office:
    found = Office(db, Intake(db, Lifecycles(), allow_rehearsal=True))
    found.sign_up("acme", "ada:champion")
    found.sign_up("globex", "ada:admin", "bob:billing champion")
    return found


def test_each_of_the_two_hears_of_it_and_nobody_else(office: Office) -> None:
    receipt = office.merge()
    gone, into = office.customer("globex"), office.customer("acme")
    assert (receipt.status, receipt.customer) == ("accepted", gone.id)
    assert (gone.merged_into, gone.stopped, into.merged_into, into.stopped) == (into.id, True, "", False)
    assert office.events("globex") == [Merged(into.id)]
    people = (
        Contact(office.contact("acme", "ada"), ("champion", "admin")),
        Contact(office.contact("acme", "bob"), ("billing", "champion")),
    )
    assert office.events("acme") == [Absorbed(gone.id, people)]


def test_people_join_the_survivor_and_keep_the_name_they_have_there(office: Office) -> None:
    office.merge()
    with office.db.read() as c:
        names = [(person.name, person.roles) for person in customers.contacts(c, office.customer("acme").id)]
        assert len(customers.contacts(c, office.customer("globex").id)) == 2, "links and touches still name them"
    assert names == [("Ada of acme", ("champion", "admin")), ("Bob of globex", ("billing", "champion"))]


def test_an_address_that_may_not_be_written_to_stays_so(office: Office) -> None:
    with office.db.begin() as c:
        customers.suppress(c, "Bob@acme.example.com", "unsubscribed", "test")
    office.merge()
    (told,) = office.events("acme")
    assert isinstance(told, Absorbed)
    assert [person.suppressed for person in told.contacts] == [False, True]


@pytest.mark.parametrize(
    ("gone", "into", "field", "fix"),
    [
        ("globex", "globex", "into", "name the other customer"),
        ("nobody", "acme", "customer", "customer.signed_up first"),
        ("globex", "nobody", "into", "customer.signed_up first"),
        ("globex", "rehearsal", "into", "two of one kind"),
    ],
)
def test_what_cannot_be_merged_is_refused_and_says_what_to_do(
    office: Office, gone: str, into: str, field: str, fix: str
) -> None:
    office.sign_up("rehearsal", rehearsal={"day_seconds": 4})
    with pytest.raises(RefusedError) as refused:
        office.merge(gone, into)
    assert refused.value.field == field
    assert fix in refused.value.fix
    assert office.customer("globex").merged_into == ""
    assert office.events("acme") == []


def test_a_merge_told_again_changes_nothing(office: Office) -> None:
    first = office.merge(event_id="m1")
    assert office.merge(event_id="m1") == Receipt("accepted", first.customer, first.seq, fresh=False)
    assert office.merge(event_id="m2").status == "accepted"
    assert len(office.events("globex")) == len(office.events("acme")) == 1
    with pytest.raises(RefusedError, match="was used for another event"):
        office.intake.take(Inbound("api", "api.connected", "m1", {"customer": "globex"}))


def test_a_chain_is_refused_and_the_one_at_its_end_is_named(office: Office) -> None:
    office.sign_up("initech")
    office.merge()
    with pytest.raises(RefusedError, match='was merged into "acme" itself') as into_merged:
        office.merge("initech", "globex")
    assert into_merged.value.fix == 'merge into "acme" instead'
    with pytest.raises(RefusedError, match='was merged into "acme" before'):
        office.merge("globex", "initech")
    with pytest.raises(RefusedError, match="was merged into the customer before"):
        office.merge("acme", "globex")


def test_a_survivor_that_is_merged_takes_along_those_merged_into_it(office: Office) -> None:
    office.sign_up("initech")
    office.sent("globex", "welcome", "bob")
    office.merge()
    office.merge("acme", "initech")
    home = office.customer("initech")
    assert office.customer("globex").merged_into == office.customer("acme").merged_into == home.id
    with office.db.read() as c:
        assert [one.outer_id for one in merges.absorbed(c, home.id)] == ["globex", "acme"]
    (told,) = office.events("initech")
    assert isinstance(told, Absorbed)
    assert [item.contact for item in told.touched] == [office.contact("initech", "bob")]
    office.tell("facts.reported", "globex", facts={"usage.dau_wau": 0.5})
    assert office.events("initech")[1:] == [FactsReported({"usage.dau_wau": 0.5})]


def test_mails_of_late_count_for_the_survivor_and_others_do_not(office: Office) -> None:
    with freeze_time(now() - timedelta(days=9)):
        office.sent("globex", "old", "bob")
    office.sent("globex", "task", "bob", "raise_task")
    whose = office.customer("globex").id
    touch = f"{whose}/onboarding/1/dropped/1/send/{office.contact('globex', 'ada')}"
    ledger.reserve(office.db, touch, customer=whose, kind="send_email", lease_for=timedelta(minutes=1))
    ledger.fail(office.db, touch, 1, "refused")
    office.sent("globex", "welcome", "ada")
    flight = f"{whose}/onboarding/1/flying/2/send/{office.contact('globex', 'bob')}"
    ledger.reserve(office.db, flight, customer=whose, kind="send_survey", lease_for=timedelta(minutes=1))
    office.merge()
    (told,) = office.events("acme")
    assert isinstance(told, Absorbed)
    assert [(item.contact, item.step) for item in told.touched] == [
        (office.contact("acme", "ada"), f"{whose}/onboarding/1/welcome"),
        (office.contact("acme", "bob"), f"{whose}/onboarding/1/flying~2"),
    ]
    assert all(abs(item.at - now()) < timedelta(minutes=1) for item in told.touched)


def test_the_last_survey_of_each_step_counts_for_a_year(office: Office) -> None:
    for days, step, nth in ((400, "nps", 1), (200, "nps", 2), (90, "nps", 3), (20, "csat", 1), (10, "welcome", 1)):
        with freeze_time(now() - timedelta(days=days)):
            office.sent("globex", step, "ada", "send_email" if step == "welcome" else "send_survey", nth)
    whose = office.customer("globex").id
    office.merge()
    (told,) = office.events("acme")
    assert isinstance(told, Absorbed)
    assert [(item.step, (now() - item.at).days) for item in told.touched] == [
        (f"{whose}/onboarding/1/nps~3", 90),
        (f"{whose}/onboarding/1/csat", 20),
    ]


def test_contracts_come_along_under_an_id_of_their_own(office: Office) -> None:
    office.sign_up("initech", fields={"contract_ends_on": "2027-01-31"})
    office.tell("contract.signed", "initech", contract={"id": "seats", "ends_on": "2027-05-31"})
    office.tell("contract.signed", "initech", contract={"id": "seats", "ends_on": "2027-06-30"})
    whose, signed_up_on = office.customer("initech").id, office.customer("initech").profile.signed_up_on
    office.merge("initech", "globex")
    office.merge("globex", "acme")
    (told,) = office.events("acme")
    assert isinstance(told, Absorbed)
    both = f"{whose}-{office.customer('globex').id}"
    assert told.contracts == (
        Contract(f"main-{both}", date(2027, 1, 31), starts_on=signed_up_on),
        Contract(f"seats-{both}", date(2027, 6, 30), starts_on=date(2027, 6, 1)),
    )


# --- what comes later -------------------------------------------------------------------------------------------------


def test_later_events_reach_the_survivor(office: Office) -> None:
    office.merge()
    receipt = office.tell("facts.reported", "globex", facts={"usage.dau_wau": 0.5})
    assert receipt.customer == office.customer("acme").id
    office.tell("survey.answered", "globex", contact="bob@acme.example.com", score=9)
    person = {"email": "cyd@acme.example.com", "name": "Cyd"}
    office.tell("contact.added", "globex", contact=person)
    assert office.events("acme")[1:] == [
        FactsReported({"usage.dau_wau": 0.5}),
        SurveyAnswered("nps", office.contact("acme", "bob"), 9),
        ContactChanged(Contact(office.contact("acme", "cyd"))),
    ]
    assert office.events("globex") == [Merged(office.customer("acme").id)]


def test_a_fact_that_both_report_is_news_by_what_the_survivor_was_told(office: Office) -> None:
    office.tell("facts.reported", "acme", facts={"usage.dau_wau": 0.5})
    office.tell("facts.reported", "globex", facts={"usage.dau_wau": 0.25})
    office.merge()
    office.tell("facts.reported", "globex", facts={"usage.dau_wau": 0.5})
    assert [event.kind for event in office.events("acme")] == ["facts_reported", "absorbed"]


def test_that_the_old_account_is_closed_does_not_make_the_survivor_leave(office: Office) -> None:
    office.merge()
    office.tell("customer.churned", "globex", reason="merged in the biller")
    office.tell("customer.returned", "globex")
    assert (office.customer("acme").stopped, office.customer("globex").stopped) == (False, True)
    assert len(office.events("acme")) == len(office.events("globex")) == 1
    with office.db.read() as c:
        kinds = [row["kind"] for row in stored(c, office.customer("globex").id)]
    assert kinds == ["signed_up", "merged", "churned", "returned"], "what was said stays visible"


def test_of_a_signup_under_the_old_id_only_the_people_are_taken(office: Office) -> None:
    office.merge()
    person = {"email": "cyd@acme.example.com", "name": "Cyd", "roles": ["executive_sponsor"]}
    account = {"id": "globex", "name": "Globex Renamed", "tier": "team", "contract_ends_on": "2027-01-31"}
    for number, contacts in enumerate(([], [person])):
        data = {"customer": account, "contacts": contacts}
        office.intake.take(Inbound("api", "customer.updated", f"u{number}", data))
        office.intake.take(Inbound("api", "customer.signed_up", f"s{number}", data))
    assert [event.kind for event in office.events("acme")] == ["absorbed", "contact_changed", "contact_changed"]
    assert len(office.events("globex")) == 1
    assert (office.customer("acme").name, office.customer("acme").profile.tier) == ("Acme", "pro")


def test_a_contract_under_the_old_id_replaces_none_of_the_survivors(office: Office) -> None:
    office.merge()
    office.tell("contract.signed", "globex", contract={"ends_on": "2027-05-31"})
    contract = Contract(f"main-{office.customer('globex').id}", date(2027, 5, 31))
    assert office.events("acme")[1:] == [ContractSigned(contract)]


def test_what_is_about_a_meeting_stays_with_the_customer_that_had_it(office: Office) -> None:
    office.merge()
    with pytest.raises(RefusedError, match="no meeting booked with this customer"):
        office.tell("meeting.declined", "globex", meeting="onboarding/1/kickoff")


# --- answers, links ---------------------------------------------------------------------------------------------------


def test_open_tasks_move_to_the_survivor_and_are_ticked_where_they_were_raised(
    office: Office, raise_task: Callable[..., str]
) -> None:
    gone, into = office.customer("globex").id, office.customer("acme").id
    done, task = raise_task(gone, "done"), raise_task(gone)
    with office.db.begin() as c:
        projections.tick_task(c, done, "mara", done=True)
    office.merge()
    late = raise_task(gone, "could-not-cancel")
    with office.db.read() as c:
        found = [projections.task(c, one) for one in (done, task, late)]
    assert [one.customer for one in found if one] == [gone, into, into]
    assert office.press("acme", TaskTicked(task, "mara")) is None
    assert office.events("globex")[1:] == [TaskTicked(task, "mara")]


def test_a_press_on_an_old_approval_is_taken_and_any_other_names_the_survivor(
    office: Office, ask_approval: Callable[[str], str]
) -> None:
    approval = ask_approval(office.customer("globex").id)
    office.merge()
    answer = ApprovalAnswered(approval, "mara", "approve", "p")
    assert office.press("globex", answer) is None
    assert office.events("globex")[1:] == [answer]
    reply = office.press("globex", HoldPlaced("mara", "an outage"))
    assert reply == Reply("too_late", "This account was merged into Acme. Do it there.")


def test_a_hold_on_the_old_one_ends_with_it(office: Office) -> None:
    gone = office.customer("globex").id
    with office.db.begin() as c:
        for scope in (gone, f"{gone}/tips", customers.EVERYTHING):
            customers.place_hold(c, scope, "mara", "an outage")
    office.merge()
    with office.db.read() as c:
        found = [customers.hold(c, scope) is None for scope in (gone, f"{gone}/tips", customers.EVERYTHING)]
    assert found == [True, True, False]


@pytest.mark.anyio
async def test_links_of_the_old_one_answer_for_the_survivor(office: Office, client: httpx.AsyncClient) -> None:
    gone, bob = office.customer("globex").id, office.contact("globex", "bob")
    touch = f"{gone}/onboarding/1/nps/1/send/{bob}"
    with office.db.begin() as c:
        surveys.sent(c, touch=touch, customer=gone, contact=bob, survey="nps", at=now())
    office.merge()
    page = await client.post(f"/survey/{make_survey(KEY, touch, bob)}", content="score=9&comment=")
    assert page.status_code == 200
    page = await client.post(f"/unsubscribe/{make_unsubscribe(KEY, gone, bob)}", content="List-Unsubscribe=One-Click")
    assert page.status_code == 200
    joined = office.contact("acme", "bob")
    with office.db.read() as c:
        rows = [row for who in ("acme", "globex") for row in stored(c, office.customer(who).id)]
    told = [
        (row["kind"], row.get("contact")) for row in rows if row["kind"] in ("survey_answered", "contact_suppressed")
    ]
    assert told == [("survey_answered", joined), ("contact_suppressed", joined)]
