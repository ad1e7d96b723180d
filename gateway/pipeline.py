"""The pipeline: opportunities with their totals, moved by a person for a reason; how programmes and support stand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Connection as DbConnection

from gateway import fields
from gateway.carrying import Following
from gateway.dashboard import Dashboard
from gateway.deliver import Deliverer
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles, nothing
from gateway.pages import new_press, read_form
from gateway.refusals import RefusedError, near
from store import customers, opportunities, pages, programmes
from store.database import Database, now
from store.opportunities import CLOSED, STAGES, WON, Opportunity

Then = Callable[[DbConnection, str], None]
SOLD = "expansion.sold"
"""The event that a won opportunity is, where the catalogue knows it: playbooks end by it."""
MOST = 200
"""Opportunities on the page, each with a form."""
LONGEST_REASON = 200
LONGEST_ID = 400


@dataclass(frozen=True, slots=True)
class PipelinePages:
    """The pages; none of them is part of the API."""

    dashboard: Dashboard
    intake: Intake
    deliverer: Deliverer

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(include_in_schema=False)
        router.add_api_route("/opportunities", self.page, methods=["GET"], response_class=HTMLResponse)
        router.add_api_route("/opportunities", self.move, methods=["POST"])
        return router

    async def page(self, request: Request) -> HTMLResponse:
        """Opportunities with totals of all by stage and owner, and how programmes and support stand. Of very many those
        that are still open come first.
        """
        self.dashboard.session(request)
        found = await self.dashboard.read(opportunities.pipeline)
        shown = found if len(found) <= MOST else sorted(found, key=lambda item: item.stage in CLOSED)[:MOST]
        whose = {item.customer for item in shown}
        homes, zones = await self.dashboard.read(lambda c: (pages.names(c, whose), customers.zones(c, whose)))
        standings, support = await self.dashboard.read(self._counted)
        return await self.dashboard.show(
            request,
            "opportunities",
            opportunities=shown,
            hidden=len(found) - len(shown),
            homes=homes,
            zones=zones,
            stages=STAGES,
            by_stage=opportunities.by_stage(found),
            by_owner=opportunities.by_owner(found),
            due=opportunities.commission_due(found),
            standings=standings,
            support=support,
        )

    def _counted(self, c: DbConnection) -> tuple[tuple[programmes.Standing, ...], programmes.Support | None]:
        try:
            _, life = self.dashboard.lifecycles.current(c)
        except RefusedError:
            return (), None
        return programmes.standings(c, life.programmes, now()), programmes.support(c, life.staffing, now())

    async def move(self, request: Request) -> Response:
        """Move one opportunity to another stage."""
        session = self.dashboard.session(request)
        form = await read_form(request)
        self.dashboard.sessions.check(session, form.get("csrf", ""))
        touch = fields.text(form.get("opportunity"), "opportunity", longest=LONGEST_ID)
        reason = fields.text(form.get("reason", "").strip(), "reason", longest=LONGEST_REASON)
        stage = form.get("stage", "")
        following = Following(self.deliverer)
        await asyncio.to_thread(moved, self.dashboard.db, touch, stage, session.acting, reason, self.intake, following)
        following.carry()
        return RedirectResponse("/opportunities", status_code=303)


def moved(
    db: Database, touch: str, stage: str, by: str, reason: str, intake: Intake, then: Then = nothing
) -> Opportunity:
    """Move an opportunity; what is won is told to the customer's workflow in the same transaction.

    Raises:
        RefusedError: there is no such opportunity or stage, or it stands there already.
    """
    if stage not in STAGES:
        raise RefusedError("stage", "is not one of the stages", near(stage, STAGES))
    with db.begin() as c:
        found = opportunities.get(c, touch)
        if found is None:
            raise RefusedError("opportunity", "there is none of this id", "`stageplay pipeline` lists them", status=404)
        outer = customers.get(c, found.customer).outer_id
        _, life = Lifecycles().current(c)
        if stage != WON or SOLD not in life.events:
            _move(c, found, stage, by, reason)
            return found

    def both(c: DbConnection, who: str) -> None:
        _move(c, found, stage, by, reason)
        then(c, who)

    intake.take(Inbound("dashboard", SOLD, f"won-{new_press()}", {"customer": outer}), both)
    return found


def _move(c: DbConnection, found: Opportunity, stage: str, by: str, reason: str) -> None:
    if not opportunities.move(c, found, stage, by, reason):
        raise RefusedError("stage", f"is {found.stage} already", "choose another stage", status=409)
