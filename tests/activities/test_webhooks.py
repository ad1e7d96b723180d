"""Other systems are told once, signed; what they say, or do not say, is taken as Standard Webhooks mean it."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from gateway.body import verify_webhook
from lifecycle.commands import CallWebhook
from lifecycle.model import Value
from store import customers, ledger, outbox, tables
from tests.fakes.provider import Answer, Drop, FakeProvider, Hang, Seen

if TYPE_CHECKING:
    from tests.activities.conftest import Office

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
SECRET = "whsec_" + "c2VjcmV0IG9mIHRoZSBlbmRwb2ludCBpbiB0ZXN0cw=="


class Endpoint(FakeProvider):
    """Another system; `told`: the messages it took."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Seen] = []

    def take(self, seen: Seen) -> Answer:
        self.told.append(seen)
        return Answer(200)


@pytest.fixture
def crm() -> Iterator[Endpoint]:
    with Endpoint() as endpoint:
        yield endpoint


def told(office: "Office") -> CallWebhook:
    data: dict[str, Value] = {"arr": 12_000, "band": "green"}
    return CallWebhook(
        office.touch("tell", "send", "crm"), office.digest, "tell", "crm", office.email().due, "renewal.won", data
    )


def id_of(seen: Seen) -> str:
    return {name.lower(): value for name, value in seen.headers.items()}["webhook-id"]


def through(office: "Office", crm: Endpoint, **changes: float) -> tuple[str, str]:
    """Perform the message with the endpoint set up."""
    hooks = (("crm", f"{crm.url}/hooks"),)
    return office.one(told(office), office.performer(webhooks=hooks, webhook_secret=SECRET, **changes))


def test_a_message_is_signed_and_sent_once(office: "Office", crm: Endpoint) -> None:
    assert [through(office, crm)[0] for _ in range(2)] == ["sent", "sent"]
    (seen,) = crm.told
    assert seen.body["type"] == "renewal.won"
    assert seen.body["data"] == {"customer": office.customer.outer_id, "arr": 12_000, "band": "green"}
    body = json.dumps(seen.body, separators=(",", ":")).encode()
    verify_webhook([SECRET], {name.lower(): value for name, value in seen.headers.items()}, body)
    with office.db.read() as c:
        assert id_of(seen) == ledger.touch_hash(c, told(office).touch)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_endpoint_is_told_later(office: "Office", crm: Endpoint, status: int) -> None:
    crm.script("/hooks", Answer(status))
    assert through(office, crm) == ("later", f"crm answered {status}")
    assert through(office, crm)[0] == "sent"
    assert len(crm.told) == 1


@pytest.mark.parametrize("status", [301, 400, 410])
def test_a_refusal_is_for_a_person_to_see_to(office: "Office", crm: Endpoint, status: int) -> None:
    crm.script("/hooks", Answer(status, headers={"Location": f"{crm.url}/elsewhere"}))
    assert through(office, crm) == ("failed", f"crm refused the message ({status})")
    assert [seen.path for seen in crm.seen] == ["/hooks"]


@pytest.mark.parametrize("silence", [Hang(takes=True), Drop()], ids=["hangs", "drops"])
def test_a_message_without_an_answer_is_sent_again_with_the_same_id(
    office: "Office", crm: Endpoint, silence: Hang | Drop
) -> None:
    crm.script("/hooks", silence)
    assert through(office, crm, timeout=0.2)[0] == "unknown"
    assert through(office, crm)[0] == "sent"
    assert len({id_of(seen) for seen in crm.seen}) == 1


def test_an_endpoint_that_is_away_is_told_later(office: "Office") -> None:
    away = office.performer(webhooks=(("crm", "http://127.0.0.1:1/hooks"),), webhook_secret=SECRET)
    assert office.one(told(office), away) == ("later", "crm cannot be reached (ConnectionRefusedError)")


def test_what_goes_to_nobody_we_know_stays_in_the_outbox(office: "Office") -> None:
    assert office.one(told(office)) == ("sent", "")
    with office.db.read() as c:
        (kept,) = outbox.entries(c, 10)
        assert c.execute(select(tables.ledger.c.transport)).scalar_one() == "outbox"
    assert (kept.to, kept.subject) == ("crm", "renewal.won to crm")


def test_a_rehearsal_tells_nobody(new_office: Callable[..., "Office"], crm: Endpoint) -> None:
    office = new_office("Beta", 86_400.0)
    assert through(office, crm)[0] == "sent"
    assert crm.seen == []


def test_a_customer_who_has_left_is_told_about_no_more(office: "Office", crm: Endpoint) -> None:
    with office.db.begin() as c:
        customers.stop(c, office.customer.id, stopped=True)
    assert through(office, crm)[0] == "withdrawn"
    assert crm.seen == []
