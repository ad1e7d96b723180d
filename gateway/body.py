"""Reads and verifies raw request bodies: size while reading, content type, signatures, JSON with the place of a fault.

Signatures are checked over the bytes as they came, before anything is parsed. A failed check is 401 and says nothing
of which part failed. All libraries here raise on some malformed headers, so each call is guarded.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from fastapi import Request
from sendgrid.helpers.eventwebhook import EventWebhook
from slack_sdk.signature import SignatureVerifier
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from gateway.refusals import RefusedError
from lifecycle.jsonform import canonical
from store.database import now

LARGEST_BODY = 1024 * 1024
PATIENCE = 8 * LARGEST_BODY
WINDOW = 300


async def read_body(request: Request) -> bytes:
    """The body, at most `LARGEST_BODY` bytes of it in memory.

    A longer one is read on and thrown away up to `PATIENCE`, because a sender that is still writing would see a broken
    connection and not the answer.
    """
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= LARGEST_BODY:
            chunks.append(chunk)
        elif size > PATIENCE:
            break
    if size > LARGEST_BODY:
        raise RefusedError("body", "is larger than 1 MiB", "send fewer facts in one event", status=413)
    return b"".join(chunks)


def require_type(request: Request, wanted: str) -> None:
    """Refuse any content type but `wanted` (parameters such as a charset are ignored)."""
    given = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if given != wanted:
        raise RefusedError("content-type", "is not supported", f'send "content-type: {wanted}"', status=415)


def unauthorised() -> RefusedError:
    """The one answer to every failed check of who is calling."""
    return RefusedError("signature", "was not accepted", "sign the raw body with the shared secret, now", status=401)


def verify_webhook(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> None:
    """Standard Webhooks: any of the `secrets` may have signed (two are live while one is being replaced)."""
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except (WebhookVerificationError, ValueError, TypeError, OverflowError):
            continue
        return
    raise unauthorised()


def verify_slack(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Slack's signature, at most 5 minutes old or ahead."""
    if not secret:
        raise unauthorised()
    try:
        good = SignatureVerifier(secret).is_valid_request(body, dict(headers))
    except (ValueError, TypeError):
        good = False
    if not good:
        raise unauthorised()


def verify_sendgrid(public_key: str, headers: Mapping[str, str], body: bytes) -> None:
    """SendGrid's event webhook signature; its own check knows no age, so the window of 5 minutes is ours."""
    if not public_key:
        raise unauthorised()
    stamp = headers.get("x-twilio-email-event-webhook-timestamp", "")
    signature = headers.get("x-twilio-email-event-webhook-signature", "")
    try:
        fresh = abs(now().timestamp() - int(stamp)) <= WINDOW
        good = fresh and EventWebhook(public_key).verify_signature(body.decode(), signature, stamp)
    except (ValueError, TypeError):
        good = False
    if not good:
        raise unauthorised()


def parse_json(body: bytes) -> Any:
    """Plain JSON data that the store can keep on every database.

    Raises:
        RefusedError: 400, with line and column where the text breaks; also for values that JSON readers disagree on
            (a key twice, NaN, numbers beyond a double, text that is not Unicode).
    """
    try:
        data = json.loads(body.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_no_number, parse_float=_float)
        flat = canonical(data).encode()
    except json.JSONDecodeError as error:
        raise _broken(f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except UnicodeDecodeError as error:
        raise _broken(f"is not UTF-8: byte {error.start + 1} cannot be read") from None
    except UnicodeEncodeError:
        raise _broken("holds half of a surrogate pair, which is no character") from None
    except RecursionError:
        raise _broken("is nested too deeply") from None
    except ValueError as error:
        raise _broken(f"is not JSON that every reader understands: {error}") from None
    if b"\\u0000" in flat:
        raise _broken("holds the character U+0000, which databases refuse")
    return data


def _broken(problem: str) -> RefusedError:
    return RefusedError("body", problem, "send one JSON object in UTF-8", status=400)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _no_number(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not numbers in JSON")


def _float(written: str) -> float:
    number = float(written)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number
