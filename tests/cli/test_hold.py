"""`stageplay hold` and `stageplay resume`: who stands still, what fell due meanwhile, and what becomes of it."""

import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from cli import answering, known, serve
from cli import hold as holding
from cli.main import run
from lifecycle.commands import SendEmail
from lifecycle.jsonform import encode
from lifecycle.model import Retry, state_to_json
from store import customers, inbox, ledger, rollouts, standing, tables
from store.database import Database

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SignUp = Callable[..., str]
Delivering = Callable[[str], AbstractContextManager[None]]
BY = ("--by", "mara")


class Terminal(io.StringIO):
    """Somebody types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No gateway runs, so nobody waits for a reply."""
    monkeypatch.setattr(answering, "ANSWERED_WITHIN", timedelta(0))


def told(db: Database, customer: str) -> list[dict[str, object]]:
    """What was recorded for a customer, but for its facts."""
    with db.read() as c:
        return [row.event for row in inbox.undelivered(c, customer) if row.event["kind"] != "facts_reported"]


def at(day: float, *arguments: str, by: tuple[str, ...] = BY) -> int:
    with freeze_time(AT + timedelta(days=day), real_asyncio=True, tick=True):
        return run([*arguments, *by])


@pytest.mark.parametrize(
    ("scope", "playbook"),
    [
        (("--customer", "acme-1"), ""),
        (("--customer", "acme-1", "--playbook", "onboarding-14-day"), "onboarding-14-day"),
        (("--segment", "customer.tier == 'pro'"), ""),
        (("--segment", "customer.tier == 'pro'", "--playbook", "onboarding-14-day"), "onboarding-14-day"),
        (("--playbook", "onboarding-14-day"), "onboarding-14-day"),
    ],
    ids=["a customer", "a customer's playbook", "a segment", "a segment's playbook", "a playbook"],
)
@pytest.mark.usefixtures("impatient")
def test_what_stands_still_is_listed_and_goes_on_as_asked(
    applied: Database,
    sign_up: SignUp,
    capsys: pytest.CaptureFixture[str],
    scope: tuple[str, ...],
    playbook: str,
) -> None:
    customer = sign_up()
    assert at(5, "hold", *scope, "--reason", "an outage") == 0
    with applied.read() as c:
        assert (customers.hold(c, customer) is None) is bool(playbook)
    assert capsys.readouterr().out.splitlines()[1].rstrip(".").split(",")[0] == "1 customer"
    assert at(10, "resume", *scope, "--stale", "retime", "--format", "json") == 0
    data = json.loads(capsys.readouterr().out)

    stale = {item["step"] for item in data["customers"][0]["stale"]}
    assert ("data-check" in stale) is bool(playbook)
    assert stale
    lift = {"kind": "hold_lifted", "by": "mara", "stale": "retime"}
    place = {"kind": "hold_placed", "by": "mara", "reason": "an outage"}
    more = {"playbook": playbook} if playbook else {}
    assert told(applied, customer) == [{**place, **more}, {**lift, **more}]
    with applied.read() as c:
        assert customers.hold(c, customer) is None


@pytest.mark.usefixtures("impatient")
def test_others_than_those_of_a_segment_go_on(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()

    assert at(5, "hold", "--segment", "customer.tier == 'team'", "--reason", "x") == 0
    assert at(5, "resume", "--customer", "acme-1") == 1
    assert told(applied, customer) == []
    assert capsys.readouterr().out.splitlines() == ["0 customers.", "There is no such hold."]


def test_what_fell_due_is_listed_and_somebody_must_say_what_becomes_of_it(
    sign_up: SignUp, delivering: Delivering, capsys: pytest.CaptureFixture[str]
) -> None:
    with delivering(sign_up()):
        assert at(5, "hold", "--customer", "acme-1", "--playbook", "onboarding-14-day", "--reason", "an outage") == 0
    assert "Acme: On hold: onboarding-14-day does nothing for this customer." in capsys.readouterr().out

    assert at(10, "resume", "--customer", "acme-1", "--playbook", "onboarding-14-day") == 2
    said = capsys.readouterr()
    assert (
        "Acme: onboarding-14-day/1 data-check (task to implementation_specialist) was due Mon 09 Mar 2026" in said.out
    )
    assert "--stale send, skip or retime" in said.err


def test_at_a_terminal_it_is_asked_until_it_is_answered(
    sign_up: SignUp, delivering: Delivering, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("what?\nSkip\n"))
    with delivering(sign_up()):
        assert at(5, "hold", "--playbook", "onboarding-14-day", "--reason", "an outage") == 0
        assert at(10, "resume", "--playbook", "onboarding-14-day") == 0

    assert "Acme: The hold is lifted." in capsys.readouterr().out


@pytest.mark.parametrize(
    "scope", [("--playbook", "nps-detractor"), ("--segment", "customer.tier == 'pro'", "--playbook", "nps-detractor")]
)
@pytest.mark.usefixtures("impatient")
def test_a_manager_holds_those_who_sign_up_later_too(
    applied: Database, capsys: pytest.CaptureFixture[str], scope: tuple[str, ...]
) -> None:
    manager = ("--by", "priya")
    assert run(["hold", *scope, "--reason", "a wrong link", *manager]) == 0
    assert capsys.readouterr().out.splitlines() == ["0 customers, and those who sign up later."]
    with applied.read() as c:
        assert [(item.playbook, item.reason) for item in standing.listed(c)] == [("nps-detractor", "a wrong link")]
    assert run(["resume", *scope, *manager]) == 0
    assert capsys.readouterr().out.splitlines() == ["0 holds lifted. Those who sign up later are not held."]
    assert run(["resume", *scope, *manager]) == 1
    assert capsys.readouterr().out.splitlines() == ["There is no such hold."]
    with applied.read() as c:
        assert standing.listed(c) == []


@pytest.mark.usefixtures("impatient")
def test_a_hold_on_a_part_is_lifted_however_the_part_is_written_and_what_is_left_is_said(
    applied: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    manager = ("--by", "priya")
    assert run(["hold", "--segment", "customer.tier == 'pro'", "--reason", "an outage", *manager]) == 0
    assert run(["hold", "--segment", "customer.arr > 9000", "--reason", "a review", *manager]) == 0
    assert run(["resume", "--segment", "customer.tier=='pro'", *manager]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "0 holds lifted. Those who sign up later are not held."
    assert said.err.startswith("Still on hold: everything for customer.arr > 9000 who signs up, by priya since ")
    assert said.err.endswith(": a review\n")
    with applied.read() as c:
        assert [item.reason for item in standing.listed(c)] == ["a review"]


@pytest.mark.parametrize("scope", [("--everything",), ("--customer", "acme-1"), ("--playbook", "nps-detractor")])
def test_a_hold_without_a_reason_is_refused(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str], scope: tuple[str, ...]
) -> None:
    customer = sign_up()
    assert run(["hold", *scope, "--reason", "  ", *BY]) == 2
    assert "say why" in capsys.readouterr().err
    assert told(applied, customer) == []
    with applied.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is None


@pytest.mark.usefixtures("impatient")
def test_who_is_no_manager_decides_only_on_those_who_are_there(
    applied: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    scope = ("--playbook", "nps-detractor")
    assert run(["hold", *scope, "--reason", "x", *BY]) == 0
    assert "only a manager decides on them" in capsys.readouterr().err
    assert run(["resume", *scope, *BY]) == 1
    assert capsys.readouterr().err == ""
    assert run(["hold", *scope, "--reason", "x", "--by", "priya"]) == 0
    assert run(["resume", *scope, *BY]) == 1
    assert "only a manager decides on them" in capsys.readouterr().err
    with applied.read() as c:
        assert len(standing.listed(c)) == 1


def test_everything_is_held_and_released_by_a_manager(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up()

    assert run(["hold", "--everything", *BY, "--reason", "an outage"]) == 0
    with applied.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is not None
    (status,) = serve.held(applied)
    assert status.startswith("held       everything: no send starts, by mara since ")
    assert status.endswith(" UTC: an outage")
    assert run(["resume", "--everything", *BY]) == 1
    assert run(["resume", "--everything", "--by", "priya"]) == 0
    assert serve.held(applied) == []
    assert run(["resume", "--everything", "--by", "priya"]) == 1
    with applied.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is None
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "Everything is on hold: no send starts.",
        "Everything is released; 0 customers are told.",
        "There is no hold on everything.",
    ]
    assert "Only a manager" in said.err


def kept_back(db: Database, customer: str) -> None:
    """The mail of a step was put off while everything was on hold, as the stored state and the ledger have it."""
    with db.begin() as c:
        state = known.stored(c, customer)
        assert state is not None
        play = state.plays[0]
        touch = f"{customer}/{play.key}/day-2/1/send/{state.contacts[0].id}"
        command = SendEmail(touch, play.release, "setup-guide", state.contacts[0].id, AT + timedelta(days=3))
        retry = Retry(AT + timedelta(days=30), encode(command))
        data = state_to_json(replace(state, retries=(retry,)))
        c.execute(tables.snapshots.update().values(state=data))
    ledger.hold_back(db, touch, customer=customer, kind="send_email", reason="held")


@pytest.mark.parametrize("stale", ["skip", "retime"])
def test_what_everything_kept_back_is_skipped_or_moved_before_anything_goes(
    applied: Database, sign_up: SignUp, delivering: Delivering, capsys: pytest.CaptureFixture[str], stale: str
) -> None:
    customer = sign_up()
    assert at(4, "hold", "--everything", "--reason", "an outage") == 0
    kept_back(applied, customer)
    assert at(5, "resume", "--everything", by=("--by", "priya")) == 2
    said = capsys.readouterr()
    assert "Acme: onboarding-14-day/1 setup-guide (email to champion) was due Thu 05 Mar 2026 10:00" in said.out
    assert "--stale send, skip or retime" in said.err
    with delivering(customer):
        assert at(5, "resume", "--everything", "--stale", stale, "--format", "json", by=("--by", "priya")) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["text"] == "Everything is released; 1 customer is told."
    assert [item["step"] for item in data["customers"][0]["stale"]] == ["setup-guide"]
    with applied.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is None


def test_while_nobody_hears_of_it_everything_stays_on_hold(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "HEARD_WITHIN", timedelta(0))
    customer = sign_up()
    assert at(4, "hold", "--everything", "--reason", "an outage") == 0
    kept_back(applied, customer)
    assert at(5, "resume", "--everything", "--stale", "skip", by=("--by", "priya")) == 3
    assert "1 of 1 customers have not heard of it yet" in capsys.readouterr().err
    with applied.read() as c:
        assert customers.hold(c, customers.EVERYTHING) is not None


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 2, "say what: --customer ID"),
        (("--everything", "--playbook", "nps-detractor"), 2, "exclude each other"),
        (("--everything", "--customer", "acme-1"), 2, "exclude each other"),
        (("--playbook", "odd"), 2, 'no playbook is called "odd"'),
        (("--playbook", "check-in"), 2, 'did you mean "check-ins"?'),
        (("--customer", "odd"), 2, 'no customer has the id "odd"'),
        (("--segment", "customer.teir == 'pro'"), 2, "customer.teir"),
        (("--customer", "acme-1", "--by", "dana"), 1, "is not yours to answer"),
    ],
)
def test_what_does_not_fit_together_is_said(
    sign_up: SignUp, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], code: int, says: str
) -> None:
    sign_up()

    assert run(["hold", *BY, "--reason", "x", *arguments]) == code
    said = capsys.readouterr()
    assert says in said.out + said.err


@pytest.mark.usefixtures("impatient")
def test_a_customer_whose_state_nobody_knows_has_no_hold_to_lift(
    sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_up(snapshot=False)

    assert run(["resume", "--customer", "acme-1", *BY]) == 1
    assert "There is no such hold." in capsys.readouterr().out


@pytest.mark.usefixtures("impatient")
def test_whoever_names_a_hold_that_is_not_there_is_told_what_there_is(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()
    manager = ("--by", "priya")
    with applied.begin() as c:
        for playbook in ("onboarding-14-day", "check-ins", "nps-detractor"):
            customers.place_hold(c, customers.scope_of(customer, playbook), "mara", "an outage")
        for number in range(2):
            profile, clock = customers.get(c, customer).profile, customers.get(c, customer).clock
            name = f"other-{number}"
            other, _ = customers.create(c, outer_id=name, name=name, profile=profile, clock=clock, contacts=[], team={})
            customers.place_hold(c, customers.scope_of(other.id, "nps-detractor"), "mara", "an outage")
    assert at(5, "resume", "--customer", "acme-1") == 1
    said = capsys.readouterr()
    assert said.out == "There is no such hold.\n"
    lines = sorted(said.err.splitlines()[1:])
    assert said.err.startswith("Did you mean:\n")
    assert lines == [
        "  stageplay resume --customer acme-1 --playbook check-ins --by mara",
        "  stageplay resume --customer acme-1 --playbook onboarding-14-day --by mara",
        "  stageplay resume --playbook nps-detractor --by mara",
    ]
    assert at(5, "hold", "--everything", "--reason", "an outage", by=manager) == 0
    assert at(5, "hold", "--segment", "customer.arr > 90000", "--reason", "a review", by=manager) == 0
    with applied.begin() as c:
        standing.place(c, rollouts.Scope(), "check-ins", "priya", "a wrong link")
    capsys.readouterr()
    assert at(5, "resume", "--customer", "other-0", "--playbook", "check-ins", by=manager) == 1
    lines = [line.removeprefix("  stageplay resume ") for line in capsys.readouterr().err.splitlines()[1:]]
    assert set(lines[:3]) == {
        "--customer acme-1 --playbook check-ins --by priya",
        "--playbook check-ins --by priya",
        "--playbook nps-detractor --by priya",
    }
    assert lines[3:] == [
        "--everything --by priya",
        "--customer acme-1 --playbook onboarding-14-day --by priya",
        "  and 1 more",
    ]
    assert at(5, "resume", "--everything", by=manager) == 0
    capsys.readouterr()
    assert at(5, "resume", "--everything", by=manager) == 1
    assert "  stageplay resume --segment 'customer.arr > 90000' --by priya\n" in capsys.readouterr().err
