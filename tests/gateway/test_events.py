"""`POST /v1/events` on both databases: what is taken, what is answered, what is kept."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from freezegun import freeze_time

from lifecycle.jsonform import decode_union
from lifecycle.messages import Event
from lifecycle.model import Clock, Contact, Teammate
from store import customers, inbox, meetings
from store.database import Database

pytestmark = pytest.mark.anyio
Send = Any
Signup = Callable[..., dict[str, Any]]


def rows(db: Database, outer_id: str = "acme") -> list[dict[str, Any]]:
    """The events of a customer as the core gets them, in order."""
    with db.read() as c:
        customer = customers.find(c, outer_id)
        assert customer is not None
        query = "SELECT event FROM inbox WHERE customer = :customer ORDER BY seq"
        import json

        from sqlalchemy import text

        found = c.execute(text(query), {"customer": customer.id}).scalars()
        return [json.loads(row) if isinstance(row, str) else row for row in found]


def problem(answer: httpx.Response, status: int) -> dict[str, str]:
    assert answer.status_code == status, answer.text
    error: dict[str, str] = answer.json()["error"]
    assert set(error) == {"field", "problem", "fix"}
    assert all(error.values())
    return error


def refusals(db: Database) -> list[str]:
    with db.read() as c:
        return [row.problem for row in inbox.refused(c, 50)]


async def test_a_signup_makes_the_customer_and_is_its_first_event(send: Send, signup: Signup, db: Database) -> None:
    answer = await send(signup())
    assert answer.status_code == 202
    with db.read() as c:
        customer = customers.find(c, "acme")
        assert customer is not None
        people = customers.contacts(c, customer.id)
    assert answer.json() == {"status": "accepted", "customer": customer.id, "seq": 1}
    assert (customer.name, customer.profile.arr, customer.clock.factor) == ("Acme", 24_000, 1.0)
    [event] = rows(db)
    assert event["kind"] == "signed_up"
    assert decode_union(Event, event).contacts == (Contact(people[0].id, ("champion",)),)
    assert decode_union(Event, event).team["csm"] == Teammate("mara", "Europe/Berlin")
    assert "ada" not in str(event).lower()


async def test_a_repeat_gets_the_same_answer_and_changes_nothing(send: Send, signup: Signup, db: Database) -> None:
    first = await send(signup())
    again = await send(signup(), message="msg_2")
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(rows(db)) == 1


async def test_an_id_used_for_another_body_is_a_conflict(send: Send, signup: Signup, db: Database) -> None:
    await send(signup())
    assert problem(await send(signup(name="Other")), 409)["field"] == "id"
    problem(await send(signup(id="globex")), 409)
    with db.read() as c:
        assert customers.find(c, "globex") is None
    assert len(rows(db)) == 1


async def test_a_second_signup_updates_the_profile_and_adds_people(send: Send, signup: Signup, db: Database) -> None:
    await send(signup())
    later = signup("evt_2", tier="enterprise")
    later["data"]["contacts"].append({"email": "bo@acme.example.com", "name": "Bo", "roles": ["admin"]})
    answer = await send(later)
    assert answer.json()["seq"] == 2
    assert [row["kind"] for row in rows(db)] == ["signed_up", "profile_changed", "contact_changed", "contact_changed"]
    with db.read() as c:
        customer = customers.find(c, "acme")
        assert customer is not None
        assert customer.profile.tier == "enterprise"
        assert len(customers.contacts(c, customer.id)) == 2


async def test_an_event_before_the_signup_waits_for_it(send: Send, signup: Signup, db: Database) -> None:
    early = {"type": "api.connected", "id": "evt_early", "data": {"customer": "acme"}}
    answer = await send(early)
    assert (answer.status_code, answer.json()) == (202, {"status": "parked"})
    assert (await send(early)).json() == {"status": "parked"}
    assert problem(await send({**early, "data": {"customer": "acme", "facts": {}}}), 409)
    await send(signup())
    assert [row["kind"] for row in rows(db)] == ["signed_up", "happened"]
    with db.read() as c:
        assert inbox.parked(c) == []


async def test_a_parked_event_that_makes_no_sense_is_shown_and_does_not_stop_the_signup(
    send: Send, signup: Signup, db: Database
) -> None:
    await send({"type": "facts.reported", "id": "evt_early", "data": {"customer": "acme", "facts": {"nope": 1}}})
    assert (await send(signup())).status_code == 202
    assert len(rows(db)) == 1
    assert len(refusals(db)) == 1


@pytest.mark.parametrize(
    ("event", "kinds"),
    [
        ({"type": "api.connected", "data": {}}, ["happened"]),
        ({"type": "facts.reported", "data": {"facts": {"usage.dau_wau": 0.4}}}, ["facts_reported"]),
        (
            {"type": "contact.added", "data": {"contact": {"email": "b@acme.example.com", "name": "B"}}},
            ["contact_changed"],
        ),
        (
            {"type": "contact.updated", "data": {"contact": {"email": "ADA@acme.example.com", "roles": ["admin"]}}},
            ["contact_changed"],
        ),
        ({"type": "contact.left", "data": {"contact": {"email": "ada@acme.example.com"}}}, ["contact_left"]),
        ({"type": "contract.signed", "data": {"contract": {"ends_on": "2027-03-31"}}}, ["contract_signed"]),
        ({"type": "survey.answered", "data": {"contact": "ada@acme.example.com", "score": 9}}, ["survey_answered"]),
        (
            {"type": "milestone.ticked", "data": {"milestone": "technical_setup", "by": "mara@stageplay.example.com"}},
            ["milestone_ticked"],
        ),
        ({"type": "customer.churned", "data": {"reason": "budget"}}, ["churned"]),
        ({"type": "customer.returned", "data": {}}, ["returned"]),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)
async def test_every_kind_of_event_reaches_the_inbox(
    send: Send, signup: Signup, db: Database, event: dict[str, Any], kinds: list[str]
) -> None:
    await send(signup())
    answer = await send({**event, "id": "evt_2", "data": {"customer": "acme", **event["data"]}})
    assert answer.status_code == 202, answer.text
    assert [row["kind"] for row in rows(db)][1:] == kinds


async def test_a_churn_stops_sends_the_moment_it_is_accepted(send: Send, signup: Signup, db: Database) -> None:
    await send(signup())
    await send({"type": "customer.churned", "id": "evt_2", "data": {"customer": "acme"}})
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    assert customer.stopped


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
    send: Send, signup: Signup, db: Database, change: dict[str, Any], field: str, fix: str
) -> None:
    error = problem(await send(signup(**change)), 422)
    assert error["field"] == field
    assert fix in error["fix"]
    with db.read() as c:
        assert customers.find(c, "acme") is None
    assert len(refusals(db)) == 1


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
async def test_a_bad_address_is_refused_and_not_mended(send: Send, signup: Signup, email: Any) -> None:
    event = signup()
    event["data"]["contacts"][0]["email"] = email
    assert problem(await send(event), 422)["field"] == "contacts[0].email"


async def test_a_signup_without_a_zone_gets_the_lifecycles(send: Send, signup: Signup, db: Database) -> None:
    assert (await send(signup(zone=None))).status_code == 202
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    assert customer.profile.zone == "Europe/Berlin"


async def test_a_signup_without_a_champion_is_taken(send: Send, signup: Signup, db: Database) -> None:
    event = signup()
    event["data"]["contacts"] = []
    assert (await send(event)).status_code == 202
    assert "contacts" not in rows(db)[0]


async def test_an_unknown_event_type_is_refused_by_name_and_kept_in_sight(
    send: Send, signup: Signup, db: Database
) -> None:
    await send(signup())
    error = problem(await send({"type": "api.conected", "id": "evt_2", "data": {"customer": "acme"}}), 422)
    assert error["field"] == "type"
    assert "api.connected" in error["fix"]
    assert len(refusals(db)) == 1


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"usage.dau_wua": 0.4}, "facts.usage.dau_wua"),
        ({"usage.dau_wau": 1.4}, "facts.usage.dau_wau"),
        ({"usage.dau_wau": "0.4"}, "facts.usage.dau_wau"),
        ({"setup.api_connected": 1}, "facts.setup.api_connected"),
        ({"crm.plan": "plush"}, "facts.crm.plan"),
        ({"contract.reviewed_on": "soon"}, "facts.contract.reviewed_on"),
        ({}, "facts"),
        ([], "facts"),
    ],
    ids=str,
)
async def test_a_fact_is_checked_against_the_catalogue(send: Send, signup: Signup, facts: Any, field: str) -> None:
    await send(signup())
    answer = await send({"type": "facts.reported", "id": "evt_2", "data": {"customer": "acme", "facts": facts}})
    assert problem(answer, 422)["field"] == field


async def test_two_megabytes_are_413(send: Send, db: Database) -> None:
    assert problem(await send(b"[" + b" " * 2 * 1024 * 1024 + b"]"), 413)["field"] == "body"
    assert refusals(db) == []


async def test_another_content_type_is_415(send: Send, signup: Signup) -> None:
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
async def test_broken_json_is_400_with_its_place(send: Send, body: bytes, said: str) -> None:
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
async def test_a_wrong_envelope_is_422(send: Send, envelope: Any, field: str) -> None:
    assert problem(await send(envelope), 422)["field"] == field


async def test_the_message_id_counts_where_the_event_has_none(send: Send, signup: Signup, db: Database) -> None:
    event = signup()
    del event["id"]
    await send(event, message="msg_7")
    assert (await send(event, message="msg_7")).status_code == 202
    assert len(rows(db)) == 1


async def test_a_rehearsal_brings_a_clock_of_its_own(send: Send, signup: Signup, db: Database) -> None:
    event = signup()
    event["data"]["rehearsal"] = {"day_seconds": 4, "start": "2026-03-02T08:00"}
    now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    with freeze_time(now, real_asyncio=True):
        await send(event, at=now)
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    assert customer.clock == Clock(now, datetime(2026, 3, 2, 7, 0, tzinfo=UTC), 21_600.0)
    assert customer.profile.signed_up_on.isoformat() == "2026-03-02"


@pytest.mark.parametrize(
    "rehearsal", [{"day_seconds": 0}, {"day_seconds": "4"}, {"day_seconds": 4, "start": "now"}, 4, {"days": 4}], ids=str
)
async def test_a_wrong_rehearsal_is_422(send: Send, signup: Signup, rehearsal: Any) -> None:
    event = signup()
    event["data"]["rehearsal"] = rehearsal
    assert problem(await send(event), 422)["field"].startswith("rehearsal")


async def test_segment_calls_make_a_customer_its_people_and_its_events(send: Send, db: Database) -> None:
    context = {"groupId": "acme"}
    traits = {"name": "Acme", "tier": "pro", "employees": 40}
    group = {
        "type": "group",
        "messageId": "m1",
        "groupId": "acme",
        "userId": "u1",
        "traits": traits,
        "sentAt": "2026-03-02T09:00:00Z",
    }
    person = {"email": "ada@acme.example.com", "firstName": "Ada", "lastName": "Lovelace", "roles": ["champion"]}
    identify = {"type": "identify", "messageId": "m2", "userId": "u1", "context": context, "traits": person}
    track = {
        "type": "track",
        "messageId": "m3",
        "event": "API Connected",
        "context": context,
        "properties": {"usage.dau_wau": 0.5, "color": "red"},
    }
    for call in (group, identify, track, {**group, "sentAt": "2026-03-02T09:05:00Z"}):
        answer = await send(call)
        assert answer.status_code == 202, answer.text
    kinds = [row["kind"] for row in rows(db)]
    assert kinds == ["signed_up", "contact_changed", "happened"]
    assert rows(db)[2] == {"kind": "happened", "name": "api.connected", "facts": {"usage.dau_wau": 0.5}}


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
async def test_a_segment_call_without_a_customer_is_422(send: Send, call: dict[str, Any]) -> None:
    problem(await send(call), 422)


async def test_a_report_without_news_is_kept_and_not_told(
    send: Send, signup: Signup, db: Database, temporal: Any
) -> None:
    temporal.away = True
    await send(signup())
    answers = []
    for number, share in enumerate((0.4, 0.4, 0.6, 0.6), start=2):
        event = {"customer": "acme", "facts": {"usage.dau_wau": share}}
        answers.append(await send({"type": "facts.reported", "id": f"evt_{number}", "data": event}))
    assert [answer.json()["seq"] for answer in answers] == [2, 3, 4, 5]
    with db.read() as c:
        waiting = inbox.undelivered(c, answers[0].json()["customer"])
    assert [(row.seq, row.event.get("facts")) for row in waiting] == [
        (1, None),
        (2, {"usage.dau_wau": 0.4}),
        (4, {"usage.dau_wau": 0.6}),
    ]


def told(db: Database, customer: str) -> list[Any]:
    """What the workflow will hear, by kind, with the facts that came with it."""
    with db.read() as c:
        return [(row.event["kind"], row.event.get("facts")) for row in inbox.undelivered(c, customer)]


async def test_a_report_is_news_when_an_event_said_otherwise_in_between(
    send: Send, signup: Signup, db: Database, temporal: Any
) -> None:
    """An event that sets a fact counts as telling it: the false reported before it is news again after it."""
    temporal.away = True
    customer = (await send(signup())).json()["customer"]
    report = {"customer": "acme", "facts": {"setup.api_connected": False}}
    await send({"type": "facts.reported", "id": "evt_2", "data": report})
    await send({"type": "api.connected", "id": "evt_3", "data": {"customer": "acme", "facts": {"usage.dau_wau": 0.5}}})
    again = {"customer": "acme", "facts": {"setup.api_connected": False, "usage.dau_wau": 0.5}}
    await send({"type": "facts.reported", "id": "evt_4", "data": again})
    assert told(db, customer)[1:] == [
        ("facts_reported", {"setup.api_connected": False}),
        ("happened", {"usage.dau_wau": 0.5}),
        ("facts_reported", {"setup.api_connected": False}),
    ]


async def test_what_was_parked_counts_as_told_too(send: Send, signup: Signup, db: Database, temporal: Any) -> None:
    temporal.away = True
    await send({"type": "api.connected", "id": "evt_1", "data": {"customer": "acme"}})
    report = {"customer": "acme", "facts": {"usage.dau_wau": 0.5}}
    await send({"type": "facts.reported", "id": "evt_2", "data": report})
    customer = (await send(signup())).json()["customer"]
    for number, connected in ((3, True), (4, False)):
        again = {"customer": "acme", "facts": {"usage.dau_wau": 0.5, "setup.api_connected": connected}}
        await send({"type": "facts.reported", "id": f"evt_{number}", "data": again})
    assert told(db, customer)[1:] == [
        ("happened", None),
        ("facts_reported", {"usage.dau_wau": 0.5}),
        ("facts_reported", {"setup.api_connected": False}),
    ]


async def test_a_survey_score_counts_as_told(send: Send, signup: Signup, db: Database, temporal: Any) -> None:
    temporal.away = True
    customer = (await send(signup())).json()["customer"]
    for number, score in enumerate((7, 9), start=2):
        answer = {"customer": "acme", "contact": "ada@acme.example.com", "score": score}
        await send({"type": "survey.answered", "id": f"evt_s{number}", "data": answer})
        report = {"customer": "acme", "facts": {"nps.score": 7}}
        await send({"type": "facts.reported", "id": f"evt_r{number}", "data": report})
    assert [kind for kind, _ in told(db, customer)] == [
        "signed_up",
        "survey_answered",
        "survey_answered",
        "facts_reported",
    ]


async def test_a_survey_of_another_tool_says_itself_that_its_answer_is_late(
    send: Send, signup: Signup, db: Database
) -> None:
    await send(signup())
    answer = {"customer": "acme", "contact": "ada@acme.example.com", "score": 3}
    wrong = await send({"type": "survey.answered", "id": "evt_2", "data": {**answer, "late": "yes"}})
    assert "leave it out" in problem(wrong, 422)["fix"]
    await send({"type": "survey.answered", "id": "evt_3", "data": {**answer, "late": True}})
    assert rows(db)[-1]["late"] is True


async def test_a_reply_and_what_became_of_a_meeting_reach_the_inbox(send: Send, signup: Signup, db: Database) -> None:
    customer = (await send(signup())).json()["customer"]
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    touch = f"{customer}/onboarding/1/kickoff/1/send"
    meetings.book(db, touch, organizer="mara", opens=at, closes=at + timedelta(hours=4), minutes=60, guests=())
    told: list[tuple[str, dict[str, Any]]] = [("email.replied", {"contact": {"email": "ada@acme.example.com"}})]
    told += [(f"meeting.{said}", {"meeting": "onboarding/1/kickoff"}) for said in ("declined", "no_show", "held")]
    for number, (kind, data) in enumerate(told, start=2):
        answer = await send({"type": kind, "id": f"evt_{number}", "data": {"customer": "acme", **data}})
        assert answer.status_code == 202
    reply, *answers = rows(db)[1:]
    assert (reply["kind"], reply["contact"][:4]) == ("email_replied", "con_")
    assert [(row["meeting"], row["outcome"]) for row in answers] == [
        ("onboarding/1/kickoff", "declined"),
        ("onboarding/1/kickoff", "no_show"),
        ("onboarding/1/kickoff", "held"),
    ]
    unheard_of = {"customer": "acme", "meeting": "onboarding/1/kick-off"}
    answer = await send({"type": "meeting.held", "id": "evt_9", "data": unheard_of})
    assert problem(answer, 422)["fix"] == 'did you mean "onboarding/1/kickoff"?'


@pytest.mark.parametrize("ends_on", ["0001-01-01", "1999-12-31", "2201-01-01", "9999-12-31"])
async def test_a_date_that_no_contract_has_is_refused(send: Send, signup: Signup, ends_on: str) -> None:
    answer = await send(signup(contract_ends_on=ends_on))
    assert problem(answer, 422)["field"] == "customer.contract_ends_on"


async def test_a_champion_is_succeeded_by_an_update_and_not_by_an_addition(
    send: Send, signup: Signup, db: Database
) -> None:
    await send(signup())
    found = []
    for number, (kind, roles) in enumerate((("contact.added", ["admin"]), ("contact.updated", ["billing"])), start=2):
        contact = {"email": "ada@acme.example.com", "roles": roles}
        answer = await send({"type": kind, "id": f"evt_{number}", "data": {"customer": "acme", "contact": contact}})
        with db.read() as c:
            found.append([set(person.roles) for person in customers.contacts(c, answer.json()["customer"])])
    assert found == [[{"champion", "admin"}], [{"billing"}]]
