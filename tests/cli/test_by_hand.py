"""`stageplay start` and `stageplay stop`, answered by the core as a gateway's deliverer would have it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from cli import answering, forecast
from cli.main import run
from lifecycle.engine import step
from lifecycle.jsonform import decode_union
from lifecycle.messages import Event
from store import inbox, releases
from store.database import Database

SignUp = Callable[..., str]


@contextmanager
def delivering(db: Database, customer: str) -> Iterator[None]:
    """Answer what people of this customer wait for, from its stored state, until the block ends."""
    over = threading.Event()
    state = None

    def deliver() -> None:
        nonlocal state
        while not over.wait(0.02):
            with db.read() as c:
                rows = inbox.undelivered(c, customer)
                state = state or forecast.stored(c, customer)
                current = releases.current(c)
            assert state is not None
            library = forecast.library(db, [state], str(current))
            for row in rows:
                outcome = step(library, state, decode_union(Event, row.event), now=state.as_of)
                state = outcome.state
                with db.begin() as c:
                    reply = outcome.reply
                    told = None if reply is None else {"result": reply.result, "text": reply.text}
                    inbox.delivered(c, customer, row.seq, told)

    thread = threading.Thread(target=deliver)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_play_is_started_and_stopped_by_hand(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()
    with delivering(applied, customer):
        codes = [
            run(["start", "nps-late-detractor", "acme-1", "--by", "mara", "--reason", "they called"]),
            run(["start", "nps-late-detractor", customer, "--by", "mara@stageplay.example.com"]),
            run(["stop", "onboarding-14-day", "acme-1", "--by", "mara", "--reason", "wrong journey"]),
            run(["stop", "onboarding-14-day/1", "acme-1", "--by", "mara"]),
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
        (["stop", "nps-detractor", "acme-1", "--by", "mara"], 2, "never had a play of nps-detractor"),
        (["stop", "nps-detractor/1", "acme-1", "--by", "dana"], 1, "is not yours to answer"),
    ],
)
def test_names_that_nobody_has_are_misuse_and_strangers_are_refused(
    sign_up: SignUp, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    sign_up()

    assert run(arguments) == code
    said = capsys.readouterr()
    assert says in said.out + said.err
