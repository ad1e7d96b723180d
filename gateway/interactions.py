"""Notes of calls on the dashboard: paste one, see what it would change, and only then do it.

Looking at it writes nothing; doing it takes the way of every event. The text stands in the form, never in an address.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection as DbConnection

from authoring.diagnostics import Diagnostic
from gateway import notes
from gateway.carrying import Following
from gateway.dashboard import Dashboard
from gateway.deliver import Deliverer
from gateway.envelope import Inbound
from gateway.intake import Intake
from gateway.pages import read_form
from gateway.refusals import RefusedError
from gateway.sessions import Session
from store import customers, interactions, team
from store.customers import Customer

EXAMPLE = """# {day} - QBR: {name}

## Account Health

- NPS: 9 (last: 7)
- Adoption: 72% (target: 80%)
- Renewal: 2026-09-30

## Key Wins

-

## Concerns

-

## Action Items

- [ ] What is done next (owner: csm, due: {day})

## Expansion Opportunity

- Teams:
- ACV uplift:
"""


@dataclass(frozen=True, slots=True)
class InteractionPages:
    """The pages; none of them is part of the API."""

    dashboard: Dashboard
    intake: Intake
    deliverer: Deliverer

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/customers/{customer}/note", self.form, methods=["GET"], response_class=HTMLResponse)
        router.add_api_route("/customers/{customer}/note", self.take, methods=["POST"])
        router.add_api_route(
            "/customers/{customer}/calls/{kind}/{day}", self.call, methods=["GET"], response_class=HTMLResponse
        )
        return router

    async def form(self, request: Request, customer: str) -> HTMLResponse:
        """An empty form, with what a note looks like."""
        self.dashboard.session(request)
        home = await self.dashboard.read(lambda c: _home(c, customer))
        return await self._form(request, home, "")

    async def take(self, request: Request, customer: str) -> Response:
        """Show what a note would change, or do it."""
        session = self.dashboard.session(request)
        form = await read_form(request)
        self.dashboard.sessions.check(session, form.get("csrf", ""))
        home = await self.dashboard.read(lambda c: _home(c, customer))
        text = form.get("note", "").replace("\r\n", "\n")
        if form.get("do") != "yes":
            return await self._looked(request, session, home, text)
        following = Following(self.deliverer)
        if await asyncio.to_thread(self._do, session, home, text, form, following):
            following.carry()
        return RedirectResponse(f"/customers/{quote(home.id)}", status_code=303)

    async def _looked(self, request: Request, session: Session, home: Customer, text: str) -> Response:
        lines, wrong = await self.dashboard.read(lambda c: self._lines(c, session, home, text))
        return await self._form(request, home, text, lines=lines, wrong=wrong, status=422 if wrong else 200)

    def _lines(
        self, c: DbConnection, session: Session, home: Customer, text: str
    ) -> tuple[list[str], tuple[Diagnostic, ...] | str]:
        """What the note would change, or why it cannot be read."""
        _, lifecycle = self.dashboard.lifecycles.current(c)
        note, wrong = notes.read(c, home, text, lifecycle)
        if note is None:
            return [], wrong
        if why := notes.mismatch(home, note):
            return [], why
        by = team.teammate(c, session.acting) or notes.author(c, home, None)
        return list(notes.told(notes.plan(c, home, note, text, by, lifecycle), lifecycle)), ()

    async def _form(self, request: Request, home: Customer, text: str, **values: Any) -> HTMLResponse:
        shown: dict[str, Any] = {"lines": [], "wrong": (), **values}
        return await self.dashboard.show(request, "note", home=home, text=text, example=EXAMPLE, **shown)

    def _do(self, session: Session, home: Customer, text: str, form: Mapping[str, str], following: Following) -> bool:
        """Take the note in; whether it is new."""
        with self.dashboard.db.read() as c:
            by = team.teammate(c, session.acting)
        data = {"customer": home.outer_id, "note": text, **({"by": by.email} if by else {})}
        inbound = Inbound("dashboard", notes.NOTED, f"note-{form.get('press', '')[:60]}", data)
        return self.intake.take(inbound, following).fresh

    async def call(self, request: Request, customer: str, kind: str, day: str) -> HTMLResponse:
        """One call: its note, and what became of what was agreed."""
        self.dashboard.session(request)
        found = await self.dashboard.read(lambda c: interactions.get(c, f"{customer}/{kind}/{day}"))
        if found is None:
            raise RefusedError("call", "There is no such call.", "Go back to the customer.", status=404)
        home = await self.dashboard.read(lambda c: _home(c, customer))
        return await self.dashboard.show(request, "call", call=found, home=home)


def _home(c: DbConnection, customer: str) -> Customer:
    try:
        return customers.get(c, customer)
    except LookupError:
        raise RefusedError("customer", "There is no such customer.", "Go back to the list.", status=404) from None
