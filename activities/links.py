"""Links in mails that act for their reader without a sign-in: signed, scoped by purpose, and opaque.

A token holds our own ids only, never an address. One salt per purpose, so that no token serves another one. Several
keys may be given while they are rotated, the newest last. The gateway reads what the activities make.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from itsdangerous import BadData, SignatureExpired, URLSafeSerializer, URLSafeTimedSerializer

SURVEY_LIFE = timedelta(weeks=10)
"""Long enough for an answer that comes late, and over before the next survey of the same kind may be sent (80 days)."""

DOCUMENTS_LIFE = timedelta(days=90)
"""How long a link to documents opens them."""

Keys = str | Sequence[str]
Refusal = Literal["expired", "forged"]


@dataclass(frozen=True, slots=True)
class SurveyLink:
    """One survey of one person: the touch that sent it and the contact it went to."""

    touch: str
    contact: str

    @property
    def customer(self) -> str:
        return self.touch.split("/", 1)[0]


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """One person at one customer who wants no more of this mail."""

    customer: str
    contact: str


@dataclass(frozen=True, slots=True)
class DocumentsLink:
    """The documents of one customer that were made for one person, a contact or a teammate."""

    customer: str
    person: str


def make_survey(keys: Keys, touch: str, contact: str) -> str:
    """The token of a survey link, good for `SURVEY_LIFE` of real time."""
    return _timed(keys, "survey").dumps([touch, contact])


def read_survey(keys: Keys, token: str) -> SurveyLink | Refusal:
    """What a survey token stands for, or why it is not taken."""
    fields = _within(SURVEY_LIFE, keys, "survey", token)
    return fields if isinstance(fields, str) else SurveyLink(*fields)


def make_unsubscribe(keys: Keys, customer: str, contact: str) -> str:
    """The token of an unsubscribe link: always the same for a person, and it never expires, because an old mail must
    still let its reader go.
    """
    return _plain(keys).dumps([customer, contact])


def read_unsubscribe(keys: Keys, token: str) -> UnsubscribeLink | Refusal:
    """What an unsubscribe token stands for, or why it is not taken."""
    fields = _ids(lambda: _plain(keys).loads(token))
    return fields if isinstance(fields, str) else UnsubscribeLink(*fields)


def make_documents(keys: Keys, customer: str, person: str) -> str:
    """The token of a link to the documents that were made for a person, good for `DOCUMENTS_LIFE` of real time."""
    return _timed(keys, "documents").dumps([customer, person])


def read_documents(keys: Keys, token: str) -> DocumentsLink | Refusal:
    """What a documents token stands for, or why it is not taken."""
    fields = _within(DOCUMENTS_LIFE, keys, "documents", token)
    return fields if isinstance(fields, str) else DocumentsLink(*fields)


def documents_url(public_url: str, token: str) -> str:
    """Where the documents of a person are listed."""
    return f"{public_url}/documents/{token}"


def survey_url(public_url: str, token: str) -> str:
    """Where the survey page answers. A GET shows it, only a POST records."""
    return f"{public_url}/survey/{token}"


def unsubscribe_url(public_url: str, token: str) -> str:
    """Where unsubscribing answers: a page on GET, one click by POST (RFC 8058)."""
    return f"{public_url}/unsubscribe/{token}"


def _timed(keys: Keys, purpose: Literal["survey", "documents"]) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(_secrets(keys), salt=f"stageplay/{purpose}")


def _within(
    life: timedelta, keys: Keys, purpose: Literal["survey", "documents"], token: str
) -> tuple[str, str] | Refusal:
    return _ids(lambda: _timed(keys, purpose).loads(token, max_age=int(life.total_seconds())))


def _plain(keys: Keys) -> URLSafeSerializer:
    return URLSafeSerializer(_secrets(keys), salt="stageplay/unsubscribe")


def _secrets(keys: Keys) -> list[str]:
    return [keys] if isinstance(keys, str) else list(keys)


def _ids(read: Callable[[], Any]) -> tuple[str, str] | Refusal:
    """The two ids of a token. `expired` is only ever said of a token that we made."""
    try:
        data = read()
    except SignatureExpired:
        return "expired"
    except (BadData, ValueError):
        return "forged"
    match data:
        case [str(first), str(second)]:
            return first, second
        case _:
            return "forged"
