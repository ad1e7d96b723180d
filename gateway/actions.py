"""What people do on the dashboard: sign in, answer, tick, start and stop plays, hold, settle. All POST, but for the
sign-in page itself.

Every form carries a token of the session and the id it was shown with, so that a double click acts once, and ends in
a redirect, so that a reload repeats nothing. Who acts is the teammate chosen at sign-in.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway import fields, sign_in
from gateway.answers import Answers, Press
from gateway.dashboard import LONGEST_PRESS, Dashboard
from gateway.entitled import Answer, is_manager
from gateway.pages import read_form
from gateway.refusals import RefusedError
from gateway.release import CHOICES, release
from gateway.sessions import COOKIE, Session
from lifecycle.messages import (
    ApprovalAnswered,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    MilestoneTicked,
    PlayRequested,
    PlayStopRequested,
    Reply,
    StageSet,
    TaskTicked,
)
from store import customers, ledger, team
from store.team import Person

LONGEST_SUBJECT = 200
LONGEST_TEXT = 20_000
LONGEST_REASON = 200
LONGEST_ID = 400
ONLY_MANAGERS = Reply("not_yours", "Only a manager can release what holds everything.")


@dataclass(frozen=True, slots=True)
class Actions:
    """The routes. `fixed_token`: as `sign_in.offer_of` has it."""

    dashboard: Dashboard
    answers: Answers
    fixed_token: str = field(default="", repr=False)

    def router(self) -> APIRouter:
        """None of them is part of the API."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/sign-in", self.sign_in_page, methods=["GET"], response_class=HTMLResponse)
        for path, act in (
            ("/sign-in", self.sign_in),
            ("/sign-out", self.sign_out),
            ("/acting", self.act_as),
            ("/answers/approval", self.approval),
            ("/answers/task", self.task),
            ("/answers/milestone", self.milestone),
            ("/answers/meeting", self.meeting),
            ("/answers/stage", self.stage),
            ("/answers/start", self.start),
            ("/answers/stop", self.stop),
            ("/answers/hold", self.hold),
            ("/answers/everything", self.everything),
            ("/problems/settle", self.settle),
        ):
            router.add_api_route(path, act, methods=["POST"])
        return router

    # --- who ----------------------------------------------------------------------------------------------------------

    async def sign_in_page(self, token: str = "") -> HTMLResponse:
        """Offer to sign in; looking at it uses nothing up."""
        offer, people = await self.dashboard.read(
            lambda c: (sign_in.offer_of(c, token, self.fixed_token), team.teammates(c))
        )
        chosen = [one for one in people if offer and offer.acting in {"", one.id}]
        return self.dashboard.pages.show(
            "dashboard/sign-in.html", status=200 if chosen else 403, token=token, people=chosen
        )

    async def sign_in(self, request: Request) -> Response:
        """Use the token up."""
        form = await read_form(request)
        person = await self._teammate(form.get("acting", ""))
        if not await asyncio.to_thread(self._use, form.get("token", ""), person.id):
            raise RefusedError(
                "token",
                "This sign-in link was used, is too old, or is not ours.",
                "Ask for another one: `stageplay sign-in` prints it.",
                status=403,
            )
        response = RedirectResponse("/", status_code=303)
        self.dashboard.sessions.start(person.id, response)
        return response

    def _use(self, token: str, acting: str) -> bool:
        with self.dashboard.db.begin() as c:
            offer = sign_in.offer_of(c, token, self.fixed_token)
            return offer is not None and offer.acting in {"", acting} and sign_in.use(c, offer)

    async def sign_out(self, request: Request) -> Response:
        """Forget this browser."""
        await self._form(request)
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(COOKIE, path="/")
        return response

    async def act_as(self, request: Request) -> Response:
        """Answer as another teammate from now on."""
        session, form = await self._form(request)
        person = await self._teammate(form.get("acting", ""))
        response = RedirectResponse("/inbox", status_code=303)
        self.dashboard.sessions.act_as(session, person.id, response)
        return response

    async def _teammate(self, teammate: str) -> Person:
        people = await self.dashboard.read(team.teammates)
        person = next((one for one in people if one.id == teammate), None)
        if person is None:
            raise RefusedError("acting", "Nobody on the team has that id.", "Choose a teammate.")
        return person

    async def _form(self, request: Request) -> tuple[Session, Mapping[str, str]]:
        """A form that one of our pages showed to this session."""
        session = self.dashboard.session(request)
        form = await read_form(request)
        self.dashboard.sessions.check(session, form.get("csrf", ""))
        return session, form

    # --- answers ------------------------------------------------------------------------------------------------------

    async def approval(self, request: Request) -> Response:
        """Approve, approve with another text, or reject."""
        session, form = await self._form(request)
        approval = _field(form, "approval")
        answer: Literal["approve", "reject"] = "approve" if form.get("answer") == "approve" else "reject"
        edit = _edit(form) if answer == "approve" else None
        event = ApprovalAnswered(approval, session.acting, answer, f"dashboard:{_press(form)}", edit is not None)
        return await self._give(request, session, form, event, edit)

    async def task(self, request: Request) -> Response:
        """Tick a task, or open it again."""
        session, form = await self._form(request)
        return await self._give(
            request, session, form, TaskTicked(_field(form, "task"), session.acting, form.get("done") != "no")
        )

    async def milestone(self, request: Request) -> Response:
        """Say that a milestone is reached, or not after all."""
        session, form = await self._form(request)
        event = MilestoneTicked(_field(form, "milestone"), session.acting, form.get("done") != "no")
        return await self._give(request, session, form, event)

    async def meeting(self, request: Request) -> Response:
        """Say that a meeting was held, or that nobody came."""
        session, form = await self._form(request)
        outcome: Literal["held", "no_show"] = "held" if form.get("outcome") == "held" else "no_show"
        event = MeetingAnswered(_field(form, "meeting"), outcome, session.acting)
        return await self._give(request, session, form, event)

    async def stage(self, request: Request) -> Response:
        """Move a customer, forward or back, for a reason."""
        session, form = await self._form(request)
        return await self._give(request, session, form, StageSet(_field(form, "stage"), session.acting, _reason(form)))

    async def start(self, request: Request) -> Response:
        """Start a playbook for a customer, unless its own rules say no."""
        session, form = await self._form(request)
        event = PlayRequested(_field(form, "playbook"), session.acting, _reason(form))
        return await self._give(request, session, form, event)

    async def stop(self, request: Request) -> Response:
        """End a play, for a reason."""
        session, form = await self._form(request)
        event = PlayStopRequested(_field(form, "play"), session.acting, _reason(form))
        return await self._give(request, session, form, event)

    async def hold(self, request: Request) -> Response:
        """Stop or resume everything that goes to a customer."""
        session, form = await self._form(request)
        if form.get("place") == "no":
            lifted = HoldLifted(session.acting, stale=CHOICES.get(form.get("stale", ""), "send"))
            return await self._give(request, session, form, lifted)
        return await self._give(request, session, form, HoldPlaced(session.acting, _reason(form)))

    async def everything(self, request: Request) -> Response:
        """Hold every send to every customer, which anybody on the team may; a manager releases it."""
        session, form = await self._form(request)
        person = await self._teammate(session.acting)
        if form.get("place") == "no":
            if not await self.dashboard.read(lambda c: is_manager(self.dashboard.lifecycles.current(c)[1], person)):
                return await self.dashboard.show_inbox(request, notice=ONLY_MANAGERS, status=403)
            stale = CHOICES.get(form.get("stale", ""), "send")
            await release(self.dashboard.db, self.answers.deliverer, form.get("placed_at", ""), person.id, stale)
        else:
            await asyncio.to_thread(self._hold_everything, person.id, _reason(form))
        return RedirectResponse("/", status_code=303)

    def _hold_everything(self, by: str, reason: str) -> None:
        with self.dashboard.db.begin() as c:
            customers.place_hold(c, customers.EVERYTHING, by, reason)

    async def _give(
        self,
        request: Request,
        session: Session,
        form: Mapping[str, str],
        event: Answer,
        edit: tuple[str, str] | None = None,
    ) -> Response:
        """Record, deliver, and show what came of it on the page that the form was on."""
        customer = _field(form, "customer")
        press = Press("dashboard", _press(form), customer, await self._teammate(session.acting), event, edit)
        refusal = await self.answers.record(press)
        if refusal is not None:
            status = 403 if refusal.result == "not_yours" else 409
            return await self.dashboard.show_inbox(request, notice=refusal, status=status)
        await self.answers.outcome(press)
        page = f"/customers/{quote(customer)}" if form.get("back") == "customer" else "/inbox"
        return RedirectResponse(f"{page}?{urlencode({'press': press.id})}", status_code=303)

    async def settle(self, request: Request) -> Response:
        """A person says whether a send without an answer arrived."""
        session, form = await self._form(request)
        touch, arrived = _field(form, "touch"), form.get("arrived") == "yes"
        reason = f"{session.acting} says it {'arrived' if arrived else 'did not arrive'}"
        await asyncio.to_thread(ledger.settle_unknown, self.dashboard.db, touch, arrived, reason)
        return RedirectResponse("/problems", status_code=303)


def _field(form: Mapping[str, str], name: str) -> str:
    return fields.text(form.get(name), name, longest=LONGEST_ID)


def _reason(form: Mapping[str, str]) -> str:
    return fields.text(form.get("reason", "").strip(), "reason", longest=LONGEST_REASON)


def _press(form: Mapping[str, str]) -> str:
    return fields.text(form.get("press"), "press", longest=LONGEST_PRESS)


def _edit(form: Mapping[str, str]) -> tuple[str, str] | None:
    """The subject and text that were changed in the form; None when both are as they were shown."""
    if "text" not in form:
        return None
    given = (form.get("subject", "").strip(), _lines(form["text"]))
    if given == (form.get("subject_was", "").strip(), _lines(form.get("text_was", ""))):
        return None
    subject = fields.text(given[0], "subject", longest=LONGEST_SUBJECT)
    if not given[1] or len(given[1]) > LONGEST_TEXT or "\x00" in given[1]:
        raise RefusedError("text", f"The text is empty or longer than {LONGEST_TEXT} characters.", "Shorten it.")
    return subject, given[1]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
