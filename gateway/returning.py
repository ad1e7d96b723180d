"""Holidays end: what was handed over until a day is given back on the next one, while a gateway runs."""

import asyncio

import structlog
from sqlalchemy import Connection

from gateway.intake import Lifecycles
from gateway.refusals import RefusedError
from lifecycle import calendar
from store import handing, team
from store.database import Database, now, one_at_a_time
from store.handing import Handover

EVERY = 600.0
"""Seconds between two looks."""

_log = structlog.get_logger("gateway.returning")


async def run(db: Database) -> None:
    """Look for ever."""
    while True:
        try:
            for number in await asyncio.to_thread(give_back, db):
                _log.info("given_back", handover=number)
        except Exception as error:  # noqa: BLE001 - it must outlive whatever one look meets
            _log.warning("giving_back_pauses", why=type(error).__name__)
        await asyncio.sleep(EVERY)


def give_back(db: Database) -> list[int]:
    """Take every handover back whose time is over, once, and finish what a gateway that was killed had begun to give
    back; the numbers of those.
    """
    with db.read() as c:
        begun = {item.id: item.undoes for item in handing.unfinished(c) if item.undoes is not None}
        soon = handing.over(c, now().date() + calendar.DAY)
        if not (begun or soon):
            return []
        try:
            zone = Lifecycles().current(c)[1].default_zone
        except RefusedError:
            return []
        due = [item for item in soon if _is_over(c, item, zone)]
    for item in due:
        number = _begin(db, item)
        if number is not None:
            begun[number] = item.id
    for number in begun:
        _finish(db, number, zone)
    return list(begun.values())


def _is_over(c: Connection, item: Handover, zone: str) -> bool:
    """Whether the last day is over where its owner is."""
    owner = team.teammate(c, item.leaver)
    today = calendar.local(now(), (owner.zone if owner else "") or zone).date()
    return item.until is not None and item.until < today


def _begin(db: Database, item: Handover) -> int | None:
    """Write down that a handover is taken back; None where another gateway has."""
    with db.begin() as c:
        one_at_a_time(c, "handovers")
        if handing.undone_by(c, item.id) is not None:
            return None
        back, reason = handing.undoing(c, item.id), f"{item.leaver} is back"
        return handing.begin(c, item.leaver, back, reason=reason, undoes=item.id)


def _finish(db: Database, number: int, zone: str) -> None:
    more: int | None = 0
    while more is not None:
        with db.begin() as c:
            more = handing.tell_some(c, number, zone)
