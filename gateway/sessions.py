"""Who is using the dashboard: a signed cookie, and a token in every form. `sign_in` says who gets a cookie.

The cookie is HttpOnly and SameSite=Strict and names the teammate whom its holder acts as.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from gateway.refusals import RefusedError

COOKIE = "stageplay"
LIFE = 12 * 60 * 60


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser. `acting`: id of the teammate whose answers it gives. `csrf`: what its forms must carry."""

    id: str
    acting: str
    csrf: str


class Sessions:
    """Knows signed-in browsers again."""

    def __init__(self, keys: Sequence[str], *, secure: bool) -> None:
        self._cookies = URLSafeTimedSerializer(list(keys), salt="stageplay/dashboard")
        self._forms = URLSafeTimedSerializer(list(keys), salt="stageplay/csrf")
        self._secure = secure

    def start(self, acting: str, response: Response) -> None:
        """Sign a browser in."""
        self.act_as(Session(secrets.token_urlsafe(16), acting, ""), acting, response)

    def act_as(self, session: Session, acting: str, response: Response) -> None:
        """Let the browser of `session` answer as another teammate."""
        response.set_cookie(
            COOKIE,
            self._cookies.dumps([session.id, acting]),
            max_age=LIFE,
            httponly=True,
            samesite="strict",
            secure=self._secure,
            path="/",
        )

    def of(self, request: Request) -> Session | None:
        """The session of a request, None when there is none or it is over."""
        try:
            match self._cookies.loads(request.cookies.get(COOKIE, ""), max_age=LIFE):
                case [str(session), str(acting)]:
                    return Session(session, acting, str(self._forms.dumps(session)))
                case _:
                    return None
        except (BadData, ValueError):
            return None

    def check(self, session: Session, csrf: str) -> None:
        """Refuse a form that this session's pages did not show."""
        try:
            good = self._forms.loads(csrf, max_age=LIFE) == session.id
        except (BadData, ValueError):
            good = False
        if not good:
            raise RefusedError(
                "csrf", "This form is too old or not from our pages.", "Reload the page and try again.", status=403
            )
