"""Reads and verifies raw request bodies: size while reading, content type, signatures, JSON with the place of a fault.

Signatures are checked over the bytes as they came, before anything is parsed. A failed check is 401 and says which of
the caller's own headers is to blame: one is absent, the timestamp is off, or the signature does not fit. It never says
what would have fitted. The libraries here raise on some malformed headers, so each call is guarded.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from fastapi import Request
from sendgrid.helpers.eventwebhook import EventWebhook
from slack_sdk.signature import SignatureVerifier

from gateway.refusals import RefusedError
from lifecycle.jsonform import canonical
from store.database import now

LARGEST_BODY = 1024 * 1024
PATIENCE = 8 * LARGEST_BODY
WINDOW = 300
LONGEST_STAMP = 12


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


def unauthorised(field: str, problem: str, fix: str) -> RefusedError:
    """The answer to a failed check of who is calling."""
    return RefusedError(field, problem, fix, status=401)


def verify_webhook(secrets: Sequence[str], headers: Mapping[str, str], body: bytes) -> None:
    """Standard Webhooks: any of the `secrets` may have signed (two are live while one is being replaced).

    Done here and not by the specification's library, which cannot check a body that is not UTF-8: such a sender has the
    right secret and is to hear what is wrong with the body.
    """
    message, stamp, given = _present(headers, "webhook-id", "webhook-timestamp", "webhook-signature")
    _fresh(stamp, "webhook-timestamp")
    signed = f"{message}.{stamp}.".encode() + body
    right = [hmac.digest(_webhook_key(secret), signed, "sha256") for secret in secrets]
    sent = [_decoded(one.removeprefix("v1,")) for one in given.split(" ") if one.startswith("v1,")]
    if not any(hmac.compare_digest(ours, theirs) for ours in right for theirs in sent):
        raise _mismatch("webhook-signature", "id.timestamp.body with the webhook secret, the bytes as you send them")


def verify_slack(secret: str, headers: Mapping[str, str], body: bytes) -> None:
    """Slack's signature, at most 5 minutes old or ahead."""
    if not secret:
        raise _unset("STAGEPLAY_SLACK_SIGNING_SECRET")
    stamp, _ = _present(headers, "x-slack-request-timestamp", "x-slack-signature")
    _fresh(stamp, "x-slack-request-timestamp")
    try:
        good = SignatureVerifier(secret).is_valid_request(body, dict(headers))
    except (ValueError, TypeError):
        good = False
    if not good:
        raise _mismatch("x-slack-signature", "with the signing secret of your Slack app")


def verify_sendgrid(public_key: str, headers: Mapping[str, str], body: bytes) -> None:
    """SendGrid's event webhook signature; its own check knows no age, so the window of 5 minutes is ours."""
    if not public_key:
        raise _unset("STAGEPLAY_SENDGRID_EVENT_PUBLIC_KEY")
    names = ("x-twilio-email-event-webhook-timestamp", "x-twilio-email-event-webhook-signature")
    stamp, signature = _present(headers, *names)
    _fresh(stamp, names[0])
    try:
        good = EventWebhook(public_key).verify_signature(body.decode(), signature, stamp)
    except (ValueError, TypeError):
        good = False
    if not good:
        raise _mismatch(names[1], "with the key whose public half is in STAGEPLAY_SENDGRID_EVENT_PUBLIC_KEY")


def _present(headers: Mapping[str, str], *names: str) -> list[str]:
    absent = next((name for name in names if not headers.get(name)), None)
    if absent:
        raise unauthorised(absent, "is missing", "send the headers " + ", ".join(names))
    return [headers[name] for name in names]


def _fresh(stamp: str, name: str) -> None:
    """Refuse what was signed more than `WINDOW` seconds ago or ahead, so that a copy of it is soon worth nothing."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= LONGEST_STAMP):
        raise unauthorised(name, "is not a number of seconds since 1970", "send the time of signing, as digits only")
    if abs(now().timestamp() - int(stamp)) > WINDOW:
        raise unauthorised(name, "is more than 5 minutes from our clock", "sign each attempt anew; check your clock")


def _mismatch(name: str, how: str) -> RefusedError:
    return unauthorised(name, "does not fit the body", f"sign {how}")


def _unset(setting: str) -> RefusedError:
    return unauthorised("signature", "cannot be checked here: no key is set", f"set {setting} at the gateway")


def _webhook_key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_") + "==")


def _decoded(signature: str) -> bytes:
    """What a signature's text stands for; nothing that fits when it is no base64."""
    try:
        return base64.b64decode(signature)
    except (binascii.Error, ValueError):
        return b""


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
