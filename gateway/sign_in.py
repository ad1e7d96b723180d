"""Sign-in links: good once, for minutes, and made beside a running gateway by whoever may read its database.

A token is signed with a key that the database holds, so one process makes it and another takes it. Which were used
stands in the database too: a link is good once for all gateways and across their restarts. The one fixed token that a
gateway may be started with is good once as well, and does not age.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from itsdangerous import BadData, URLSafeTimedSerializer
from sqlalchemy import Connection

from store import keys, tables
from store.database import insert_new, now

LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Offer:
    """A sign-in that a token offers. `link`: what is remembered once it was used. `acting`: the one teammate that it is
    for, empty: any.
    """

    link: str
    acting: str = ""


def make_token(c: Connection, acting: str = "") -> str:
    """A token that signs in once within `LIFE`, as the teammate `acting` or as whoever its holder chooses to be."""
    return str(_signer(c).dumps([secrets.token_urlsafe(12), acting]))


def sign_in_link(public_url: str, token: str) -> str:
    """Where a person signs in; opening the page does not use the token up, its button does."""
    return f"{public_url}/sign-in?token={token}"


def offer_of(c: Connection, token: str, fixed: str) -> Offer | None:
    """What a token offers; None when it is not ours, too old, or was used.

    Args:
        c: an open connection.
        token: as it came.
        fixed: the token that the gateway was started with, empty: none.
    """
    offer = _fixed(token) if fixed and hmac.compare_digest(fixed.encode(), token.encode()) else _signed(c, token)
    table = tables.sign_ins
    if offer is None or c.execute(table.select().where(table.c.link == offer.link)).first():
        return None
    return offer


def use(c: Connection, offer: Offer) -> bool:
    """Use the offer up. False when somebody was faster."""
    return insert_new(c, tables.sign_ins, link=offer.link, used_at=now())


def _fixed(token: str) -> Offer:
    return Offer(sha256(token.encode()).hexdigest())


def _signed(c: Connection, token: str) -> Offer | None:
    try:
        match _signer(c).loads(token, max_age=int(LIFE.total_seconds())):
            case [str(link), str(acting)]:
                return Offer(link, acting)
            case _:
                return None
    except (BadData, ValueError):
        return None


def _signer(c: Connection) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(keys.key(c, "sign-in"), salt="stageplay/sign-in")
