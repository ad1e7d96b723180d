"""Who may send events: the signature, its age, and what a sender that is refused hears."""

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time

from store import customers, inbox
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
Send = Any
Signup = Callable[..., dict[str, Any]]
SECRET = "whsec_" + "c3RhZ2VwbGF5LXRlc3Qtc2VjcmV0LTAwMDE="  # as in conftest
OTHER_SECRET = "whsec_" + "b3RoZXItc2VjcmV0LW90aGVyLXNlY3JldC0wMDAx"


@pytest.mark.parametrize(
    ("how", "field", "said"),
    [
        ({"secret": OTHER_SECRET}, "webhook-signature", "does not fit"),
        ({"headers": {"webhook-signature": "v1,AAAA"}}, "webhook-signature", "does not fit"),
        ({"headers": {"webhook-signature": "v1"}}, "webhook-signature", "does not fit"),
        ({"headers": {"webhook-signature": "v1,=not base64="}}, "webhook-signature", "does not fit"),
        ({"headers": {"webhook-signature": b"v1,\xe9"}}, "webhook-signature", "does not fit"),
        ({"headers": {"webhook-signature": None}}, "webhook-signature", "is missing"),
        ({"headers": {"webhook-id": None}}, "webhook-id", "is missing"),
        ({"headers": {"webhook-id": "another"}}, "webhook-signature", "does not fit"),
        ({"headers": {"webhook-timestamp": None}}, "webhook-timestamp", "is missing"),
        ({"headers": {"webhook-timestamp": "yesterday"}}, "webhook-timestamp", "is not a number"),
        ({"headers": {"webhook-timestamp": "nan"}}, "webhook-timestamp", "is not a number"),
        ({"headers": {"webhook-timestamp": "9" * 5000}}, "webhook-timestamp", "is not a number"),
        ({"headers": {"webhook-timestamp": "1772442000"}}, "webhook-timestamp", "more than 5 minutes"),
    ],
)
async def test_a_401_names_the_header_to_mend_and_keeps_nothing(
    send: Send, signup: Signup, db: Database, how: dict[str, Any], field: str, said: str
) -> None:
    answer = await send(signup(), **how)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert error["field"] == field
    assert said in error["problem"]
    assert error["fix"]
    with db.read() as c:
        assert customers.find(c, "acme") is None
        assert inbox.refused(c, 50) == []


async def test_what_would_have_fitted_is_never_said(send: Send, signup: Signup, sign: Any) -> None:
    """Equal words for a wrong secret and a changed body: nothing to learn the right signature from."""
    changed = sign(b"{}")
    answers = [await send(signup(), secret=OTHER_SECRET), await send(signup(), headers=changed)]
    assert answers[0].text == answers[1].text
    assert changed["webhook-signature"] not in answers[1].text


@pytest.mark.parametrize("body", [b'{"type": "\xff"}', b"\xff\xfe"], ids=["inside", "all of it"])
async def test_a_signed_body_that_is_not_utf_8_is_400(send: Send, body: bytes) -> None:
    stamp = str(int(datetime.now(UTC).timestamp()))  # noqa: TID251 - a sender has a clock of its own
    right = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), f"msg_1.{stamp}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(right).decode()}"
    answer = await send(body, headers={"webhook-timestamp": stamp, "webhook-signature": signature})
    assert answer.status_code == 400
    assert "is not UTF-8" in answer.json()["error"]["problem"]
    assert (await send(body)).status_code == 401


async def test_one_fitting_signature_of_several_is_enough(send: Send, signup: Signup, sign: Any) -> None:
    """As a sender does that replaces its secret: old and new, and a version that we do not know."""
    body = json.dumps(signup()).encode()
    good = sign(body)["webhook-signature"]
    assert (await send(body, headers={"webhook-signature": f"v2,x v1,AAAA {good}"})).status_code == 202


async def test_both_secrets_work_while_one_is_replaced(send: Send, signup: Signup, make_config: Any) -> None:
    _, old = make_config().webhook_secrets
    assert (await send(signup(), secret=old)).status_code == 202


@pytest.mark.parametrize(("age", "status"), [(300, 202), (301, 401), (-300, 202), (-301, 401)])
async def test_a_timestamp_counts_for_five_minutes(send: Send, signup: Signup, age: int, status: int) -> None:
    now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    with freeze_time(now, real_asyncio=True):
        answer = await send(signup(), at=now - timedelta(seconds=age))
    assert answer.status_code == status
