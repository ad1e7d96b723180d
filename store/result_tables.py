"""The tables of what comes of steps besides messages: surveys, documents, opportunities. See `tables` for the rules."""

from sqlalchemy import Column, Double, Index, Integer, String, Table, Text

from store.columns import Instant, Json, of_customer
from store.tables import metadata

surveys = Table(
    "surveys",
    metadata,
    Column("touch", String, primary_key=True),
    of_customer(),
    Column("contact", String, nullable=False),
    Column("survey", String, nullable=False),
    Column("sent_at", Instant, nullable=False),  # customer time
    Column("score", Integer),
    Column("answers", Json),  # what was chosen besides, by name; none of old answers
    Column("comment", Text, nullable=False),
    Column("answered_at", Instant),
    Index("ix_surveys_customer", "customer"),
)
documents = Table(
    "documents",
    metadata,
    Column("touch", String, primary_key=True),
    of_customer(),
    Column("to", String, nullable=False),  # id of the contact or teammate that it was made for
    Column("title", Text, nullable=False),
    Column("markdown", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("made_at", Instant, nullable=False),  # customer time
    Index("ix_documents_customer", "customer"),
)
opportunities = Table(
    "opportunities",
    metadata,
    Column("touch", String, primary_key=True),
    of_customer(),
    Column("opportunity", String, nullable=False),  # which kind
    Column("title", Text, nullable=False),
    Column("owner", String, nullable=False),
    Column("value", Double),  # whole units of currency
    Column("commission", Double),  # percent
    Column("stage", String, nullable=False),
    Column("raised_at", Instant, nullable=False),  # customer time
    Column("closes_at", Instant, nullable=False),  # customer time
    Index("ix_opportunities_customer", "customer"),
)
