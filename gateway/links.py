"""The pages behind the links in mails: survey and unsubscribing. Whoever holds the token may use it, without sign-in.

Rules: a GET changes nothing, because scanners and previewers follow every link; only a POST records. A token that is
forged, expired or of a closed survey gets a page of its own. No cookie is set and no address stands in a page.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from activities.links import SurveyLink, UnsubscribeLink, read_survey, read_unsubscribe
from gateway.body import read_body
from gateway.deliver import Deliverer
from gateway.intake import Lifecycles
from gateway.pages import Pages, read_form
from gateway.questions import Answer, chosen, words
from gateway.suppression import suppress
from lifecycle.jsonform import digest
from lifecycle.messages import SurveyAnswered
from lifecycle.surveys import IN_TIME
from store import customers, facts, inbox, merges, surveys
from store.database import Database, now

LONGEST_COMMENT = 2000

Result = Literal["recorded", "changed", "closed", "same"]


@dataclass(frozen=True, slots=True)
class LinkPages:
    """Survey and unsubscribe pages. `keys` sign the tokens, the newest last."""

    db: Database
    pages: Pages
    deliverer: Deliverer
    lifecycles: Lifecycles
    keys: tuple[str, ...]
    company: str

    def router(self) -> APIRouter:
        """The routes; none of them is part of the API."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/survey/{token}", self.show_survey, methods=["GET", "HEAD"], response_class=HTMLResponse)
        router.add_api_route("/survey/{token}", self.answer_survey, methods=["POST"], response_class=HTMLResponse)
        router.add_api_route(
            "/unsubscribe/{token}", self.show_unsubscribe, methods=["GET", "HEAD"], response_class=HTMLResponse
        )
        router.add_api_route("/unsubscribe/{token}", self.unsubscribe, methods=["POST"], response_class=HTMLResponse)
        return router

    async def show_survey(self, token: str, request: Request) -> HTMLResponse:
        """The form, with the choice of the link made and the comment of an earlier answer kept."""
        link = read_survey(self.keys, token)
        if not isinstance(link, SurveyLink):
            return self._refusal("survey", link)
        survey = await asyncio.to_thread(self._survey, link)
        if survey is None:
            return self._refusal("survey", "forged")
        if survey.closed:
            return self._refusal("survey", "closed")
        before = {**survey.answers, **({} if survey.score is None else {"score": str(survey.score)})}
        return self._form(survey.survey, {**before, **_valid(survey.survey, request.query_params)}, survey.comment)

    def _form(self, survey: str, chosen: Mapping[str, str], comment: str, *, problem: str = "") -> HTMLResponse:
        return self.pages.show(
            "pages/survey.html",
            status=422 if problem else 200,
            words=words(self.company)[survey],
            chosen=chosen,
            comment=comment,
            longest=LONGEST_COMMENT,
            problem=problem,
        )

    async def answer_survey(self, token: str, request: Request) -> HTMLResponse:
        """Record the answer; the last one before the survey closes counts."""
        form = await read_form(request)
        link = read_survey(self.keys, token)
        if not isinstance(link, SurveyLink):
            return self._refusal("survey", link)
        survey = await asyncio.to_thread(self._survey, link)
        if survey is None:
            return self._refusal("survey", "forged")
        comment = form.get("comment", "").strip().replace("\r\n", "\n")
        answer = chosen(survey.survey, form)
        if answer is None:
            valid, problem = _valid(survey.survey, form), "Please choose an answer to every question."
            return self._form(survey.survey, valid, comment.replace("\x00", "")[:LONGEST_COMMENT], problem=problem)
        if len(comment) > LONGEST_COMMENT or "\x00" in comment:
            shortened, problem = comment.replace("\x00", "")[:LONGEST_COMMENT], "Please shorten your comment."
            return self._form(survey.survey, answer.chosen, shortened, problem=problem)
        recorded = await asyncio.to_thread(self._record, link, answer, comment)
        if recorded is None:
            return self._refusal("survey", "forged")
        result, told = recorded
        if result == "closed":
            return self._refusal("survey", "closed")
        self.deliverer.soon(self.deliverer.attempt(told))
        page, shown = "pages/survey-thanks.html", words(self.company)[survey.survey]
        return self.pages.show(page, words=shown, score=answer.score, changed=result == "changed")

    def _survey(self, link: SurveyLink) -> surveys.Survey | None:
        with self.db.read() as c:
            return surveys.get(c, link.touch)

    def _record(self, link: SurveyLink, answer: Answer, comment: str) -> tuple[Result, str] | None:
        """What became of it, and the customer who hears of it: of one that was merged, the one it goes on as. None when
        this token's survey was never sent (a database restored from before it).
        """
        with self.db.begin() as c:
            survey = surveys.get(c, link.touch)
            if survey is None:
                return None
            before = None if survey.answered_at is None else (survey.score, survey.answers)
            same = before == (answer.score, answer.answers)
            if not survey.closed and same and survey.comment == comment:
                return "same", link.customer
            result = surveys.answer(c, link.touch, answer.score, comment, answer.answers)
            if result != "closed" and not same:
                asked = customers.get(c, link.customer)
                late = asked.clock.virtual(now()) - survey.sent_at > IN_TIME
                told = merges.home(c, asked).id
                contact = merges.contact_of(c, told, link.contact) or link.contact
                event = SurveyAnswered(survey.survey, contact, answer.score, late, dict(answer.answers))
                event_id = f"{link.touch}/{secrets.token_hex(4)}"
                _, lifecycle = self.lifecycles.current(c)
                facts.note(c, told, event, lifecycle)
                inbox.accept(c, told, "survey", event_id, event, body_digest=digest([link.touch, answer.chosen]))
                return result, told
            return result, link.customer

    async def show_unsubscribe(self, token: str) -> HTMLResponse:
        """Ask, and change nothing."""
        link = read_unsubscribe(self.keys, token)
        if not isinstance(link, UnsubscribeLink):
            return self._refusal("unsubscribe", link)
        return self.pages.show("pages/unsubscribe.html")

    async def unsubscribe(self, token: str, request: Request) -> HTMLResponse:
        """One click, from the mail client (RFC 8058) or from our page. Again is fine."""
        await read_body(request)
        link = read_unsubscribe(self.keys, token)
        if not isinstance(link, UnsubscribeLink):
            return self._refusal("unsubscribe", link)
        told = await asyncio.to_thread(self._suppress, link)
        if told is None:
            return self._refusal("unsubscribe", "forged")
        for customer in told:
            self.deliverer.soon(self.deliverer.attempt(customer))
        return self.pages.show("pages/unsubscribed.html")

    def _suppress(self, link: UnsubscribeLink) -> set[str] | None:
        """Who has something to hear of it; None when nobody is behind the link any more."""
        with self.db.begin() as c:
            person = customers.contact(c, link.customer, link.contact)
            if person is None:
                return None
            event_id = f"{link.contact}/{secrets.token_hex(4)}"
            return suppress(c, person.email, why="unsubscribed", source="unsubscribe", event_id=event_id)

    def _refusal(
        self, page: Literal["survey", "unsubscribe"], why: Literal["forged", "expired", "closed"]
    ) -> HTMLResponse:
        """Forged is 404: there is nothing under that address. Expired and closed are 410: there was."""
        return self.pages.show(f"pages/{page}-{why}.html", status=404 if why == "forged" else 410)


def _valid(survey: str, given: Mapping[str, str]) -> dict[str, str]:
    """Those of the given choices that the survey's page offers."""
    offered = {question.name: dict(question.choices) for question in words("")[survey].questions}
    return {name: given[name] for name, choices in offered.items() if given.get(name) in choices}
