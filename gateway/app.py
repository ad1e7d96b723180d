"""The ASGI app: which parts there are and how they hang together. No rules, no environment, no app at import.

The gateway takes events while Temporal is away. The one thing it cannot do without is its database.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from activities.delivery import Delivery
from gateway import returning
from gateway.about import About
from gateway.actions import Actions
from gateway.answers import Answers
from gateway.dashboard import Dashboard, SignInNeededError, to_sign_in
from gateway.deliver import ClientFactory, Connection, Deliverer
from gateway.documents import DocumentPages
from gateway.events import database_away, events_router, refused
from gateway.intake import Intake, Lifecycles
from gateway.interactions import InteractionPages
from gateway.links import LinkPages
from gateway.mornings import Mornings
from gateway.pages import Pages, SecurityHeaders
from gateway.pipeline import PipelinePages
from gateway.refusals import RefusedError
from gateway.sendgrid import SendGridEvents
from gateway.sessions import Sessions
from gateway.slack import SlackPresses
from gateway.why import Why
from gateway.wording import FILTERS
from store import pages as read_models
from store.database import Database

VERSION = "1"
TEMPORAL_WITHIN = timedelta(seconds=2)
STATIC = {"style.css": "text/css", "live.js": "text/javascript", "icon.svg": "image/svg+xml"}
API = ("/v1/", "/slack/", "/sendgrid/", "/healthz", "/openapi.json")


@dataclass(frozen=True, slots=True)
class Config:
    """What the gateway must be told.

    Args:
        webhook_secrets: `whsec_...`, any of which may sign events.
        link_secrets: keys of survey and unsubscribe links and of the dashboard's cookies, the newest last.
        dashboard_token: signs in once, empty: only links of `sign_in` do. The CLI prints it in a link at start.
        secure: cookies travel by HTTPS only; off for loopback.
        templates: the folder with `dashboard/` and `pages/`.
        allow_rehearsal: signups may bring a clock of their own.
        slack_team_id, slack_app_id: empty: any that signs.
        sendgrid_public_key: empty: SendGrid's events are refused.
    """

    webhook_secrets: tuple[str, ...] = field(repr=False)
    link_secrets: tuple[str, ...] = field(repr=False)
    templates: Path
    public_url: str = "http://127.0.0.1:8700"
    company_name: str = "Stageplay"
    company_address: str = ""
    help_url: str = ""
    dashboard_token: str = field(default="", repr=False)
    allow_rehearsal: bool = False
    slack_signing_secret: str = field(default="", repr=False)
    slack_team_id: str = ""
    slack_app_id: str = ""
    sendgrid_public_key: str = ""
    temporal_ui: str = ""

    @property
    def secure(self) -> bool:
        """Whether people reach us by HTTPS, so that the cookie may insist on it."""
        return self.public_url.startswith("https://")


def create_app(config: Config, db: Database, client_factory: ClientFactory) -> FastAPI:
    """Build the app. `client_factory` connects to Temporal when first needed; `db` is migrated and the caller's."""
    connection = Connection(client_factory)
    deliverer = Deliverer(db, connection)
    lifecycles = Lifecycles()
    answers = Answers(db, lifecycles, deliverer)
    pages = Pages(config.templates, company=config.company_name, temporal_ui=config.temporal_ui)
    pages.filter(**FILTERS)
    sessions = Sessions(config.link_secrets, secure=config.secure)
    app = FastAPI(
        title="Stageplay",
        version=VERSION,
        description="Tell Stageplay what happened at a customer. Requests are signed as Standard Webhooks.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(deliverer, Mornings(db, lifecycles), db),
        dependencies=[Depends(_no_nul)],
    )
    intake = Intake(db, lifecycles, allow_rehearsal=config.allow_rehearsal)
    app.include_router(events_router(intake, deliverer, config.webhook_secrets))
    slack = SlackPresses(db, answers, config.slack_signing_secret, config.slack_team_id, config.slack_app_id)
    app.include_router(slack.router())
    app.include_router(SendGridEvents(db, deliverer, config.sendgrid_public_key).router())
    app.include_router(LinkPages(db, pages, deliverer, lifecycles, config.link_secrets, config.company_name).router())
    dashboard = Dashboard(db, pages, sessions, connection, lifecycles, About(lifecycles), Why())
    app.include_router(dashboard.router())
    app.include_router(DocumentPages(db, pages, dashboard, config.link_secrets, _delivery(config)).router())
    app.include_router(PipelinePages(dashboard, intake, deliverer).router())
    app.include_router(InteractionPages(dashboard, intake, deliverer).router())
    app.include_router(Actions(dashboard, answers, config.dashboard_token).router())
    _add_health(app, db, connection)
    _add_static(app, config.templates / "dashboard")
    _add_errors(app, pages)
    app.add_exception_handler(SignInNeededError, to_sign_in)
    app.add_middleware(SecurityHeaders)
    return app


async def _no_nul(request: Request) -> None:
    """Nothing has a NUL in its name, and PostgreSQL refuses even to look for it. A token needs no such care: it is
    judged by its signature, and has a page of its own for whoever brings a wrong one.
    """
    if any("\x00" in written for name, written in request.path_params.items() if name != "token"):
        raise HTTPException(404)


def _delivery(config: Config) -> Delivery:
    """What documents say of this installation; nothing is sent from here."""
    return Delivery(
        public_url=config.public_url,
        from_email="",
        company_name=config.company_name,
        company_address=config.company_address,
        help_url=config.help_url,
        link_secret=config.link_secrets[-1],
    )


def _lifespan(
    deliverer: Deliverer, mornings: Mornings, db: Database
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        """Run the pollers while the app runs."""
        forever = (deliverer.run(), mornings.run(), returning.run(db))
        pollers = [asyncio.create_task(one) for one in forever]
        yield
        for poller in pollers:
            poller.cancel()
        await asyncio.gather(*pollers, return_exceptions=True)
        await deliverer.close()

    return lifespan


def _add_health(app: FastAPI, db: Database, connection: Connection) -> None:
    @app.get(
        "/healthz", summary="How the gateway is", responses={503: {"description": "The database does not answer."}}
    )
    async def health() -> JSONResponse:
        """200 while events can be taken, also when Temporal is away: they are kept and delivered later."""
        temporal, backlog = await asyncio.gather(
            connection.healthy(within=TEMPORAL_WITHIN), asyncio.to_thread(_backlog, db)
        )
        parts = {"database": "ok" if backlog is not None else "away", "temporal": "ok" if temporal else "away"}
        good = backlog is not None
        status = "ok" if good and temporal else "degraded" if good else "down"
        return JSONResponse({"status": status, **parts, "backlog": backlog}, status_code=200 if good else 503)


def _backlog(db: Database) -> int | None:
    """Events accepted and not yet delivered; None when the database does not answer."""
    try:
        with db.read() as c:
            return read_models.counts(c).backlog
    except SQLAlchemyError:
        return None


def _add_static(app: FastAPI, folder: Path) -> None:
    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        if name not in STATIC:
            raise HTTPException(404)
        return FileResponse(folder / name, media_type=STATIC[name], headers={"cache-control": "max-age=300"})


def _add_errors(app: FastAPI, pages: Pages) -> None:
    """JSON for programs, a page for people."""

    def for_people(request: Request) -> bool:
        return not request.url.path.startswith(API)

    @app.exception_handler(RefusedError)
    async def refusal(request: Request, error: RefusedError) -> Response:
        if for_people(request):
            return pages.show("pages/problem.html", status=error.status, problem=error.problem, fix=error.fix)
        return await refused(request, error)

    @app.exception_handler(SQLAlchemyError)
    async def no_database(request: Request, error: SQLAlchemyError) -> Response:
        if for_people(request):
            return pages.show(
                "pages/problem.html", status=503, problem="The database does not answer.", fix="Try again in a minute."
            )
        return await database_away(request, error)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        if for_people(request):
            return pages.show(
                "pages/problem.html", status=error.status_code, problem="There is no such page.", fix="Go to the start."
            )
        body = RefusedError("path", error.detail, "see docs/api.md", status=error.status_code).body()
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)
