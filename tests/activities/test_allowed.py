"""What is read again in the last moment before a send, and what a command's own faults cost."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
import structlog
from freezegun.api import FrozenDateTimeFactory

from lifecycle.commands import Command
from lifecycle.playbook import Trigger
from store import customers, ledger, team
from tests.fakes.provider import Seen
from tests.fakes.sendgrid import FakeSendGrid
from tests.fakes.slack import FakeSlack

if TYPE_CHECKING:
    from tests.activities.conftest import Office

pytestmark = pytest.mark.usefixtures("clock")
on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
ADDRESS = "ada@acme.example.com"


def every(office: "Office") -> tuple[Command, ...]:
    return (office.email(), office.survey(), office.invite(), office.nudge(), office.ask(), office.task())


def test_a_hold_on_everything_lets_nothing_out_and_lifting_it_lets_all(
    office: "Office", sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    with office.db.begin() as c:
        customers.place_hold(c, customers.EVERYTHING, "mara", "wrong prices in a template")
    effects = office.run(*every(office))
    assert {(effect["result"], effect["retry_in"]) for effect in effects} == {("held", 300.0)}
    assert all("wrong prices" in effect["reason"] for effect in effects)
    assert (sendgrid_server.seen, slack_server.seen) == ([], [])
    with office.db.begin() as c:
        customers.lift_hold(c, customers.EVERYTHING)
    assert {effect["result"] for effect in office.run(*every(office))} == {"sent"}


def test_what_a_hold_keeps_back_is_noted_so_that_its_lifting_finds_the_customer(office: "Office") -> None:
    with office.db.begin() as c:
        customers.place_hold(c, customers.EVERYTHING, "mara", "incident")
        before = ledger.held_back(c, AT, after="", limit=9)
    for _ in range(2):
        office.run(*every(office))
    with office.db.read() as c:
        standing = ledger.standing(c, office.email().touch)
        noted = ledger.held_back(c, AT, after="", limit=9)
        assert ledger.held_back(c, AT, after=office.customer.id, limit=9) == []
    assert (before, noted) == ([], [office.customer.id])
    assert standing is not None
    assert (standing.state, standing.attempt) == ("held", 0)


@on_sqlite
def test_a_hold_lifted_while_its_batch_was_out_is_noticed_at_the_end_of_it(
    office: "Office", sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    """The customer's own hold keeps the mail back, not the message to the team, during which it is lifted."""
    with office.db.begin() as c:
        customers.place_hold(c, office.customer.id, "mara", "incident")

    def lift(_: Seen) -> None:
        with office.db.begin() as c:
            customers.lift_hold(c, office.customer.id)

    slack_server.hook = lift
    mail, message = office.run(office.email(), office.nudge())
    assert (mail["result"], mail["retry_in"], message["result"]) == ("held", 0.0, "sent")
    assert sendgrid_server.seen == []


@on_sqlite
@pytest.mark.parametrize(("factor", "first", "longest"), [(1.0, 300, 3600), (86_400.0, 5, 60)])
def test_a_long_hold_is_asked_about_more_and_more_seldom(
    new_office: Callable[..., "Office"], clock: FrozenDateTimeFactory, factor: float, first: int, longest: int
) -> None:
    office = new_office(factor=factor)
    performer = office.performer()
    with office.db.begin() as c:
        customers.place_hold(c, customers.EVERYTHING, "mara", "incident")
    waits: list[float] = []
    while sum(waits) < 4 * longest:
        (effect,) = office.run(office.email(), performer=performer)
        waits.append(effect["retry_in"])
        assert effect["reason"] == f"everything is on hold: incident; asked again in {waits[-1]:.0f} seconds"
        clock.tick(timedelta(seconds=waits[-1]))
    assert waits[:5] == [first, first, 2 * first, 4 * first, 8 * first]
    assert (waits[-1], max(waits)) == (longest, longest)


def test_a_hold_on_one_customer_holds_that_customer(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with office.db.begin() as c:
        customers.place_hold(c, "cus_other", "mara", "incident")
    assert office.one(office.email())[0] == "sent"
    with office.db.begin() as c:
        customers.place_hold(c, office.customer.id, "mara", "incident")
    assert office.one(office.survey()) == ("held", "on hold: incident; asked again in 300 seconds")
    assert len(sendgrid_server.mails) == 1


def test_after_a_restore_nothing_is_sent_until_reconciled(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    with office.db.begin() as c:
        ledger.set_reconciling(c, on=True)
    assert office.one(office.email())[0] == "held"
    assert sendgrid_server.seen == []


@pytest.mark.parametrize("why", ["unsubscribed", "bounced", "complained"])
@on_sqlite
def test_a_suppressed_person_gets_nothing_more(office: "Office", sendgrid_server: FakeSendGrid, why: str) -> None:
    with office.db.begin() as c:
        customers.suppress(c, "ADA@acme.example.com", why, "test")
    results = [office.one(command) for command in (office.email(), office.survey(), office.invite())]
    assert {result for result, _ in results} == {"withdrawn"}
    assert all(why in reason for _, reason in results)
    assert sendgrid_server.seen == []
    assert office.one(office.invite("mara"))[0] == "sent"


@pytest.mark.parametrize(("why", "result"), [("unsubscribed", "sent"), ("bounced", "withdrawn")])
@on_sqlite
def test_a_cancelled_meeting_is_told_to_whoever_can_be_reached(office: "Office", why: str, result: str) -> None:
    office.one(office.invite())
    with office.db.begin() as c:
        customers.suppress(c, ADDRESS, why, "test")
    assert office.one(office.cancel())[0] == result


def test_a_person_who_unsubscribes_while_we_wait_for_the_provider_gets_nothing(
    office: "Office", sendgrid_server: FakeSendGrid
) -> None:
    """The first mail is busy being sent; the second one was decided before the person said no."""

    def unsubscribe(_: Seen) -> None:
        with office.db.begin() as c:
            customers.suppress(c, ADDRESS, "unsubscribed", "test")

    sendgrid_server.hook = unsubscribe
    effects = office.run(office.email(), office.survey())
    assert [effect["result"] for effect in effects] == ["sent", "withdrawn"]
    assert len(sendgrid_server.mails) == 1


@on_sqlite
def test_a_hold_placed_between_two_sends_holds_the_second(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    def hold(_: Seen) -> None:
        with office.db.begin() as c:
            customers.place_hold(c, customers.EVERYTHING, "mara", "stop")

    sendgrid_server.hook = hold
    assert [effect["result"] for effect in office.run(office.email(), office.survey())] == ["sent", "held"]


def test_a_customer_who_left_gets_cancels_and_nothing_else(
    office: "Office", sendgrid_server: FakeSendGrid, slack_server: FakeSlack
) -> None:
    office.run(office.invite(), office.ask())
    before = len(sendgrid_server.mails), slack_server.posts
    with office.db.begin() as c:
        customers.stop(c, office.customer.id, stopped=True)
    commands = (office.email(), office.survey(), office.invite("mara"), office.nudge(), office.task())
    assert {effect["result"] for effect in office.run(*commands)} == {"withdrawn"}
    assert (len(sendgrid_server.mails), slack_server.posts) == before
    assert office.one(office.cancel())[0] == "sent"
    assert office.one(office.settle("withdrawn", by=""))[0] == "sent"


@on_sqlite
@pytest.mark.parametrize("stage", ["churned", "win_back"])
def test_a_playbook_for_customers_who_left_reaches_them(
    office: "Office", sendgrid_server: FakeSendGrid, slack_server: FakeSlack, stage: str
) -> None:
    digest = office.release(triggers=(Trigger(stage=stage),))
    with office.db.begin() as c:
        customers.stop(c, office.customer.id, stopped=True)
    mail, card = office.email(release=digest), replace(office.nudge(), release=digest)
    assert [effect["result"] for effect in office.run(mail, card)] == ["sent", "sent"]
    assert (len(sendgrid_server.mails), slack_server.posts) == (1, 1)
    with office.db.begin() as c:
        customers.suppress(c, ADDRESS, "unsubscribed", "test")
    survey = replace(office.survey(), release=digest)
    assert office.one(survey)[0] == "withdrawn"


@on_sqlite
def test_the_cores_own_task_reaches_its_owner_although_the_customer_left(
    office: "Office", slack_server: FakeSlack
) -> None:
    with office.db.begin() as c:
        customers.stop(c, office.customer.id, stopped=True)
    assert office.one(office.task("Nobody knows whether the welcome mail arrived"))[0] == "sent"
    assert slack_server.posts == 1


@on_sqlite
def test_a_provider_is_not_called_faster_than_its_rate(office: "Office", slack_server: FakeSlack) -> None:
    performer = office.performer(posts_per_second=0.05)
    effects = office.run(*(office.nudge(nth) for nth in range(7)), performer=performer)
    assert [effect["result"] for effect in effects] == ["sent"] * 5 + ["later"] * 2
    assert slack_server.posts == 5
    assert office.standing(office.nudge(6)) is None


# --- faults of one command ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Acme\r\nBcc: all@acme.example.com", "Acme\nX", "Acme\u2028X"])
@on_sqlite
def test_a_line_break_in_the_customers_name_is_refused(
    new_office: Callable[..., "Office"], sendgrid_server: FakeSendGrid, slack_server: FakeSlack, name: str
) -> None:
    office = new_office(name=name)
    effects = office.run(*every(office))
    assert {effect["result"] for effect in effects} == {"failed"}
    assert all("the customer's name holds a line break" in effect["reason"] for effect in effects)
    assert (sendgrid_server.seen, slack_server.seen) == ([], [])


@on_sqlite
def test_a_line_break_in_a_contacts_name_is_refused(
    new_office: Callable[..., "Office"], sendgrid_server: FakeSendGrid
) -> None:
    office = new_office(contact="Ada\r\nBcc: all@acme.example.com")
    assert office.one(office.email()) == ("failed", "a name holds a line break or a control character")
    assert sendgrid_server.seen == []


@on_sqlite
def test_customer_text_makes_neither_mention_nor_link_in_slack(
    new_office: Callable[..., "Office"], slack_server: FakeSlack
) -> None:
    office = new_office(name="<!channel> <@U1> <https://evil.example.com|A&B>")
    assert {effect["result"] for effect in office.run(office.nudge(), office.ask(), office.task())} == {"sent"}
    office.one(office.settle())
    for message in slack_server.messages:
        assert "&lt;!channel&gt; &lt;@U1&gt; &lt;https://evil.example.com|A&amp;B&gt;" in message["text"]
        for block in message["blocks"]:
            written = block.get("text", {})
            if written.get("type") == "mrkdwn":
                assert "<!" not in written["text"]
                assert "<@" not in written["text"]
                assert "evil.example.com|" in written["text"] or "evil" not in written["text"]
                assert "<https://evil" not in written["text"]
                assert "&amp;amp;" not in written["text"]
                assert written["verbatim"] is True


@on_sqlite
def test_customer_text_is_shown_and_not_run_in_html(
    new_office: Callable[..., "Office"], sendgrid_server: FakeSendGrid
) -> None:
    office = new_office(name="<script>alert(1)</script> & {{ 7 * 7 }}")
    assert office.one(office.email())[0] == "sent"
    html = sendgrid_server.mails[0]["content"][1]["value"]
    assert "<script>alert" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7 * 7 }}" in html


@on_sqlite
def test_long_texts_are_cut_to_what_slack_takes(new_office: Callable[..., "Office"], slack_server: FakeSlack) -> None:
    office = new_office(name="&" * 2500)
    assert {effect["result"] for effect in office.run(office.nudge(), office.ask(), office.task())} == {"sent"}
    assert slack_server.posts == 3


@on_sqlite
def test_a_stranger_gets_nothing(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    result, reason = office.one(office.email(to="con_nobody"))
    assert (result, "not among" in reason) == ("failed", True)
    assert sendgrid_server.seen == []


@on_sqlite
def test_a_release_that_is_not_there_yet_is_waited_for(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    assert office.one(office.email(release="0" * 16))[0] == "later"
    assert sendgrid_server.seen == []
    assert office.one(office.email())[0] == "sent"


@on_sqlite
def test_one_commands_fault_does_not_cost_the_others(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    effects = office.run(office.email(step="gone"), office.survey())
    assert [effect["result"] for effect in effects] == ["failed", "sent"]
    assert len(sendgrid_server.mails) == 1


@on_sqlite
def test_a_teammate_without_slack_is_a_fault_that_says_how_to_mend_it(office: "Office") -> None:
    with office.db.begin() as c:
        mara = team.Person("mara", "Mara", "mara@stageplay.example.com", ("csm",), zone="UTC")
        team.save_team(c, [mara], {})
    result, reason = office.one(office.nudge())
    assert (result, reason) == ("failed", "the teammate mara has no Slack user id; write it in the team file")


@on_sqlite
def test_logs_name_touches_and_nobody(office: "Office") -> None:
    with structlog.testing.capture_logs() as logs:
        office.run(*every(office))
    written = json.dumps(logs).lower()
    assert len(logs) == 6
    assert "ada" not in written
    assert "acme" not in written
    assert "@" not in written


@on_sqlite
def test_an_unexpected_fault_is_logged_and_tried_again(office: "Office", sendgrid_server: FakeSendGrid) -> None:
    written_by_a_newer_build = office.batch(office.email(), snapshot={"v": 99})
    with structlog.testing.capture_logs() as logs:
        (effect,) = office.run(batch=written_by_a_newer_build)
    assert (effect["result"], effect["retry_in"]) == ("later", 60.0)
    assert "FormError" in effect["reason"]
    assert [log["log_level"] for log in logs] == ["error", "info"]
    assert sendgrid_server.seen == []
