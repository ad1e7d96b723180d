"""What `POST /v1/events` refuses: each with the field, what is wrong with it, and what to write instead."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from store import customers
from store.database import Database

pytestmark = pytest.mark.anyio
Send = Any
Signup = Callable[..., dict[str, Any]]

Rows = Callable[[], list[dict[str, Any]]]
Problem = Callable[[httpx.Response, int], dict[str, str]]
Refusals = Callable[[], list[str]]


async def test_an_id_used_for_another_body_is_a_conflict(
    send: Send, signup: Signup, db: Database, rows: Rows, problem: Problem
) -> None:
    await send(signup())
    assert problem(await send(signup(name="Other")), 409)["field"] == "id"
    problem(await send(signup(id="globex")), 409)
    with db.read() as c:
        assert customers.find(c, "globex") is None
    assert len(rows()) == 1


@pytest.mark.parametrize(
    ("change", "field", "fix"),
    [
        ({"zone": "Europe/Berln"}, "customer.zone", "Europe/Berlin"),
        ({"name": "Acme\r\nBcc: x@example.com"}, "customer.name", "one line"),
        ({"name": "Acme\x0b"}, "customer.name", "one line"),
        ({"name": ""}, "customer.name", ""),
        ({"name": "A" * 121}, "customer.name", "120"),
        ({"tier": "Enter Prise"}, "customer.tier", "mid-market"),
        ({"arr": -1}, "customer.arr", "0"),
        ({"arr": 1.5}, "customer.arr", "without quotes"),
        ({"arr": True}, "customer.arr", "number"),
        ({"country": "Germany"}, "customer.country", ""),
        ({"contract_ends_on": "31.3.2027"}, "customer.contract_ends_on", "2027-03-31"),
        ({"teir": "pro"}, "customer.teir", "tier"),
        ({"id": ""}, "customer.id", ""),
        ({"id": None}, "customer.id", ""),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_wrong_field_is_named_with_a_fix_and_kept_in_sight(
    send: Send,
    signup: Signup,
    db: Database,
    change: dict[str, Any],
    field: str,
    fix: str,
    problem: Problem,
    refusals: Refusals,
) -> None:
    error = problem(await send(signup(**change)), 422)
    assert error["field"] == field
    assert fix in error["fix"]
    with db.read() as c:
        assert customers.find(c, "acme") is None
    assert len(refusals()) == 1


@pytest.mark.parametrize(
    "email",
    [
        "ada",
        "ada@acme",
        "Ada <ada@acme.example.com>",
        "ada@acme.example.com\r\nBcc: all@example.com",
        "ada@@acme.com",
        "",
        7,
    ],
)
async def test_a_bad_address_is_refused_and_not_mended(
    send: Send, signup: Signup, email: Any, problem: Problem
) -> None:
    event = signup()
    event["data"]["contacts"][0]["email"] = email
    assert problem(await send(event), 422)["field"] == "contacts[0].email"


async def test_an_unknown_event_type_is_refused_by_name_and_kept_in_sight(
    send: Send, signup: Signup, problem: Problem, refusals: Refusals
) -> None:
    await send(signup())
    error = problem(await send({"type": "api.conected", "id": "evt_2", "data": {"customer": "acme"}}), 422)
    assert error["field"] == "type"
    assert "api.connected" in error["fix"]
    assert len(refusals()) == 1


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"usage.dau_wua": 0.4}, "facts.usage.dau_wua"),
        ({"usage.dau_wau": 1.4}, "facts.usage.dau_wau"),
        ({"usage.dau_wau": "0.4"}, "facts.usage.dau_wau"),
        ({"usage.seats": 10**40}, "facts.usage.seats"),
        ({"setup.api_connected": 1}, "facts.setup.api_connected"),
        ({"crm.plan": "plush"}, "facts.crm.plan"),
        ({"contract.reviewed_on": "soon"}, "facts.contract.reviewed_on"),
        ({}, "facts"),
        ([], "facts"),
    ],
    ids=str,
)
async def test_a_fact_is_checked_against_the_catalogue(
    send: Send, signup: Signup, facts: Any, field: str, problem: Problem
) -> None:
    await send(signup())
    answer = await send({"type": "facts.reported", "id": "evt_2", "data": {"customer": "acme", "facts": facts}})
    assert problem(answer, 422)["field"] == field


async def test_a_number_beyond_its_range_says_what_it_has_to_be(send: Send, signup: Signup, problem: Problem) -> None:
    await send(signup())
    data = {"customer": "acme", "facts": {"usage.dau_wau": 40}}
    error = problem(await send({"type": "facts.reported", "id": "evt_2", "data": data}), 422)
    assert error == {"field": "facts.usage.dau_wau", "problem": "is not at most 1", "fix": "send at most 1"}


async def test_two_megabytes_are_413(send: Send, problem: Problem, refusals: Refusals) -> None:
    assert problem(await send(b"[" + b" " * 2 * 1024 * 1024 + b"]"), 413)["field"] == "body"
    assert refusals() == []


async def test_another_content_type_is_415(send: Send, signup: Signup, problem: Problem) -> None:
    problem(await send(signup(), headers={"content-type": "text/plain"}), 415)
    problem(await send(signup(), headers={"content-type": None}), 415)
    assert (await send(signup(), headers={"content-type": "application/json; charset=utf-8"})).status_code == 202


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"type": "x",\n  "id": }', "line 2 column 9"),
        (b"", "line 1 column 1"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"type": NaN}', "NaN"),
        (b'{"type": 1e999}', "too large"),
        (b'{"id": "a", "id": "b"}', "twice"),
        (b'{"type": "\\ud800"}', "surrogate"),
        (b'{"type": "\\u0000"}', "U+0000"),
        (b'{"n": ' + b"9" * 5000 + b"}", "every reader"),
    ],
    ids=lambda value: str(value)[:20],
)
async def test_broken_json_is_400_with_its_place(send: Send, body: bytes, said: str, problem: Problem) -> None:
    assert said in problem(await send(body), 400)["problem"]


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        ([], "body"),
        ({"id": "x", "data": {}}, "type"),
        ({"type": "api.connected", "id": "x"}, "data"),
        ({"type": "api.connected", "id": 7, "data": {}}, "id"),
        ({"type": "api.connected", "id": "x", "data": {}, "when": "now"}, "when"),
        ({"type": "api.connected", "id": "x", "data": {}, "timestamp": "yesterday"}, "timestamp"),
        ({"type": "api.connected", "id": "x", "data": {}}, "customer"),
    ],
    ids=str,
)
async def test_a_wrong_envelope_is_422(send: Send, envelope: Any, field: str, problem: Problem) -> None:
    assert problem(await send(envelope), 422)["field"] == field


@pytest.mark.parametrize(
    "rehearsal", [{"day_seconds": 0}, {"day_seconds": "4"}, {"day_seconds": 4, "start": "now"}, 4, {"days": 4}], ids=str
)
async def test_a_wrong_rehearsal_is_422(send: Send, signup: Signup, rehearsal: Any, problem: Problem) -> None:
    event = signup()
    event["data"]["rehearsal"] = rehearsal
    assert problem(await send(event), 422)["field"].startswith("rehearsal")


@pytest.mark.parametrize(
    "call",
    [
        {"type": "page", "messageId": "m1"},
        {"type": "track", "messageId": "m1", "event": "API Connected"},
        {"type": "group", "messageId": "m1", "traits": {"name": "Acme"}},
        {"type": "identify", "messageId": "m1", "context": {"groupId": 7}, "traits": {}},
    ],
    ids=lambda call: call["type"],
)
async def test_a_segment_call_without_a_customer_is_422(send: Send, call: dict[str, Any], problem: Problem) -> None:
    problem(await send(call), 422)


async def test_a_contract_that_may_or_may_not_renew_itself_is_refused(
    send: Send, signup: Signup, problem: Problem
) -> None:
    await send(signup())
    contract = {"ends_on": "2027-03-31", "auto_renews": "often"}
    answer = await send({"type": "contract.signed", "id": "evt_2", "data": {"customer": "acme", "contract": contract}})
    assert problem(answer, 422)["field"] == "contract.auto_renews"


@pytest.mark.parametrize("ends_on", ["0001-01-01", "1999-12-31", "2201-01-01", "9999-12-31"])
async def test_a_date_that_no_contract_has_is_refused(
    send: Send, signup: Signup, ends_on: str, problem: Problem
) -> None:
    answer = await send(signup(contract_ends_on=ends_on))
    assert problem(answer, 422)["field"] == "customer.contract_ends_on"
