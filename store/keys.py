"""Secrets that the installation makes for itself, once, and keeps in the database.

`touch`: what `ledger.touch_hash` is keyed with. `sign-in`: what the dashboard's sign-in links are signed with. Losing
one makes every hash and link already handed out unrecognisable, so they are backed up with the rest.
"""

import secrets
from datetime import datetime

from sqlalchemy import Connection, select

from store import tables

NAMES = ("touch", "sign-in")


def key(c: Connection, name: str) -> bytes:
    """The 32 bytes of the key `name`.

    Raises:
        LookupError: no such key; `Database.migrate()` makes all of `NAMES`.
    """
    found = c.execute(select(tables.keys.c.secret).where(tables.keys.c.name == name)).scalar_one_or_none()
    if found is None:
        raise LookupError(f"the database holds no key {name!r}; run the migrations")
    return bytes.fromhex(found)


def make_missing(c: Connection, at: datetime) -> None:
    """Make the keys that do not exist yet; those that do are never replaced."""
    have = set(c.execute(select(tables.keys.c.name)).scalars())
    for name in NAMES:
        if name not in have:
            c.execute(tables.keys.insert().values(name=name, secret=secrets.token_hex(32), created_at=at))
