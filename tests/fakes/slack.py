"""Slack's Web API as far as we use it: messages in direct conversations, with metadata, updates and history."""

import json
from typing import Any

from tests.fakes.provider import Answer, FakeProvider, Seen

TOKEN = "xoxb-test"
POST, UPDATE = "/api/chat.postMessage", "/api/chat.update"
OPEN, HISTORY = "/api/conversations.open", "/api/conversations.history"


def no(error: str) -> Answer:
    """A refusal the way Slack words it: HTTP 200 and `ok: false`."""
    return Answer(200, {"ok": False, "error": error})


class FakeSlack(FakeProvider):
    """`messages`: what stands in the conversations now, oldest first; `posts`: how often a message was posted."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.started_at = 1_700_000_000

    @property
    def api(self) -> str:
        return f"{self.url}/api"

    @property
    def posts(self) -> int:
        return len(self.messages)

    def take(self, seen: Seen) -> Answer:
        if seen.headers.get("Authorization") != f"Bearer {TOKEN}":
            return no("invalid_auth")
        match seen.path:
            case "/api/chat.postMessage":
                return self._post(seen.body)
            case "/api/chat.update":
                return self._update(seen.body)
            case "/api/conversations.open":
                return Answer(200, {"ok": True, "channel": {"id": _channel(seen.body["users"])}})
            case "/api/conversations.history":
                return self._history(seen.body)
            case _:
                return no("unknown_method")

    def _post(self, body: dict[str, Any]) -> Answer:
        fault = _fault(body)
        if fault:
            return no(fault)
        ts = f"{self.started_at + len(self.messages)}.000100"
        message = {"ts": ts, "channel": _channel(body["channel"]), "text": body["text"], "blocks": body["blocks"]}
        self.messages.append({**message, "metadata": body.get("metadata")})
        return Answer(200, {"ok": True, "channel": message["channel"], "ts": ts, "message": message})

    def _update(self, body: dict[str, Any]) -> Answer:
        fault = _fault(body)
        if fault:
            return no(fault)
        for message in self.messages:
            if (message["channel"], message["ts"]) == (body["channel"], body["ts"]):
                message.update(text=body["text"], blocks=body["blocks"])
                return Answer(200, {"ok": True, "channel": body["channel"], "ts": body["ts"]})
        return no("message_not_found")

    def _history(self, body: dict[str, Any]) -> Answer:
        shown = "metadata" if body.get("include_all_metadata") in (True, "true", "1", 1) else "none"
        found = [
            {key: value for key, value in message.items() if key != "metadata" or shown == "metadata"}
            for message in reversed(self.messages)
            if message["channel"] == body["channel"]
        ]
        first = int(body.get("cursor") or 0)
        limit = min(int(body.get("limit", 100)), 2)  # small pages, so that paging is exercised
        page = found[first : first + limit]
        following = str(first + limit) if first + limit < len(found) else ""
        return Answer(200, {"ok": True, "messages": page, "response_metadata": {"next_cursor": following}})


def _channel(user: str) -> str:
    return user.replace("U", "D", 1)


def _fault(body: dict[str, Any]) -> str | None:
    blocks = body["blocks"] if isinstance(body["blocks"], list) else json.loads(body["blocks"])
    if len(blocks) > 50 or not body.get("text"):
        return "invalid_blocks"
    if sum(len(block.get("text", {}).get("text", "")) for block in blocks) > 13_200:
        return "msg_blocks_too_long"
    for block in blocks:
        if len(block.get("text", {}).get("text", "")) > {"header": 150, "section": 3000}.get(block["type"], 1):
            return "invalid_blocks"
        if block["type"] == "context":
            said = [element["text"] for element in block["elements"] if element["type"] == "mrkdwn"]
            if not 0 < len(said) == len(block["elements"]) <= 10 or any(not 0 < len(one) <= 3000 for one in said):
                return "invalid_blocks"
            continue
        ids = [element["action_id"] for element in block.get("elements", ())]
        if len(ids) != len(set(ids)):
            return "invalid_blocks"
    return None
