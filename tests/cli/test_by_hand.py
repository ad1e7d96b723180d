"""`stageplay start` and `stageplay stop`, answered by the core as a gateway's deliverer would have it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from cli import answering
from cli.main import run
from store import inbox
from store.database import Database

SignUp = Callable[..., str]
Delivering = Callable[[str], AbstractContextManager[None]]


def test_a_play_is_started_and_stopped_by_hand(
    sign_up: SignUp, delivering: Delivering, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()
    with delivering(customer):
        codes = [
            run(["start", "nps-late-detractor", "acme-1", "--by", "mara", "--reason", "they called"]),
            run(["start", "nps-late-detractor", customer, "--by", "mara@stageplay.example.com"]),
            run(["stop", "onboarding-14-day", "acme-1", "--by", "mara", "--reason", "wrong journey"]),
            run(["stop", "onboarding-14-day/1", "acme-1", "--by", "mara", "--reason", "again"]),
            run(["start", "odd", "acme-1", "--by", "mara"]),
        ]

    assert codes == [0, 1, 0, 1, 1]
    assert capsys.readouterr().out.splitlines() == [
        "Acme: Started.",
        "Acme: Not started: cooling down until 2026-04-04.",
        "Acme: Stopped.",
        "Acme: It has ended.",
        "Acme: There is no playbook odd.",
    ]


def test_without_a_gateway_it_is_recorded_and_waits(
    applied: Database, sign_up: SignUp, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(answering, "ANSWERED_WITHIN", timedelta(0))
    customer = sign_up()

    assert run(["stop", "onboarding-14-day/1", "acme-1", "--by", "mara", "--reason", "wrong"]) == 0
    assert "Your answer is recorded" in capsys.readouterr().out
    with applied.read() as c:
        told = inbox.undelivered(c, customer)[-1].event
    assert told == {"kind": "play_stop_requested", "play": "onboarding-14-day/1", "by": "mara", "reason": "wrong"}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["start", "nps-detractor", "acme-1", "--by", "nobody"], 2, 'nobody on the team is "nobody"'),
        (["start", "nps-detractor", "odd", "--by", "mara"], 2, 'no customer has the id "odd"'),
        (["stop", "nps-detractor", "acme-1", "--by", "mara", "--reason", "x"], 2, "never had a play of nps-detractor"),
        (["stop", "nps-detractor/1", "acme-1", "--by", "dana", "--reason", "x"], 1, "is not yours to answer"),
        (["stop", "onboarding-14-day/1", "acme-1", "--by", "mara", "--reason", " "], 2, "say why"),
        (["stop", "onboarding-14-day/1", "acme-1", "--by", "mara"], 2, "Missing option '--reason'"),
    ],
)
def test_names_that_nobody_has_are_misuse_and_strangers_are_refused(
    sign_up: SignUp, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    sign_up()

    assert run(arguments) == code
    said = capsys.readouterr()
    assert says in said.out + said.err
