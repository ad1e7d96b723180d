"""Calendar slots: no two live meetings of one organizer overlap, and a meeting keeps its slot. All in customer time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from lifecycle.commands import SendInvite
from lifecycle.touches import name_in
from store import tables
from store.database import Database, one_at_a_time

GRID = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Meeting:
    """A booked slot. `sequence`: iTIP's, one higher once cancelled. `clash`: the window was full, so it overlaps.
    `guests`: ids of the contacts and teammates it was booked for, whoever has which role since. `handed`: the last
    change of the customer's team that it took.
    """

    id: str
    organizer: str
    starts_at: datetime
    ends_at: datetime
    sequence: int
    cancelled: bool
    clash: bool = False

    @property
    def name(self) -> str:
        """`playbook/play/step`, as events name it."""
        return name_in(self.id)

    guests: tuple[str, ...] = ()
    handed: str = ""


def book(
    db: Database,
    meeting: str,
    *,
    organizer: str,
    opens: datetime,
    closes: datetime,
    minutes: int,
    guests: Sequence[str],
    moves: int = 0,
) -> Meeting:
    """Take the first free slot of the organizer on a 15-minute grid between `opens` and `closes`.

    Asked again for the same meeting, returns the slot it has, cancelled or not, unless that begins before `opens`: the
    core moves the window only while no guest knows of the meeting. In a full window it starts at `opens` with `clash`
    set: a person moves it, nothing is lost.

    `moves`: how often it was moved by whoever asks, iTIP's SEQUENCE. One that was moved as often keeps its slot; one
    that was moved less often gives it up for another one, with the same organizer and guests.
    """
    with db.begin() as c:
        one_at_a_time(c, f"meetings of {organizer}")
        known = get(c, meeting)
        if known is not None and (known.cancelled or known.sequence > moves or _stays(known, opens, moves)):
            return known
        if known is not None and moves:
            organizer, guests = known.organizer, known.guests
        c.execute(delete(tables.meetings).where(tables.meetings.c.id == meeting))
        length = timedelta(minutes=minutes)
        starts_at = _first_free(_taken(c, organizer, opens, closes), opens, closes, length)
        values: dict[str, Any] = {"id": meeting, "organizer": organizer, "sequence": moves, "cancelled": False}
        values["guests"] = list(guests)
        slot = {"starts_at": starts_at or opens, "ends_at": (starts_at or opens) + length, "clash": starts_at is None}
        booked = insert(tables.meetings).values(**values, **slot).returning(tables.meetings)
        return _meeting(c.execute(booked).one())


def hand_over(db: Database, command: SendInvite) -> Meeting | None:
    """Give a booked meeting to another organizer and other guests, in its slot, under the next SEQUENCE;
    once for each change of the customer's team. None where it was never booked.

    SEQUENCE is at least `command.moves` from now on. A slot in which the new organizer has another one is a `clash`.
    """
    table, organizer = tables.meetings, command.organizer
    with db.begin() as c:
        one_at_a_time(c, f"meetings of {organizer}")
        known = get(c, command.meeting)
        if known is None or known.cancelled or known.handed == command.change:
            return known
        others = (table.c.organizer == organizer) & ~table.c.cancelled & (table.c.id != command.meeting)
        overlaps = (table.c.starts_at < known.ends_at) & (table.c.ends_at > known.starts_at)
        clash = c.execute(select(table.c.id).where(others & overlaps)).first() is not None
        values: dict[str, Any] = {"organizer": organizer, "guests": list(command.guests), "handed": command.change}
        values |= {"sequence": max(known.sequence + 1, command.moves), "clash": clash}
        c.execute(update(table).where(table.c.id == command.meeting).values(**values))
        return get(c, command.meeting)


def to_come(c: Connection, customer: str, at: datetime) -> tuple[Meeting, ...]:
    """The meetings of a customer that have not ended at an instant of its time, the first one first."""
    return tuple(one for one in of(c, customer) if one.ends_at > at)


def _stays(known: Meeting, opens: datetime, moves: int) -> bool:
    """Whether a booked meeting has its slot already: that of this move, or, of none, one that is not too early."""
    return known.sequence == moves and (moves > 0 or known.starts_at >= opens)


def get(c: Connection, meeting: str) -> Meeting | None:
    """A booked meeting."""
    row = c.execute(select(tables.meetings).where(tables.meetings.c.id == meeting)).one_or_none()
    return None if row is None else _meeting(row)


def of(c: Connection, customer: str) -> tuple[Meeting, ...]:
    """The meetings booked with a customer and not cancelled, the first one first."""
    table = tables.meetings
    mine = table.c.id.startswith(f"{customer}/", autoescape=True)
    if c.dialect.name == "sqlite":  # finds texts in an index by their bytes only: what is behind "/" is before "0"
        mine = (table.c.id > f"{customer}/") & (table.c.id < f"{customer}0")
    query = select(table).where(mine, ~table.c.cancelled)
    return tuple(_meeting(row) for row in c.execute(query.order_by(table.c.starts_at, table.c.id)))


def cancel(db: Database, meeting: str) -> Meeting:
    """Free the slot and count `sequence` up, once.

    Raises:
        LookupError: it was never booked.
    """
    table = tables.meetings
    live = (table.c.id == meeting) & ~table.c.cancelled
    with db.begin() as c:
        c.execute(update(table).where(live).values(cancelled=True, sequence=table.c.sequence + 1))
        found = get(c, meeting)
    if found is None:
        raise LookupError(f"meeting {meeting} was never booked, so there is nothing to cancel")
    return found


def _taken(c: Connection, organizer: str, opens: datetime, closes: datetime) -> list[tuple[datetime, datetime]]:
    table = tables.meetings
    overlaps = (table.c.starts_at < closes) & (table.c.ends_at > opens)
    query = select(table.c.starts_at, table.c.ends_at).where(table.c.organizer == organizer, ~table.c.cancelled)
    return [(row.starts_at, row.ends_at) for row in c.execute(query.where(overlaps))]


def _first_free(
    taken: list[tuple[datetime, datetime]],
    opens: datetime,
    closes: datetime,
    length: timedelta,
) -> datetime | None:
    starts_at = _on_grid(opens)
    while starts_at + length <= closes:
        ends_at = starts_at + length
        if all(end <= starts_at or begin >= ends_at for begin, end in taken):
            return starts_at
        starts_at += GRID
    return None


def _on_grid(at: datetime) -> datetime:
    past = timedelta(minutes=at.minute % 15, seconds=at.second, microseconds=at.microsecond)
    return at + (GRID - past) if past else at


def _meeting(row: Row[Any]) -> Meeting:
    return Meeting(
        id=row.id,
        organizer=row.organizer,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        sequence=row.sequence,
        cancelled=row.cancelled,
        clash=row.clash,
        guests=tuple(row.guests),
        handed=row.handed or "",
    )
