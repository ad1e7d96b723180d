"""Real time, for whoever needs no database: the one clock of the shells."""

from datetime import UTC, datetime


def now() -> datetime:
    """Real time as an aware UTC instant. Customer time comes from the core instead."""
    return datetime.now(UTC)  # noqa: TID251 - this is the clock that the ban points to
