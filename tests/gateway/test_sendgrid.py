"""`POST /sendgrid/events`: bounces stop mail, deliveries settle what had no answer, nothing refuses the rest."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from freezegun import freeze_time

from gateway.app import Config
from store import customers, ledger
from store.database import Database

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
Post = Callable[..., Any]


@pytest.fixture
def make_config(make_config: Callable[..., Config]) -> Callable[..., Config]:
    encoded = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return lambda **changes: make_config(sendgrid_public_key=base64.b64encode(encoded).decode(), **changes)


@pytest.fixture
def post(client: httpx.AsyncClient) -> Post:
    """Send a batch as SendGrid does: the body ends in CRLF, the timestamp is signed with it."""

    async def send(batch: Any, *, at: datetime | None = None, **headers: str) -> httpx.Response:
        body = json.dumps(batch).encode() + b"\r\n"
        stamp = str(int((at or datetime.now(UTC)).timestamp()))  # noqa: TID251 - SendGrid has a clock of its own
        signature = base64.b64encode(KEY.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        given = {
            "content-type": "application/json",
            "x-twilio-email-event-webhook-signature": signature,
            "x-twilio-email-event-webhook-timestamp": stamp,
        }
        return await client.post("/sendgrid/events", content=body, headers={**given, **headers})

    return send


def event(kind: str, **more: Any) -> dict[str, Any]:
    return {"event": kind, "email": "ada@acme.example.com", "sg_event_id": "e1", **more}


def why(db: Database) -> str | None:
    with db.read() as c:
        return customers.is_suppressed(c, "ada@acme.example.com")


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (event("bounce", type="bounce"), "bounced"),
        (event("bounce"), "bounced"),
        (event("bounce", type="blocked"), None),
        (event("blocked"), None),
        (event("deferred"), None),
        (event("dropped"), None),
        (event("spamreport"), "complained"),
        (event("unsubscribe"), "unsubscribed"),
        (event("group_unsubscribe"), "unsubscribed"),
        (event("open", sg_machine_open=True), None),
        (event("something_new"), None),
    ],
    ids=lambda value: str(value.get("event", "")) + str(value.get("type", "")) if isinstance(value, dict) else "",
)
async def test_what_stops_mail_to_an_address(
    post: Post, send: Any, signup: Any, db: Database, told: Any, expected: str | None
) -> None:
    await send(signup())
    assert (await post([told])).status_code == 204
    assert (await post([told])).status_code == 204
    assert why(db) == expected
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    assert customer.seq == (1 if expected is None else 2)


async def test_one_bad_event_does_not_refuse_the_others(post: Post, db: Database) -> None:
    bad = [None, 7, {}, {"event": ["bounce"]}, event("bounce", email=None), event("bounce", email="x")]
    assert (await post([*bad, event("bounce")])).status_code == 204
    assert why(db) == "bounced"


@pytest.mark.parametrize("letter", ["\0", "\ud800"], ids=["NUL", "half a pair"])
async def test_what_no_database_takes_does_not_refuse_the_others(post: Post, db: Database, letter: str) -> None:
    bad = [
        event("delivered", touch=letter),
        event("bounce", email=f"{letter}@acme.example.com"),
        event(f"bounce{letter}"),
    ]
    assert (await post([*bad, event("bounce", sg_event_id=letter)])).status_code == 204
    assert why(db) == "bounced"


async def test_a_delivery_settles_a_send_without_an_answer(post: Post, db: Database) -> None:
    touch = "cus_1/onboarding/1/welcome/1/send/con_1"
    reservation = ledger.reserve(db, touch, customer="cus_1", kind="send_email", lease_for=timedelta(seconds=30))
    ledger.unknown(db, touch, reservation.attempt, "no answer")
    with db.read() as c:
        name = ledger.touch_hash(c, touch)
    assert (await post([event("processed", touch="0" * 32), event("delivered", touch=name)])).status_code == 204
    with db.read() as c:
        standing = ledger.standing(c, touch)
    assert standing is not None
    assert standing.state == "sent"


@pytest.mark.parametrize("state", ["held", "failed", "withdrawn"])
async def test_a_delivery_tells_that_a_send_arrived_which_seemed_refused(
    post: Post, db: Database, state: Literal["held", "failed", "withdrawn"]
) -> None:
    touch = "cus_1/onboarding/1/welcome/1/send/con_1"
    reservation = ledger.reserve(db, touch, customer="cus_1", kind="send_email", lease_for=timedelta(seconds=30))
    ledger.defer(db, touch, reservation.attempt, "SendGrid answered 503")
    if state != "held":
        ledger.give_up(db, touch, state, "nobody knows whether it arrived")
    with db.read() as c:
        name = ledger.touch_hash(c, touch)
    assert (await post([event("processed", touch=name)])).status_code == 204
    found = ledger.reserve(db, touch, customer="cus_1", kind="send_email", lease_for=timedelta(seconds=30))
    assert isinstance(found, ledger.Standing)
    assert (found.state, found.reason) == ("sent", "SendGrid says processed")


async def test_a_wrong_signature_is_401(post: Post, db: Database) -> None:
    for wrong in ("AAAA", "not base64", "", "MEUCIQD="):
        answer = await post([event("bounce")], **{"x-twilio-email-event-webhook-signature": wrong})
        assert answer.status_code == 401, wrong
    assert (await post([event("bounce")], **{"x-twilio-email-event-webhook-timestamp": "soon"})).status_code == 401
    assert why(db) is None


@pytest.mark.parametrize(("age", "status"), [(299, 204), (301, 401), (-301, 401)])
async def test_an_old_batch_is_refused(post: Post, age: int, status: int) -> None:
    with freeze_time(NOW, real_asyncio=True):
        assert (await post([], at=NOW - timedelta(seconds=age))).status_code == status


async def test_what_is_not_a_list_is_400(post: Post) -> None:
    assert (await post({"event": "bounce"})).status_code == 400
