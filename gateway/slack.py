"""Buttons pressed in Slack: `POST /slack/interactions`.

Slack waits 3 seconds: it gets its 200 as soon as the press is an inbox row, and none without. What comes of it is told
afterwards, and only to the presser, where the card itself does not say it: a second press, too late, not yours. A
task's card loses its button. A button's value is an id and no permission; who pressed is looked up by the Slack user id
that Slack signed.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs

import structlog
from fastapi import APIRouter, Request, Response
from slack_sdk.webhook import WebhookClient

from activities.cards import APPROVE, DONE, REJECT, escape
from gateway.answers import Answers, Press
from gateway.body import read_body, require_type, unauthorised, verify_slack
from gateway.entitled import Answer
from gateway.refusals import RefusedError
from lifecycle.messages import ApprovalAnswered, Reply, TaskTicked
from store import team
from store.database import Database
from store.team import Person

ACKNOWLEDGE_WITHIN = 2.5
RESPOND_WITHIN = 5
SHOWN_BY_THE_CARD = frozenset({"approved", "rejected"})
STRANGER = "I do not know you: your Slack id is not in the team file, so nothing was changed."
NOT_KEPT = "Your press could not be kept, so nothing was changed. Please press again in a moment."

_log = structlog.get_logger("gateway.slack")


@dataclass(frozen=True, slots=True)
class Pressed:
    """A verified press: which button, of which message, by whom, and where to tell them something. `blocks`: what the
    message shows.
    """

    action: str
    value: str
    user: str
    id: str
    response_url: str
    blocks: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class SlackPresses:
    """The route for Slack's interactivity. `team_id`, `app_id`: empty means that any is taken."""

    db: Database
    answers: Answers
    signing_secret: str
    team_id: str = ""
    app_id: str = ""

    def router(self) -> APIRouter:
        """The route; Slack's own format, so not part of the API description."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/slack/interactions", self.interaction, methods=["POST"])
        return router

    async def interaction(self, request: Request) -> Response:
        """Take a press; an unknown kind of interaction or button is acknowledged and left alone."""
        body = await read_body(request)
        verify_slack(self.signing_secret, request.headers, body)
        require_type(request, "application/x-www-form-urlencoded")
        payload = _payload(body)
        if not self._ours(payload):
            raise unauthorised("payload", "is of another workspace or app", "check the settings STAGEPLAY_SLACK_*")
        pressed = read_press(payload)
        if pressed is None:
            return Response(status_code=200)
        task = asyncio.ensure_future(self._record(pressed))
        done, _ = await asyncio.wait({task}, timeout=ACKNOWLEDGE_WITHIN)
        self.answers.deliverer.soon(self._finish(pressed, task))
        # Otherwise Slack shows a warning beside the button; pressing again is safe, whatever became of this press.
        kept = bool(done) and task.exception() is None
        return Response(status_code=200 if kept else 503)

    def _ours(self, payload: dict[str, Any]) -> bool:
        sender = payload.get("team")
        workspace = sender.get("id", "") if isinstance(sender, dict) else ""
        return self.team_id in ("", workspace) and self.app_id in ("", payload.get("api_app_id", ""))

    async def _record(self, pressed: Pressed) -> Press | Reply:
        press = await asyncio.to_thread(self._press, pressed)
        if isinstance(press, Reply):
            return press
        return await self.answers.record(press) or press

    def _press(self, pressed: Pressed) -> Press | Reply:
        with self.db.read() as c:
            person = team.teammate_by_slack(c, pressed.user)
            if person is None:
                return Reply("not_yours", STRANGER)
        return Press("slack", pressed.id, pressed.value.partition("/")[0], person, _answer(pressed, person))

    async def _finish(self, pressed: Pressed, task: "asyncio.Future[Press | Reply]") -> None:
        """Deliver, and tell the presser what the card does not."""
        try:
            recorded = await task
        except Exception as error:  # noqa: BLE001 - whatever it was is logged, and the presser must hear of it
            _log.warning("press_not_kept", why=type(error).__name__)
            await asyncio.to_thread(_respond, pressed.response_url, NOT_KEPT)
            return
        reply = recorded if isinstance(recorded, Reply) else await self.answers.outcome(recorded)
        if reply.result not in SHOWN_BY_THE_CARD:
            await asyncio.to_thread(_respond, pressed.response_url, reply.text)
        if pressed.action == DONE and reply.result in ("done", "already") and pressed.blocks:
            said = f"Done by {recorded.by.name}." if isinstance(recorded, Press) else reply.text
            await asyncio.to_thread(_respond, pressed.response_url, said, _without_buttons(pressed.blocks, said))


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(parse_qs(body.decode(), max_num_fields=20)["payload"][0])
    except (ValueError, KeyError, RecursionError):
        payload = None
    if not isinstance(payload, dict):
        raise RefusedError("payload", "cannot be read", "send Slack's interaction as it came", status=400)
    return payload


def read_press(payload: dict[str, Any]) -> Pressed | None:
    """The press in an interaction; None for a kind or a button that decides nothing (the one that opens a page)."""
    if payload.get("type") != "block_actions":
        return None
    try:
        action = payload["actions"][0]
        pressed = Pressed(
            action=str(action["action_id"]),
            value=str(action["value"]),
            user=str(payload["user"]["id"]),
            id=f"{payload['container']['message_ts']}/{action['action_ts']}",
            response_url=str(payload.get("response_url", "")),
            blocks=_blocks(payload.get("message")),
        )
    except (KeyError, IndexError, TypeError):
        return None
    return pressed if pressed.action in (APPROVE, REJECT, DONE) else None


def _answer(pressed: Pressed, person: Person) -> Answer:
    if pressed.action == DONE:
        return TaskTicked(pressed.value, person.id)
    approval = pressed.value.partition("/")[2]
    answer: Literal["approve", "reject"] = "approve" if pressed.action == APPROVE else "reject"
    return ApprovalAnswered(approval, person.id, answer, f"slack:{pressed.id}")


def _blocks(message: object) -> tuple[dict[str, Any], ...]:
    found = message.get("blocks") if isinstance(message, dict) else None
    return tuple(one for one in found if isinstance(one, dict)) if isinstance(found, list) else ()


def _without_buttons(blocks: Sequence[dict[str, Any]], said: str) -> list[dict[str, Any]]:
    """A task's card as it was, with what was done in place of its buttons."""
    kept = [one for one in blocks if one.get("type") != "actions"]
    return [*kept, {"type": "section", "text": {"type": "mrkdwn", "text": escape(said), "verbatim": True}}]


def _respond(url: str, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
    """A message to the presser alone, or with `blocks` the card anew. Losing it loses nothing, so it is tried once."""
    if not url:
        return
    how: dict[str, Any] = {"response_type": "ephemeral", "replace_original": False}
    if blocks:
        how = {"replace_original": True, "blocks": list(blocks)}
    try:
        WebhookClient(url, timeout=RESPOND_WITHIN, retry_handlers=[]).send(text=text, **how)
    except OSError as error:
        _log.info("slack_response_lost", why=type(error).__name__)
