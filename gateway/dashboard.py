"""The dashboard's pages for people on the team: customers, one customer, inbox, outbox, team, problems. All GET.

Server-rendered; every page works without script, which only keeps the live part fresh. A GET changes nothing; what
people send from these pages is taken in `actions.py`.
"""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection as DbConnection

from activities.mime import of_parts, to_eml
from gateway.about import About
from gateway.answers import ON_ITS_WAY, named
from gateway.deliver import Connection, TemporalAwayError
from gateway.intake import Lifecycles
from gateway.pages import Pages, new_press
from gateway.refusals import RefusedError
from gateway.release import yet_to_hear
from gateway.sessions import Session, Sessions
from gateway.stuck import failing_within
from gateway.why import Why, stands
from lifecycle.messages import Reply
from store import books, customers, inbox, outbox, pages, projections, scores, team
from store.customers import Customer, Hold
from store.database import Database, now
from store.outbox import Entry, Kind
from store.pages import OutboxPage
from workflows.interface import STATE, UPCOMING

T = TypeVar("T")
QUERY_WITHIN = timedelta(seconds=1.5)
INBOX_LIMIT = 100
"""Of approvals and of tasks each; whoever has more begins with the most urgent."""
LONGEST_PRESS = 60
LONGEST_NAME = 200
"""Of what a search for a customer takes, in characters."""
MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; frame-ancestors 'self'"
KINDS: tuple[Kind, ...] = ("email", "card", "invite")
PARTS = {"eml": ("message/rfc822", "mail.eml"), "ics": ("text/calendar; charset=utf-8", "invite.ics")}


class SignInNeededError(Exception):
    """Nobody is signed in; the browser is sent to the sign-in page."""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The pages; none of them is part of the API."""

    db: Database
    pages: Pages
    sessions: Sessions
    connection: Connection
    lifecycles: Lifecycles
    about: About
    why: Why

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(include_in_schema=False)
        for path, page in (
            ("/", self.customers_page),
            ("/customers/{customer}", self.customer_page),
            ("/inbox", self.inbox_page),
            ("/outbox", self.outbox_page),
            ("/outbox/{entry}", self.entry_page),
            ("/team", self.team_page),
            ("/problems", self.problems_page),
        ):
            router.add_api_route(path, page, methods=["GET"], response_class=HTMLResponse)
        router.add_api_route("/approvals/{customer}/{approval:path}", self.approval_page, methods=["GET"])
        router.add_api_route("/outbox/{entry}/html", self.entry_html, methods=["GET"])
        router.add_api_route("/outbox/{entry}/{part}", self.entry_part, methods=["GET"])
        return router

    def session(self, request: Request) -> Session:
        """The session of a request.

        Raises:
            SignInNeededError: there is none.
        """
        session = self.sessions.of(request)
        if session is None:
            raise SignInNeededError
        return session

    async def read(self, query: Callable[[DbConnection], T]) -> T:
        """Run a query outside the event loop, in one snapshot."""

        def run() -> T:
            with self.db.read() as c:
                return query(c)

        return await asyncio.to_thread(run)

    async def show(self, request: Request, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a page in the dashboard's frame."""
        session = self.session(request)
        counts, mine, people, (halt, unheard) = await self.read(
            lambda c: (pages.counts(c), pages.waiting_for(c, session.acting), team.teammates(c), _halt(c))
        )
        names = {person.id: person.name for person in people}
        zones = {person.id: person.zone for person in people}
        return self.pages.show(
            f"dashboard/{name}.html",
            status=status,
            session=session,
            counts=counts,
            mine=mine,
            people=people,
            names=names,
            here=zones.get(session.acting) or "UTC",
            halt=halt,
            halt_unheard=unheard,
            path=request.url.path,
            press=new_press,
            **values,
        )

    async def customers_page(self, request: Request) -> HTMLResponse:
        """Customers, those who wait for somebody first, a page at a time; with `?named=` those called so, with `?of=`
        those of one teammate.
        """
        me = self.session(request).acting
        nth = _number(request, "page") or 1
        named, of = (_words(request, name) for name in ("named", "of"))
        skipped = (nth - 1) * pages.A_PAGE
        found, sizes = await self.read(
            lambda c: (
                pages.customers_page(c, offset=skipped, named=named, of=of),
                {whose: pages.how_many(c, named, whose) for whose in dict.fromkeys(("", me, of))},
            )
        )
        last = max(1, -(-sizes[of] // pages.A_PAGE))
        return await self.show(
            request, "customers", customers=found, nth=nth, last=last, named=named, of=of, sizes=sizes
        )

    async def customer_page(self, request: Request, customer: str) -> HTMLResponse:
        """One customer: what happened and why, what is next and when."""
        self.session(request)
        page = await self.read(lambda c: pages.customer_page(c, customer))
        if page is None:
            raise RefusedError("customer", "There is no such customer.", "Go back to the list.", status=404)
        upcoming = await self._asked(customer, UPCOMING)
        state = None if upcoming is None else await self._asked(customer, STATE)
        used = {item.release for item in page.decisions} | {item["release"] for item in upcoming or ()}
        at = page.customer.clock.virtual(now())
        about, why, health, others = await self.read(
            lambda c: (
                self.about.of(c, page, used),
                self.why.of(c, page, state, at) if state else (),
                self.why.health(c, state) if state else None,
                scores.benchmark(c, page.customer),
            )
        )
        return await self.show(
            request,
            "customer",
            page=page,
            stands=stands(page.customer, state),
            contacts={person.id: person.name for person in page.contacts},
            upcoming=upcoming,
            why=why,
            health=health,
            others=others,
            running=dict.fromkeys((item["playbook"], item["play"]) for item in upcoming or ()),
            notice=await self._notice(request),
            **about,
        )

    async def _asked(self, customer: str, query: str) -> Any:
        """What the workflow says, to `UPCOMING` what is next; None when it cannot be asked."""
        try:
            return await self.connection.query(customer, query, within=QUERY_WITHIN)
        except TemporalAwayError:
            return None

    async def inbox_page(self, request: Request) -> HTMLResponse:
        """Open approvals and tasks: the acting teammate's, or everybody's with `?all=1`."""
        self.session(request)
        everybody = request.query_params.get("all") == "1"
        return await self.show_inbox(request, everybody=everybody, notice=await self._notice(request))

    async def show_inbox(
        self, request: Request, *, everybody: bool = False, notice: Reply | None = None, status: int = 200
    ) -> HTMLResponse:
        """The inbox with a notice on top."""
        teammate = None if everybody else self.session(request).acting
        page = await self.read(lambda c: pages.inbox_page(c, teammate, INBOX_LIMIT))
        cut = INBOX_LIMIT if INBOX_LIMIT in (len(page.approvals), len(page.tasks)) else 0
        return await self.show(request, "inbox", status=status, page=page, everybody=everybody, notice=notice, cut=cut)

    async def approval_page(self, request: Request, customer: str, approval: str) -> HTMLResponse:
        """One approval: where Slack's Edit button leads."""
        self.session(request)
        row, page = await self.read(
            lambda c: (projections.approval(c, customer, approval), pages.customer_page(c, customer, 0))
        )
        if row is None or page is None:
            raise RefusedError("approval", "There is no such request.", "Go back to the inbox.", status=404)
        still_open = next((ask for ask in page.approvals if ask.approval.approval == approval), None)
        return await self.show(request, "approval", row=row, home=page.customer, open=still_open)

    async def _notice(self, request: Request) -> Reply | None:
        """What became of the answer that led here."""
        press = _words(request, "press")[:LONGEST_PRESS]
        if not press:
            return None
        reply = await self.read(lambda c: named(c, found) if (found := inbox.reply_to(c, "dashboard", press)) else None)
        return reply or ON_ITS_WAY

    async def outbox_page(self, request: Request) -> HTMLResponse:
        """What was sent, or would have been: mails, cards, invites."""
        self.session(request)
        kind = _words(request, "kind")
        chosen = next((one for one in KINDS if one == kind), None)
        before = _number(request, "before")
        page, homes = await self.read(lambda c: _with_homes(c, pages.outbox_page(c, chosen, before=before)))
        return await self.show(request, "outbox", page=page, homes=homes, kind=chosen or "", before=before)

    async def _entry(self, request: Request, entry: int) -> Entry:
        self.session(request)
        found = await self.read(lambda c: outbox.entry(c, entry))
        if found is None:
            raise RefusedError("entry", "There is no such message.", "Go back to the outbox.", status=404)
        return found

    async def entry_page(self, request: Request, entry: int) -> HTMLResponse:
        """One message."""
        found = await self._entry(request, entry)
        home = await self.read(lambda c: customers.get(c, found.customer))
        return await self.show(
            request,
            "entry",
            entry=found,
            home=home,
            blocks=json.loads(found.body.get("blocks") or "[]"),
        )

    async def entry_html(self, request: Request, entry: int) -> Response:
        """A mail as its reader sees it, in a document that may run and load nothing but pictures."""
        found = await self._entry(request, entry)
        return HTMLResponse(found.body.get("html", ""), headers={"content-security-policy": MAIL_POLICY})

    async def entry_part(self, request: Request, entry: int, part: str) -> Response:
        """A part to keep: the mail as it left, the invite."""
        found = await self._entry(request, entry)
        name = part.rpartition(".")[2]
        content = found.body.get("ics", "").encode() if name == "ics" else _eml(found) if name == "eml" else b""
        if not content:
            raise RefusedError("part", "This message has no such part.", "Go back to it.", status=404)
        media, file = PARTS[name]
        disposition = f'attachment; filename="{entry}-{file}"'
        return Response(content, media_type=media, headers={"content-disposition": disposition})

    async def team_page(self, request: Request) -> HTMLResponse:
        """Who looks after how many customers, who has too many, is away or has left, and what is to be seen to."""
        self.session(request)
        found = await self.read(books.read)
        return await self.show(request, "team", books=found, findings=list(found.findings()))

    async def problems_page(self, request: Request) -> HTMLResponse:
        """What needs a look: workflows that are stuck, refused and parked events, rows that cannot be delivered, sends
        with no known outcome.
        """
        self.session(request)
        page, failing = await asyncio.gather(
            self.read(pages.problems_page), failing_within(self.connection, QUERY_WITHIN)
        )
        names = await self.read(lambda c: pages.names(c, {one.customer for one in failing or ()}))
        return await self.show(request, "problems", page=page, failing=failing, homes=names)


def _halt(c: DbConnection) -> tuple[Hold | None, int]:
    """The hold on everything, and how many have yet to hear of its end, which is under way."""
    hold = customers.hold(c, customers.EVERYTHING)
    return hold, 0 if hold is None else yet_to_hear(c, hold.placed_at)


def _with_homes(c: DbConnection, page: OutboxPage) -> tuple[OutboxPage, dict[str, Customer]]:
    """Entries, and the customers they are about."""
    return page, {customer: customers.get(c, customer) for customer in {entry.customer for entry in page.entries}}


def _words(request: Request, name: str) -> str:
    """What stands in the query string to be looked for, without the one character that PostgreSQL refuses."""
    return request.query_params.get(name, "").replace("\x00", "").strip()[:LONGEST_NAME]


def _number(request: Request, name: str) -> int | None:
    """A number from 1 of the query string; None where there is none, or what stands there is not one."""
    written = request.query_params.get(name, "")
    return int(written) if re.fullmatch(r"[1-9][0-9]{0,8}", written) else None


async def to_sign_in(_request: Request, _error: Exception) -> Response:
    """How a page answers somebody who is not signed in."""
    return RedirectResponse("/sign-in", status_code=303)


def _eml(entry: Entry) -> bytes:
    """A kept mail as a file; empty for what is none."""
    return to_eml(of_parts(entry.body, entry.subject), entry.at) if "head" in entry.body else b""
