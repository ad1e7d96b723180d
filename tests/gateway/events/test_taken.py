"""`POST /v1/events` on both databases: what is taken, and what becomes of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from freezegun import freeze_time

from lifecycle.jsonform import decode_union
from lifecycle.messages import Event
from lifecycle.model import Clock, Contact, Teammate
from store import customers, inbox, meetings, standing
from store.database import Database
from store.rollouts import EVERYBODY

pytestmark = pytest.mark.anyio
Send = Any
Signup = Callable[..., dict[str, Any]]

Rows = Callable[[], list[dict[str, Any]]]
Problem = Callable[[httpx.Response, int], dict[str, str]]
Refusals = Callable[[], list[str]]

EXIT: dict[str, Any] = {"contact": "ada@acme.example.com", "survey": "exit", "reason": "other", "would_return": "no"}


async def test_a_signup_makes_the_customer_and_is_its_first_event(
    send: Send, signup: Signup, db: Database, rows: Rows
) -> None:
    answer = await send(signup())
    assert answer.status_code == 202
    with db.read() as c:
        customer = customers.find(c, "acme")
        assert customer is not None
        people = customers.contacts(c, customer.id)
    assert answer.json() == {"status": "accepted", "customer": customer.id, "seq": 1}
    assert (customer.name, customer.profile.arr, customer.clock.factor) == ("Acme", 24_000, 1.0)
    [event] = rows()
    assert event["kind"] == "signed_up"
    assert decode_union(Event, event).contacts == (Contact(people[0].id, ("champion",)),)
    assert decode_union(Event, event).team["csm"] == Teammate("mara", "Europe/Berlin")
    assert "ada" not in str(event).lower()


async def test_a_signup_under_a_standing_hold_begins_with_it(
    send: Send, signup: Signup, db: Database, rows: Rows
) -> None:
    with db.begin() as c:
        standing.place(c, EVERYBODY, "onboarding-14-day", "priya", "a wrong link")
    assert (await send(signup())).json()["seq"] == 1
    held = {"kind": "hold_placed", "by": "priya", "reason": "a wrong link", "playbook": "onboarding-14-day"}
    assert [rows()[0]["kind"], rows()[1]] == ["signed_up", held]
    assert (await send(signup())).json()["seq"] == 1
    assert len(rows()) == 2


async def test_a_repeat_gets_the_same_answer_and_changes_nothing(send: Send, signup: Signup, rows: Rows) -> None:
    first = await send(signup())
    again = await send(signup(), message="msg_2")
    assert (again.status_code, again.json()) == (202, first.json())
    assert len(rows()) == 1


async def test_a_second_signup_updates_the_profile_and_adds_people(
    send: Send, signup: Signup, db: Database, rows: Rows
) -> None:
    await send(signup())
    later = signup("evt_2", tier="enterprise")
    later["data"]["contacts"].append({"email": "bo@acme.example.com", "name": "Bo", "roles": ["admin"]})
    answer = await send(later)
    assert answer.json()["seq"] == 2
    assert [row["kind"] for row in rows()] == ["signed_up", "profile_changed", "contact_changed", "contact_changed"]
    with db.read() as c:
        customer = customers.find(c, "acme")
        assert customer is not None
        assert customer.profile.tier == "enterprise"
        assert len(customers.contacts(c, customer.id)) == 2


@pytest.mark.parametrize(
    ("said", "touch"), [({"arr": 9_999}, "low"), ({"arr": 10_000}, "mid"), ({"arr": 50_000, "touch": "low"}, "low")]
)
async def test_the_touch_model_goes_by_the_arr_unless_it_is_said(
    send: Send, signup: Signup, db: Database, said: dict[str, Any], touch: str
) -> None:
    await send(signup(**said))
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    assert customer.profile.touch == touch


async def test_a_signup_names_its_journey(send: Send, signup: Signup, db: Database) -> None:
    assert (await send(signup(journey="short"))).status_code == 202
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    assert customer.profile.journey == "short"


@pytest.mark.parametrize("event", ["customer.signed_up", "customer.updated"])
async def test_a_journey_that_nobody_has_is_refused_with_one_to_name(send: Send, signup: Signup, event: str) -> None:
    if event == "customer.updated":
        await send(signup())
    said = {**signup("evt_2", journey="shrt"), "type": event}
    answer = await send(said)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert (error["field"], error["fix"]) == ("customer.journey", 'did you mean "short"?')
    assert "shrt" not in answer.text


async def test_an_event_before_the_signup_waits_for_it(
    send: Send, signup: Signup, db: Database, rows: Rows, problem: Problem
) -> None:
    early = {"type": "api.connected", "id": "evt_early", "data": {"customer": "acme"}}
    answer = await send(early)
    assert (answer.status_code, answer.json()) == (202, {"status": "parked"})
    assert (await send(early)).json() == {"status": "parked"}
    assert problem(await send({**early, "data": {"customer": "acme", "facts": {}}}), 409)
    await send(signup())
    assert [row["kind"] for row in rows()] == ["signed_up", "happened"]
    with db.read() as c:
        assert inbox.parked(c) == []


async def test_a_parked_event_that_makes_no_sense_is_shown_and_does_not_stop_the_signup(
    send: Send, signup: Signup, rows: Rows, refusals: Refusals
) -> None:
    await send({"type": "facts.reported", "id": "evt_early", "data": {"customer": "acme", "facts": {"nope": 1}}})
    assert (await send(signup())).status_code == 202
    assert len(rows()) == 1
    assert len(refusals()) == 1


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
        (
            {
                "type": "contract.signed",
                "data": {"contract": {"starts_on": "2026-04-01", "ends_on": "2027-03-31", "auto_renews": True}},
            },
            ["contract_signed"],
        ),
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
    send: Send, signup: Signup, event: dict[str, Any], kinds: list[str], rows: Rows
) -> None:
    await send(signup())
    answer = await send({**event, "id": "evt_2", "data": {"customer": "acme", **event["data"]}})
    assert answer.status_code == 202, answer.text
    assert [row["kind"] for row in rows()][1:] == kinds


async def test_a_churn_stops_sends_the_moment_it_is_accepted(send: Send, signup: Signup, db: Database) -> None:
    await send(signup())
    await send({"type": "customer.churned", "id": "evt_2", "data": {"customer": "acme"}})
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    assert customer.stopped


async def test_a_signup_without_a_zone_gets_the_lifecycles(send: Send, signup: Signup, db: Database) -> None:
    assert (await send(signup(zone=None))).status_code == 202
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    assert customer.profile.zone == "Europe/Berlin"


async def test_a_signup_without_a_champion_is_taken(send: Send, signup: Signup, rows: Rows) -> None:
    event = signup()
    event["data"]["contacts"] = []
    assert (await send(event)).status_code == 202
    assert "contacts" not in rows()[0]


async def test_the_message_id_counts_where_the_event_has_none(send: Send, signup: Signup, rows: Rows) -> None:
    event = signup()
    del event["id"]
    await send(event, message="msg_7")
    assert (await send(event, message="msg_7")).status_code == 202
    assert len(rows()) == 1


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


async def test_segment_calls_make_a_customer_its_people_and_its_events(send: Send, rows: Rows) -> None:
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
    kinds = [row["kind"] for row in rows()]
    assert kinds == ["signed_up", "contact_changed", "happened"]
    assert rows()[2] == {"kind": "happened", "name": "api.connected", "facts": {"usage.dau_wau": 0.5}}


async def test_a_survey_of_another_tool_says_itself_that_its_answer_is_late(
    send: Send, signup: Signup, rows: Rows, problem: Problem
) -> None:
    await send(signup())
    answer = {"customer": "acme", "contact": "ada@acme.example.com", "score": 3}
    wrong = await send({"type": "survey.answered", "id": "evt_2", "data": {**answer, "late": "yes"}})
    assert "leave it out" in problem(wrong, 422)["fix"]
    await send({"type": "survey.answered", "id": "evt_3", "data": {**answer, "late": True}})
    assert rows()[-1]["late"] is True


async def test_answers_to_every_survey_of_ours_are_taken(send: Send, signup: Signup, rows: Rows) -> None:
    await send(signup())
    easy: dict[str, Any] = {"contact": "ada@acme.example.com", "survey": "ces", "score": 7}
    for number, data in enumerate((easy, EXIT)):
        answer = await send({"type": "survey.answered", "id": f"evt_{number}", "data": {"customer": "acme", **data}})
        assert answer.status_code == 202, answer.text
    assert [row["survey"] for row in rows()[1:]] == ["ces", "exit"]
    assert rows()[2]["answers"] == {"reason": "other", "would_return": "no"}


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"survey": "mood"}, id="no survey of ours"),
        pytest.param({"survey": ["exit"]}, id="a list"),
        pytest.param({"reason": "boredom"}, id="no such answer"),
        pytest.param({"survey": "csat", "score": 0, "reason": None, "would_return": None}, id="below the scale"),
    ],
)
async def test_an_answer_that_no_survey_of_ours_offers_is_refused(
    send: Send, signup: Signup, rows: Rows, problem: Problem, wrong: dict[str, Any]
) -> None:
    await send(signup())
    data = {name: value for name, value in {**EXIT, "customer": "acme", **wrong}.items() if value is not None}
    assert problem(await send({"type": "survey.answered", "id": "evt_2", "data": data}), 422)
    assert len(rows()) == 1


async def test_a_reply_and_what_became_of_a_meeting_reach_the_inbox(
    send: Send, signup: Signup, db: Database, rows: Rows, problem: Problem
) -> None:
    customer = (await send(signup())).json()["customer"]
    at = datetime(2026, 3, 5, 9, tzinfo=UTC)
    touch = f"{customer}/onboarding/1/kickoff/1/send"
    meetings.book(db, touch, organizer="mara", opens=at, closes=at + timedelta(hours=4), minutes=60, guests=())
    told: list[tuple[str, dict[str, Any]]] = [("email.replied", {"contact": {"email": "ada@acme.example.com"}})]
    told += [(f"meeting.{said}", {"meeting": "onboarding/1/kickoff"}) for said in ("declined", "no_show", "held")]
    for number, (kind, data) in enumerate(told, start=2):
        answer = await send({"type": kind, "id": f"evt_{number}", "data": {"customer": "acme", **data}})
        assert answer.status_code == 202
    reply, *answers = rows()[1:]
    assert (reply["kind"], reply["contact"][:4]) == ("email_replied", "con_")
    assert [(row["meeting"], row["outcome"]) for row in answers] == [
        ("onboarding/1/kickoff", "declined"),
        ("onboarding/1/kickoff", "no_show"),
        ("onboarding/1/kickoff", "held"),
    ]
    unheard_of = {"customer": "acme", "meeting": "onboarding/1/kick-off"}
    answer = await send({"type": "meeting.held", "id": "evt_9", "data": unheard_of})
    assert problem(answer, 422)["fix"] == 'did you mean "onboarding/1/kickoff"?'


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
