"""`POST /slack/interactions`: who may press, what a press becomes, and what the presser is told."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from freezegun import freeze_time
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import text

from store import customers, projections
from store.database import Database

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = datetime(2026, 3, 3, 8, 30, tzinfo=UTC)
Presser = Callable[..., Any]


class Whispers:
    """Slack's side of a `response_url`, on loopback: what was told, and to wait for it."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self._came = threading.Condition()
        whispers = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"ok")
                with whispers._came:
                    whispers.told.append(body)
                    whispers._came.notify_all()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/actions"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    async def wait(self, count: int) -> list[dict[str, Any]]:
        def until() -> list[dict[str, Any]]:
            with self._came:
                assert self._came.wait_for(lambda: len(self.told) >= count, timeout=60)
                return self.told

        return await asyncio.to_thread(until)

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def whispers() -> Iterator[Whispers]:
    server = Whispers()
    yield server
    server.close()


@pytest.fixture
async def acme(send: Any, signup: Any, db: Database) -> str:
    await send(signup())
    with db.read() as c:
        customer = customers.find(c, "acme")
    assert customer is not None
    return customer.id


def headers(body: bytes, *, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    stamp = str(int((at or datetime.now(UTC)).timestamp()))  # noqa: TID251 - Slack has a clock of its own
    signature = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    assert signature is not None
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": signature,
    }


def interaction(
    value: str, *, action: str = "approval_approve", user: str = "U0MARA", ts: str = "1.1", url: str = "", **more: Any
) -> bytes:
    payload = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "api_app_id": "A1",
        "user": {"id": user},
        "container": {"message_ts": "100.1"},
        "actions": [{"action_id": action, "value": value, "action_ts": ts}],
        "response_url": url,
        **more,
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


@pytest.fixture
def press(client: httpx.AsyncClient) -> Presser:
    async def post(body: bytes, **how: Any) -> httpx.Response:
        return await client.post("/slack/interactions", content=body, headers=headers(body, **how))

    return post


def rows(db: Database) -> list[dict[str, Any]]:
    with db.read() as c:
        found = c.execute(text("SELECT source, event_id, event FROM inbox WHERE source = 'slack' ORDER BY seq")).all()
    return [{"source": row.source, "id": row.event_id, **json.loads(row.event)} for row in found]


async def test_an_approvers_press_is_one_inbox_row_and_one_update(
    press: Presser, acme: str, ask_approval: Any, db: Database
) -> None:
    approval = ask_approval(acme)
    answer = await press(interaction(f"{acme}/{approval}"))
    assert (answer.status_code, answer.content) == (200, b"")
    [row] = rows(db)
    assert row == {
        "source": "slack",
        "id": "100.1/1.1",
        "kind": "approval_answered",
        "approval": approval,
        "by": "mara",
        "answer": "approve",
        "press": "slack:100.1/1.1",
    }


async def test_a_press_sent_twice_is_answered_and_not_acted_on(
    press: Presser, acme: str, ask_approval: Any, db: Database
) -> None:
    body = interaction(f"{acme}/{ask_approval(acme)}")
    assert [(await press(body)).status_code for _ in range(3)] == [200, 200, 200]
    assert len(rows(db)) == 1


async def test_a_second_press_is_told_what_the_core_says(
    press: Presser, acme: str, ask_approval: Any, temporal: Any, whispers: Whispers
) -> None:
    approval = ask_approval(acme)
    temporal.reply = {"result": "already", "text": "Already approved by mara."}
    await press(interaction(f"{acme}/{approval}", user="U0PRIYA", ts="2.2", url=whispers.url))
    [told] = await whispers.wait(1)
    assert told == {
        "text": "Already approved by Mara Lindqvist.",
        "response_type": "ephemeral",
        "replace_original": False,
    }


@pytest.mark.parametrize(
    ("user", "said"), [("U0IVO", "not yours"), ("U0STRANGER", "do not know you"), ("", "do not know you")]
)
async def test_a_press_by_a_person_not_entitled_changes_nothing(
    press: Presser, acme: str, ask_approval: Any, db: Database, temporal: Any, whispers: Whispers, user: str, said: str
) -> None:
    answer = await press(interaction(f"{acme}/{ask_approval(acme)}", user=user, url=whispers.url))
    assert answer.status_code == 200
    [told] = await whispers.wait(1)
    assert said in told["text"]
    assert rows(db) == []
    assert temporal.updates == []


async def test_a_manager_may_answer_any_approval(press: Presser, acme: str, ask_approval: Any, db: Database) -> None:
    await press(interaction(f"{acme}/{ask_approval(acme)}", user="U0RUTH", action="approval_reject"))
    assert [(row["by"], row["answer"]) for row in rows(db)] == [("ruth", "reject")]


async def test_an_approval_says_nothing_of_an_edit_that_came_with_another_press(
    press: Presser, acme: str, ask_approval: Any, db: Database
) -> None:
    approval = ask_approval(acme)
    with db.begin() as c:
        projections.save_edit(c, acme, approval, 2, "Hello", "Other words", "mara")
    await press(interaction(f"{acme}/{approval}"))
    assert "edited" not in rows(db)[0]


async def test_done_on_a_task_is_told_and_the_card_shows_who_did_it(
    press: Presser, acme: str, raise_task: Any, temporal: Any, whispers: Whispers
) -> None:
    temporal.reply = {"result": "done", "text": "Ticked."}
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Call Acme"}},
        {"type": "actions", "elements": []},
    ]
    await press(interaction(raise_task(acme), action="task_done", url=whispers.url, message={"blocks": blocks}))
    told, card = await whispers.wait(2)
    assert (told["text"], told["response_type"]) == ("Ticked.", "ephemeral")
    assert card["replace_original"] is True
    assert [block["type"] for block in card["blocks"]] == ["header", "section"]
    assert card["blocks"][1]["text"]["text"] == "Done by Mara Lindqvist."


async def test_a_second_done_is_told_who_did_it_and_takes_the_button_away(
    press: Presser, acme: str, raise_task: Any, temporal: Any, whispers: Whispers, db: Database
) -> None:
    temporal.reply = {"result": "done", "text": "Ticked."}
    task, message = raise_task(acme), {"blocks": [{"type": "actions", "elements": []}]}
    first = interaction(task, action="task_done", url=whispers.url)
    await press(first)
    await whispers.wait(1)
    await press(interaction(task, action="task_done", url=whispers.url, user="U0PRIYA", ts="2.2", message=message))
    _, told, card = await whispers.wait(3)
    assert told["text"] == "Already done by Mara Lindqvist."
    assert card["blocks"][0]["text"]["text"] == "Already done by Mara Lindqvist."
    await press(first)  # the same press again: told what it was told
    assert (await whispers.wait(4))[3]["text"] == "Ticked."
    assert len(rows(db)) == 1


async def test_a_tick_that_is_not_taken_leaves_the_card_alone(
    press: Presser, acme: str, raise_task: Any, temporal: Any, whispers: Whispers
) -> None:
    temporal.reply = {"result": "not_yours", "text": "Not yours."}
    message = {"blocks": [{"type": "actions", "elements": []}]}
    await press(interaction(raise_task(acme), action="task_done", url=whispers.url, message=message))
    await whispers.wait(1)
    temporal.reply = {"result": "done", "text": "Ticked."}
    await press(interaction(raise_task(acme), action="task_done", url=whispers.url, ts="2.1", message={"blocks": 7}))
    assert [one["text"] for one in await whispers.wait(2)] == ["Not yours.", "Ticked."]


async def test_a_press_on_what_does_not_exist_is_told(press: Presser, db: Database, whispers: Whispers) -> None:
    await press(interaction("cus_nobody/onboarding/1/welcome", url=whispers.url))
    await press(interaction("cus_nobody/x", action="task_done", url=whispers.url))
    told = await whispers.wait(2)
    assert {one["text"] for one in told} == {"There is no such request any more."}
    assert rows(db) == []


async def test_a_task_is_done_by_its_button(press: Presser, acme: str, raise_task: Any, db: Database) -> None:
    task = raise_task(acme)
    await press(interaction(task, action="task_done"))
    assert [(row["kind"], row["task"]) for row in rows(db)] == [("task_ticked", task)]


async def test_a_press_while_temporal_is_away_is_kept(
    press: Presser, acme: str, ask_approval: Any, db: Database, temporal: Any
) -> None:
    temporal.away = True
    assert (await press(interaction(f"{acme}/{ask_approval(acme)}"))).status_code == 200
    assert len(rows(db)) == 1


async def test_a_press_that_the_database_cannot_take_yet_is_not_acknowledged_and_lost_neither(
    press: Presser, acme: str, ask_approval: Any, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.slack.ACKNOWLEDGE_WITHIN", 0.2)
    body = interaction(f"{acme}/{ask_approval(acme)}")
    with db.begin():  # nobody else may write meanwhile
        assert (await press(body)).status_code == 503
        assert rows(db) == []
    monkeypatch.undo()
    assert (await press(body)).status_code == 200
    assert len(rows(db)) == 1


async def test_a_press_that_could_not_be_kept_is_told(
    press: Presser, acme: str, ask_approval: Any, db: Database, whispers: Whispers
) -> None:
    body = interaction(f"{acme}/{ask_approval(acme)}", url=whispers.url)
    with db.begin() as c:
        c.execute(text("ALTER TABLE teammates RENAME TO away"))
    assert (await press(body)).status_code == 503
    assert [one["text"] for one in await whispers.wait(1)] == [
        "Your press could not be kept, so nothing was changed. Please press again in a moment."
    ]


async def test_a_wrong_signature_is_401(client: httpx.AsyncClient, acme: str, ask_approval: Any, db: Database) -> None:
    body = interaction(f"{acme}/{ask_approval(acme)}")
    good = headers(body)
    wrong = [
        headers(body, secret="another"),
        {**good, "x-slack-signature": "v0=00"},
        {**good, "x-slack-signature": "v0=é".encode().decode("latin-1")},
        {**good, "x-slack-request-timestamp": "yesterday"},
        {name: value for name, value in good.items() if name != "x-slack-signature"},
        {name: value for name, value in good.items() if name != "x-slack-request-timestamp"},
    ]
    for one in wrong:
        raw = {name.encode(): value.encode("latin-1") for name, value in one.items()}
        assert (await client.post("/slack/interactions", content=body, headers=raw)).status_code == 401
    assert rows(db) == []


@pytest.mark.parametrize(("age", "status"), [(299, 200), (301, 401), (-299, 200), (-301, 401)])
async def test_a_press_counts_for_five_minutes(press: Presser, age: int, status: int) -> None:
    with freeze_time(NOW, real_asyncio=True):
        answer = await press(interaction("x", action="approval_edit"), at=NOW - timedelta(seconds=age))
    assert answer.status_code == status


@pytest.mark.parametrize(
    "body",
    [b"", b"payload=", b"payload=[1]", b"payload={", b"other=1", b"payload=" + b"[" * 50_000],
    ids=["empty", "no payload", "a list", "broken", "other", "deep"],
)
async def test_a_payload_that_cannot_be_read_is_400(press: Presser, body: bytes) -> None:
    assert (await press(body)).status_code == 400


@pytest.mark.parametrize(
    "more", [{"type": "view_submission"}, {"actions": []}, {"user": None}, {"container": {}}], ids=str
)
async def test_other_interactions_are_acknowledged_and_left_alone(
    press: Presser, db: Database, more: dict[str, Any]
) -> None:
    assert (await press(interaction("x", **more))).status_code == 200
    assert rows(db) == []


async def test_another_workspace_is_refused(db: Database, temporal: Any, make_config: Any) -> None:
    from gateway.app import create_app

    app = create_app(make_config(slack_team_id="T1", slack_app_id="A2"), db, temporal.factory)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as client:
        body = interaction("x")
        answer = await client.post("/slack/interactions", content=body, headers=headers(body))
    assert answer.status_code == 401
