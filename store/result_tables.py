"""The tables of what comes of steps besides messages, and of calls: surveys, documents, opportunities, notes; and of
what is kept by the day.

See `tables` for the rules.
"""

from sqlalchemy import Column, Double, ForeignKey, Index, Integer, String, Table, Text

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
opportunity_moves = Table(
    "opportunity_moves",  # a person moved an opportunity to another stage
    metadata,
    Column("id", Integer, primary_key=True),
    Column("opportunity", String, ForeignKey("opportunities.touch"), nullable=False),
    Column("was", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("moved_by", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("moved_at", Instant, nullable=False),
    Index("ix_opportunity_moves_opportunity", "opportunity"),
)
interactions = Table(
    "interactions",  # calls and reviews: what people wrote of them
    metadata,
    Column("id", String, primary_key=True),
    of_customer(),
    Column("kind", String, nullable=False),
    Column("held_on", String, nullable=False),  # ISO date
    Column("markdown", Text, nullable=False),
    Column("note", Json, nullable=False),
    Column("noted_by", String, nullable=False),
    Column("noted_at", Instant, nullable=False),
    Index("ix_interactions_customer", "customer"),
)
agreed = Table(
    "agreed",  # action items and risks of notes, each of which a play is about
    metadata,
    Column("id", String, primary_key=True),
    of_customer(),
    Column("interaction", String, ForeignKey("interactions.id"), nullable=False),
    Column("kind", String, nullable=False),
    Column("text", Text, nullable=False),
    Column("owner", String, nullable=False),  # a role
    Column("due_on", String, nullable=False),  # ISO date; empty for a risk
    Column("risk", String, nullable=False),  # which one of the lifecycle; empty for an action item
    Column("state", String, nullable=False),  # open, done as the note says, dropped
    Column("task", String, nullable=False),  # its touch, once it is raised
    Index("ix_agreed_customer", "customer"),
)
daily_sums = Table(
    "daily_sums",
    metadata,
    of_customer(primary_key=True),
    Column("source", String, primary_key=True),  # an event, or a fact
    Column("days", Json, nullable=False),  # amounts by ISO date of the customer's zone
    Column("look_at", Instant),  # when the windows over it are judged next; empty: time alone changes nothing any more
    Index("ix_daily_sums_look_at", "look_at"),
)
