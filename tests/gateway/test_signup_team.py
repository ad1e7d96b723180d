"""Whom a signup names as its team: people of the roster, or the signup is refused and says whom to name."""

from collections.abc import Callable
from typing import Any

import pytest

from store import customers, inbox, team
from store.database import Database

pytestmark = pytest.mark.anyio
Send = Any
Signup = Callable[..., dict[str, Any]]


def named(event: dict[str, Any], **people: str) -> dict[str, Any]:
    event["data"]["team"] = people
    return event


@pytest.mark.parametrize(
    ("address", "fix"),
    [
        ("marra@stageplay.example.com", 'did you mean "mara@stageplay.example.com"'),
        ("nobody@elsewhere.example.org", "choose one of: "),
    ],
)
async def test_an_unknown_teammate_is_refused_with_somebody_to_name_and_kept_in_sight(
    send: Send, signup: Signup, db: Database, address: str, fix: str
) -> None:
    answer = await send(named(signup(), csm=address))
    assert answer.status_code == 422, answer.text
    error = answer.json()["error"]
    assert error["field"] == "team.csm"
    assert fix in error["fix"]
    assert address not in answer.text
    with db.read() as c:
        assert customers.find(c, "acme") is None
        assert len(inbox.refused(c, 50)) == 1


async def test_an_address_is_known_whatever_its_case(send: Send, signup: Signup, db: Database) -> None:
    assert (await send(named(signup(), csm="Mara@Stageplay.Example.com"))).status_code == 202
    with db.read() as c:
        customer = customers.find(c, "acme")
        assert customer is not None
        assert team.team_of(c, customer.id)["csm"].id == "mara"


async def test_a_later_signup_is_held_to_the_roster_too(send: Send, signup: Signup) -> None:
    assert (await send(signup())).status_code == 202
    answer = await send(named(signup("evt_2"), csm="marra@stageplay.example.com"))
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "team.csm")


async def test_a_mended_signup_is_taken_under_the_same_id(send: Send, signup: Signup) -> None:
    assert (await send(named(signup(), csm="marra@stageplay.example.com"))).status_code == 422
    assert (await send(named(signup(), csm="mara@stageplay.example.com"), message="msg_2")).status_code == 202
