"""`stageplay restored`: nothing goes after a restore until somebody has looked."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from cli.main import run
from store import ledger
from store.database import Database

SignUp = Callable[..., str]


def test_after_a_restore_nothing_goes_until_the_doubtful_is_settled(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    customer = sign_up()
    touch = f"{customer}/a/1/b/1/send/c"
    reservation = ledger.reserve(applied, touch, customer=customer, kind="send_email", lease_for=timedelta(minutes=1))
    assert isinstance(reservation, ledger.Reservation)
    ledger.unknown(applied, touch, 1, "no answer")

    codes = [run(["restored", "--reconciled"]), run(["restored"]), run(["restored", "--reconciled"])]
    with applied.read() as c:
        assert ledger.reconciling(c)
    ledger.settle_unknown(applied, touch, sent=True, reason="seen in the provider's list")
    codes += [run(["restored", "--reconciled"])]

    said = capsys.readouterr().out
    assert codes == [0, 0, 1, 0]
    assert said.startswith("Nothing is held since a restore.\nEvery send is held")
    assert f"  {touch}: no answer\nSends go again" in said
    with applied.read() as c:
        assert not ledger.reconciling(c)
