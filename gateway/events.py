"""`POST /v1/events`: the one API that product, billing and CRM send to."""

import asyncio
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from gateway.body import parse_json, read_body, require_type, verify_webhook
from gateway.carrying import Following
from gateway.deliver import Deliverer
from gateway.envelope import open_envelope
from gateway.intake import Intake
from gateway.refusals import RefusedError

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["field", "problem", "fix"],
            "properties": {name: {"type": "string"} for name in ("field", "problem", "fix")},
        }
    },
}
_TAKEN = {
    "type": "object",
    "required": ["status"],
    "properties": {
        "status": {"enum": ["accepted", "parked"]},
        "customer": {"type": "string", "description": "our opaque id; absent while the event is parked"},
        "seq": {"type": "integer", "description": "the event's number among this customer's, from 1"},
    },
}
_ENVELOPE = {
    "type": "object",
    "required": ["type", "data"],
    "properties": {
        "type": {"type": "string", "maxLength": 80, "examples": ["customer.signed_up", "api.connected"]},
        "id": {
            "type": "string",
            "maxLength": 120,
            "description": "recognises a repeat; default: the header webhook-id",
        },
        "timestamp": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
    },
    "additionalProperties": False,
}
_SEGMENT = {
    "type": "object",
    "required": ["type", "messageId"],
    "properties": {"type": {"enum": ["identify", "group", "track"]}, "messageId": {"type": "string", "maxLength": 120}},
}
_HEADERS = [
    {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
    for name, text in (
        ("webhook-id", "unique for each message"),
        ("webhook-timestamp", "seconds since 1970, at most 5 minutes from now"),
        ("webhook-signature", "v1,<base64 HMAC-SHA256 of id.timestamp.body>"),
    )
]
_WHEN = {
    400: "The body is not JSON in UTF-8; `problem` names line and column.",
    401: "A header of the signature is absent, its timestamp is off, or it does not fit; `field` names the header.",
    409: "The id was used for another event.",
    413: "The body is larger than 1 MiB.",
    415: "The content type is not application/json.",
    422: "A field is wrong, or the event is of no known type. The event is kept under Problems in the dashboard.",
    503: "The database does not answer, or no playbooks are applied. Send again later.",
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


_RESPONSES: dict[int | str, dict[str, Any]] = {
    202: {"description": "Stored durably.", "content": _json(_TAKEN)},
    **{code: {"description": text, "content": _json(_ERROR)} for code, text in _WHEN.items()},
}


def events_router(intake: Intake, deliverer: Deliverer, secrets: Sequence[str]) -> APIRouter:
    """The route, with its description."""
    router = APIRouter()

    @router.post(
        "/v1/events",
        status_code=202,
        summary="Tell what happened",
        response_class=JSONResponse,
        responses=_RESPONSES,
        openapi_extra={
            "parameters": _HEADERS,
            "requestBody": {"required": True, "content": _json({"anyOf": [_ENVELOPE, _SEGMENT]})},
        },
    )
    async def take_event(request: Request) -> JSONResponse:
        """Take one event, signed as Standard Webhooks. 202 means: stored, and it will reach the customer's workflow."""
        require_type(request, "application/json")
        body = await read_body(request)
        verify_webhook(secrets, request.headers, body)
        inbound = open_envelope(parse_json(body), request.headers["webhook-id"])
        following = Following(deliverer)
        receipt = await asyncio.to_thread(intake.take, inbound, following)
        if receipt.fresh:
            following.carry()
        return JSONResponse(receipt.body(), status_code=202)

    return router


async def refused(_request: Request, refusal: Exception) -> JSONResponse:
    """How every route answers a `RefusedError`."""
    if not isinstance(refusal, RefusedError):
        raise refusal
    return JSONResponse(refusal.body(), status_code=refusal.status)


async def database_away(_request: Request, _error: Exception) -> JSONResponse:
    """The database does not answer: nothing was stored, and the sender keeps the event."""
    refusal = RefusedError("database", "does not answer", "send it again in a minute", status=503)
    return JSONResponse(refusal.body(), status_code=503, headers={"retry-after": "60"})
