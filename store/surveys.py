"""Surveys sent and answered. An answer may be changed for a day, then it counts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from sqlalchemy import Connection, Row, select, update

from store.database import insert_new, now
from store.result_tables import surveys

OPEN_FOR = timedelta(days=1)
"""How long after the first answer it may be changed, in real time. Until then the link's own expiry counts."""


@dataclass(frozen=True, slots=True)
class Survey:
    """One survey to one contact. `sent_at`: customer time. `score`: as given, None before the first answer and where
    there is none; `answers`: what was chosen besides, by name.

    `answered_at`: when first answered, real time. `closed`: the answer can no longer be changed.
    """

    touch: str
    customer: str
    contact: str
    survey: str
    sent_at: datetime
    score: int | None
    comment: str
    answered_at: datetime | None
    closed: bool
    answers: Mapping[str, str] = field(default_factory=dict)


def sent(c: Connection, *, touch: str, customer: str, contact: str, survey: str, at: datetime) -> bool:
    """Record that a survey goes out, before it does, so that no answer comes too early. False when it was known."""
    values = {"customer": customer, "contact": contact, "survey": survey, "sent_at": at, "comment": ""}
    return insert_new(c, surveys, touch=touch, **values)


def answer(
    c: Connection, touch: str, score: int | None, comment: str, answers: Mapping[str, str] = MappingProxyType({})
) -> Literal["recorded", "changed", "closed"]:
    """Record an answer: the first one, or another one within a day of it. The free text goes no further than here.

    Raises:
        LookupError: no such survey was sent.
    """
    # One writer at a time on SQLite; on PostgreSQL the row is locked, so that of two first answers one is a change.
    c.execute(select(surveys.c.touch).where(surveys.c.touch == touch).with_for_update())
    survey = get(c, touch)
    if survey is None:
        raise LookupError(f"no survey was sent as {touch}")
    if survey.closed:
        return "closed"
    values: dict[str, Any] = {
        "score": score,
        "comment": comment,
        "answers": dict(answers),
        "answered_at": survey.answered_at or now(),
    }
    c.execute(update(surveys).where(surveys.c.touch == touch).values(values))
    return "recorded" if survey.answered_at is None else "changed"


def last(c: Connection, customer: str, contact: str, survey: str) -> Survey | None:
    """The last survey of a kind that a contact was sent, where nobody has answered it yet."""
    mine = (surveys.c.customer == customer) & (surveys.c.contact == contact) & (surveys.c.survey == survey)
    row = c.execute(select(surveys).where(mine).order_by(surveys.c.sent_at.desc()).limit(1)).one_or_none()
    return _survey(row) if row is not None and row.answered_at is None else None


def get(c: Connection, touch: str) -> Survey | None:
    """A survey that was sent."""
    row = c.execute(select(surveys).where(surveys.c.touch == touch)).one_or_none()
    return None if row is None else _survey(row)


def _survey(row: Row[Any]) -> Survey:
    closed = row.answered_at is not None and row.answered_at + OPEN_FOR <= now()
    return Survey(
        touch=row.touch,
        customer=row.customer,
        contact=row.contact,
        survey=row.survey,
        sent_at=row.sent_at,
        score=row.score,
        comment=row.comment,
        answered_at=row.answered_at,
        closed=closed,
        answers=row.answers or {},
    )
