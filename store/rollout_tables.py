"""The tables of rollouts and standing holds: what is told of a catalogue, and who is held as soon as they sign up.

Written by `rollouts.py` and `standing.py`.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, Text

from store.columns import Instant, Json
from store.tables import metadata

rollouts = Table(
    "rollouts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String, ForeignKey("releases.digest"), nullable=False),
    Column("note", Text, nullable=False),
    Column("scope", Json, nullable=False),
    Column("move", Json, nullable=False),  # names of playbooks
    Column("late", String, nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("in_force", Boolean, nullable=False),  # new customers in its scope start with it
    Column("cursor", String, nullable=False),  # the last customer that was told
    Column("told", Integer, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
)
shadows = Table(
    "shadows",  # where customers stood when a shadow began
    metadata,
    Column("rollout", Integer, ForeignKey("rollouts.id"), primary_key=True, autoincrement=False),
    Column("customer", String, ForeignKey("customers.id"), primary_key=True),
    Column("state", Json, nullable=False),
)
standing_holds = Table(
    "standing_holds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("playbook", String, nullable=False),  # empty: everything
    Column("scope", Json, nullable=False),
    Column("placed_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("placed_at", Instant, nullable=False),
)
