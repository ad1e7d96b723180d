"""Holidays end: what was handed over until a day is given back on the next one, while a gateway runs."""

import asyncio

import structlog

from gateway.intake import Lifecycles
from gateway.refusals import RefusedError
from store import handing
from store.database import Database, now, one_at_a_time

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
    """Take every handover back whose time is over, once; the numbers of those."""
    with db.read() as c:
        due = handing.over(c, now().date())
        if not due:
            return []
        try:
            zone = Lifecycles().current(c)[1].default_zone
        except RefusedError:
            return []
    done = []
    for item in due:
        with db.begin() as c:
            one_at_a_time(c, "handovers")
            if handing.undone_by(c, item.id) is not None:
                continue
            back, reason = handing.undoing(c, item.id), f"{item.leaver} is back"
            number = handing.begin(c, item.leaver, back, reason=reason, undoes=item.id)
        more: int | None = 0
        while more is not None:
            with db.begin() as c:
                more = handing.tell_some(c, number, zone)
        done.append(item.id)
    return done
