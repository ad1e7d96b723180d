"""Renders HTML with the headers that every page needs, and reads the forms that pages send.

Everything is escaped; a name that a template does not get is an error. Styles and the one script come from files of our
own: the content security policy allows nothing else, so that a customer's name can never run.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.body import read_body
from gateway.refusals import RefusedError

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}
MOST_FIELDS = 50


class SecurityHeaders:
    """Adds `HEADERS` to every answer that does not set its own; pages and API answers are never cached."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**HEADERS, "cache-control": "no-store"}.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, sending)


class Pages:
    """The templates below one folder."""

    def __init__(self, folder: Path, **shared: Any) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(folder),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(shared)

    def filter(self, **filters: Any) -> None:
        """Give the templates filters by name."""
        self._environment.filters.update(filters)

    def show(self, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render one template."""
        return HTMLResponse(self._environment.get_template(name).render(**values), status_code=status)


async def read_form(request: Request) -> Mapping[str, str]:
    """The fields of a form sent urlencoded; of a field sent twice the last."""
    body = await read_body(request)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise RefusedError("body", "is not a form we made", "reload the page and send it again", status=400) from None


def new_press() -> str:
    """An id for one form as shown, so that sending it twice acts once."""
    return secrets.token_urlsafe(12)
