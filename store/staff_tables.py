"""The tables of who is given which customers: the team's rules, and what one teammate handed over to others.

Written by `team.py` and `handing.py`.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from store.columns import Instant, Json, of_customer
from store.tables import metadata

team_rules = Table(
    "team_rules",  # one row at most
    metadata,
    Column("id", Integer, primary_key=True),
    Column("policy", Json, nullable=False),
)
handovers = Table(
    "handovers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("leaver", String, ForeignKey("teammates.id"), nullable=False),
    Column("taker", String, nullable=False),  # empty: whom the rules choose
    Column("reason", Text, nullable=False),
    Column("until", String, nullable=False),  # the last day, as an ISO date; empty: for good
    Column("undoes", Integer, ForeignKey("handovers.id")),
    Column("started_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Index("ix_handovers_undoes", "undoes"),
)
handed = Table(
    "handed",
    metadata,
    Column("handover", Integer, ForeignKey("handovers.id"), primary_key=True, autoincrement=False),
    of_customer(primary_key=True),
    Column("role", String, primary_key=True),
    Column("was", String, nullable=False),
    Column("now", String, nullable=False),
    Column("result", String, nullable=False),  # empty: still to do; then `told`, or `kept` where it had changed since
)
