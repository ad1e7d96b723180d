"""What the survivor of a merge is not sent again, and what the merged customer still takes back."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from freezegun.api import FrozenDateTimeFactory

from activities.repeated import BEING_SENT, HAD
from lifecycle.playbook import PER_CONTRACT
from store import customers, ledger, merges
from store.customers import NewContact
from store.team import team_of
from tests.fakes.provider import Drop
from tests.fakes.sendgrid import SEND, FakeSendGrid

if TYPE_CHECKING:
    from tests.activities.conftest import Office

pytestmark = pytest.mark.usefixtures("clock")
LEFT = ("withdrawn", "the customer has left")


@pytest.fixture
def gone(office: "Office") -> "Office":
    """The office of a second account of the same company: Ada is there, too, and Bob."""
    known = office.customer
    with office.db.begin() as c:
        customer, (ada, _) = customers.create(
            c,
            outer_id="acme-2",
            name="Acme Two",
            profile=known.profile,
            clock=known.clock,
            contacts=[NewContact("Ada@Acme.example.com", "Ada", ("champion",)), NewContact("bob@acme.example.com")],
            team=team_of(c, known.id),
        )
    return replace(office, customer=customer, contact=ada.id)


def merge(gone: "Office", into: "Office") -> None:
    with into.db.begin() as c:
        merges.merge(c, gone.customer, into.customer)
        merges.join_people(c, gone.customer.id, into.customer.id)


def contact(office: "Office", address: str) -> str:
    with office.db.read() as c:
        return next(person.id for person in customers.contacts(c, office.customer.id) if person.email == address)


def test_what_the_merged_account_had_is_not_sent_again(
    office: "Office", gone: "Office", sendgrid_server: FakeSendGrid
) -> None:
    assert gone.one(gone.email())[0] == gone.one(gone.survey())[0] == "sent"
    merge(gone, office)
    assert office.one(office.email()) == office.one(office.survey()) == ("withdrawn", HAD)
    assert office.state(office.email()) == "withdrawn"
    assert len(sendgrid_server.mails) == 2
    assert office.one(office.email()) == ("withdrawn", HAD), "and stays so"


def test_what_went_to_somebody_else_or_was_another_step_or_round_goes(
    office: "Office", gone: "Office", sendgrid_server: FakeSendGrid
) -> None:
    gone.run(gone.email(), gone.survey())
    merge(gone, office)
    bob = contact(office, "bob@acme.example.com")
    other = office.email(to=bob, touch=office.touch("welcome", "send", bob))
    third = office.email(touch=office.email().touch.replace("/welcome/1/", "/welcome/3/"))
    elsewhere = office.email(touch=office.email().touch.replace("/onboarding/", "/on_oarding/"))
    assert {effect["result"] for effect in office.run(other, third, elsewhere)} == {"sent"}
    assert len(sendgrid_server.mails) == 5


def test_two_accounts_that_are_not_merged_each_get_theirs(
    office: "Office", gone: "Office", sendgrid_server: FakeSendGrid
) -> None:
    assert gone.one(gone.email()) == office.one(office.email()) == ("sent", "")
    assert len(sendgrid_server.mails) == 2


@pytest.mark.parametrize(
    ("changes", "days", "result"),
    [
        ({"reentry": "once"}, 400, "withdrawn"),
        ({"reentry": "again"}, 29, "withdrawn"),
        ({"reentry": "again"}, 31, "sent"),
        ({"per": PER_CONTRACT}, 29, "withdrawn"),
        ({"per": PER_CONTRACT}, 31, "sent"),
        ({"per": "ticket.id"}, 0, "sent"),
    ],
)
def test_how_long_it_counts_depends_on_whether_the_playbook_runs_again(
    office: "Office", gone: "Office", clock: FrozenDateTimeFactory, changes: dict[str, Any], days: int, result: str
) -> None:
    gone.run(gone.email())
    merge(gone, office)
    clock.tick(timedelta(days=days))
    assert office.one(office.email(release=office.release(**changes)))[0] == result


def test_while_the_merged_ones_send_is_in_doubt_the_survivors_waits_and_is_judged_anew(
    office: "Office", gone: "Office", sendgrid_server: FakeSendGrid
) -> None:
    sendgrid_server.script(SEND, Drop())
    assert gone.one(gone.email())[0] == "unknown"
    merge(gone, office)
    assert office.one(office.email())[0] == "later"
    standing = office.standing(office.email())
    assert standing is not None
    assert (standing.state, standing.reason) == ("held", BEING_SENT)
    ledger.settle_unknown(office.db, gone.email().touch, False, "it never arrived")
    assert office.one(office.email()) == ("sent", "")


def test_a_send_of_the_merged_one_that_starts_later_is_withdrawn(
    office: "Office", gone: "Office", sendgrid_server: FakeSendGrid
) -> None:
    merge(gone, office)
    assert gone.one(gone.email()) == gone.one(gone.invite()) == LEFT
    assert office.one(office.email()) == ("sent", "")
    assert len(sendgrid_server.mails) == 1


def test_a_meeting_to_come_is_cancelled_there_and_invited_to_here(
    office: "Office", gone: "Office", sendgrid_server: FakeSendGrid
) -> None:
    gone.run(gone.invite(), gone.invite("mara"))
    merge(gone, office)
    assert {effect["result"] for effect in office.run(office.invite(), office.invite("mara"))} == {"sent"}
    assert {effect["result"] for effect in gone.run(gone.cancel(), gone.cancel("mara"))} == {"sent"}
    assert len(sendgrid_server.mails) == 6


def test_a_meeting_that_was_held_there_is_not_held_again_for_anybody(
    office: "Office", gone: "Office", clock: FrozenDateTimeFactory, sendgrid_server: FakeSendGrid
) -> None:
    gone.run(gone.invite(), gone.invite("mara"))
    clock.tick(timedelta(days=4))
    merge(gone, office)
    again = [office.invite(to, opens=office.invite().opens + timedelta(days=7)) for to in ("", "mara")]
    assert {(effect["result"], effect["reason"]) for effect in office.run(*again)} == {("withdrawn", HAD)}
    bob = contact(office, "bob@acme.example.com")
    guests = (office.contact, bob, "mara")
    wider = [office.invite(to, guests=guests, touch=office.touch("kickoff", "send", to)) for to in (bob, "mara")]
    assert office.one(wider[0])[0] == "sent"
    assert len(sendgrid_server.mails) == 3


def test_the_merged_ones_cards_are_still_settled_and_its_tasks_stand_at_the_survivor(
    office: "Office", gone: "Office"
) -> None:
    gone.run(gone.ask())
    merge(gone, office)
    assert gone.one(gone.settle("withdrawn", "")) == ("sent", "")
    assert gone.one(gone.task("Could not cancel kickoff")) == ("sent", "")
    assert gone.one(gone.nudge()) == LEFT
