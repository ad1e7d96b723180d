"""Every table but those of `result_tables`, in the order of the modules that own them, which alone write them.

Instants are UTC. Columns named `..._at` hold real time unless the comment beside them says *customer time* (what the
core said; in a rehearsal the two differ). Changing anything here needs a revision under `migrations/versions`; a test
compares. Ids and touches hold no personal data; names and addresses stand in `contacts`, `teammates`, `suppressions`,
`outbox`, in what was `parked` or `refused`, and in the texts of notes, surveys, documents, edits and previews.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from store.columns import Instant, Json, of_customer

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


# --- keys, switches ---------------------------------------------------------------------------------------------------

keys = Table(
    "keys",
    metadata,
    Column("name", String, primary_key=True),
    Column("secret", String, nullable=False),
    Column("created_at", Instant, nullable=False),
)
switches = Table(
    "switches",
    metadata,
    Column("name", String, primary_key=True),
    Column("changed_at", Instant, nullable=False),
)
sign_ins = Table(
    "sign_ins", metadata, Column("link", String, primary_key=True), Column("used_at", Instant, nullable=False)
)

# --- customers --------------------------------------------------------------------------------------------------------

customers = Table(
    "customers",
    metadata,
    Column("id", String, primary_key=True),
    Column("outer_id", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("profile", Json, nullable=False),
    Column("clock", Json, nullable=False),
    Column("tier", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("band", String, nullable=False),
    Column("overdue", Boolean, nullable=False),
    Column("held", String, nullable=False),
    Column("stopped", Boolean, nullable=False),
    Column("catalogue", String, nullable=False),
    Column("next_due", Instant),  # customer time
    Column("as_of", Instant),  # customer time
    Column("seq", Integer, nullable=False),  # the last number given to an inbox row
    Column("batch", Integer, nullable=False),  # the last batch that changed this row
    Column("created_at", Instant, nullable=False),
    Column("merged_into", String, nullable=False),  # id of the customer that it goes on as; empty: it is one of its own
    Column("merged_at", Instant),
    Index("ix_customers_merged_into", "merged_into"),
    Index("ix_customers_next_due", "next_due"),
    Index("ix_customers_stage_name", "stage", "name"),
)
contacts = Table(
    "contacts",
    metadata,
    Column("id", String, primary_key=True),
    of_customer(),
    Column("address", String, nullable=False),  # normalised
    Column("email", String, nullable=False),  # as written
    Column("name", String, nullable=False),
    Column("roles", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("customer", "address"),
    Index("ix_contacts_address", "address"),
)
told_facts = Table(
    "told_facts",
    metadata,
    of_customer(primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", Json, nullable=False),
)
teammates = Table(
    "teammates",
    metadata,
    Column("id", String, primary_key=True),
    Column("address", String, nullable=False),
    Column("email", String, nullable=False),
    Column("name", String, nullable=False),
    Column("slack", String, nullable=False),
    Column("zone", String, nullable=False),
    Column("roles", Json, nullable=False),
    Column("active", Boolean, nullable=False),  # left the roster: kept for what was assigned to them
    Column("cover", Json),  # `lifecycle.staffing.Cover`; none: of a version that knew none
    Column("meeting_url", String),  # none: of a version that knew none
    Index("ix_teammates_slack", "slack"),
)
role_chains = Table(
    "role_chains",
    metadata,
    Column("role", String, primary_key=True),
    Column("chain", Json, nullable=False),
)
assignments = Table(
    "assignments",
    metadata,
    of_customer(primary_key=True),
    Column("role", String, primary_key=True),
    Column("teammate", String, ForeignKey("teammates.id"), nullable=False),
    Index("ix_assignments_role_teammate", "role", "teammate"),
)
suppressions = Table(
    "suppressions",
    metadata,
    Column("address", String, primary_key=True),
    Column("why", String, nullable=False),
    Column("source", String, nullable=False),
    Column("suppressed_at", Instant, nullable=False),
)
holds = Table(
    "holds",
    metadata,
    Column("scope", String, primary_key=True),  # `everything`, a customer's id, or that and a playbook's name
    Column("placed_by", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("placed_at", Instant, nullable=False),
)

# --- inbox ------------------------------------------------------------------------------------------------------------

inbox = Table(
    "inbox",
    metadata,
    of_customer(primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("source", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("body_digest", String, nullable=False),
    Column("event", Json, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("delivered_at", Instant),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("reply", Json),
    UniqueConstraint("source", "event_id"),
    _partial("ix_inbox_undelivered", "customer", "seq", where="delivered_at IS NULL"),
)
deliveries = Table(
    "deliveries",  # one row a customer: who delivers its inbox now, and when to try again
    metadata,
    of_customer(primary_key=True),
    Column("leased_by", String, nullable=False),
    Column("lease_until", Instant),
    Column("failures", Integer, nullable=False),
    Column("next_try_at", Instant),
)
parked = Table(
    "parked",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("outer_id", String, nullable=False),
    Column("source", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("body_digest", String, nullable=False),
    Column("raw", Json, nullable=False),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("source", "event_id"),
    Index("ix_parked_outer_id", "outer_id"),
    Index("ix_parked_received_at", "received_at"),
)
refused = Table(
    "refused",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("event_id", String, nullable=False),
    Column("raw", Json, nullable=False),
    Column("problem", Text, nullable=False),
    Column("received_at", Instant, nullable=False),
    Index("ix_refused_received_at", "received_at"),
)

# --- ledger, buckets, meetings ----------------------------------------------------------------------------------------

ledger = Table(
    "ledger",
    metadata,
    Column("touch", String, primary_key=True),
    Column("touch_hash", String, nullable=False, unique=True),
    Column("customer", String, nullable=False),  # no foreign key: the ledger outlives a forgotten customer
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lease_until", Instant),
    Column("reason", Text, nullable=False),
    Column("transport", String, nullable=False),
    Column("provider_ref", String, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("sent_at", Instant),
    Index("ix_ledger_customer", "customer"),
    _partial("ix_ledger_open", "state", where="state <> 'sent'"),
)
buckets = Table(
    "buckets",
    metadata,
    Column("name", String, primary_key=True),
    Column("tokens", Double, nullable=False),
    Column("stamp", Double, nullable=False),  # seconds since 1970, for arithmetic in one statement on both databases
)
meetings = Table(
    "meetings",
    metadata,
    Column("id", String, primary_key=True),
    Column("organizer", String, nullable=False),
    Column("starts_at", Instant, nullable=False),  # customer time
    Column("ends_at", Instant, nullable=False),  # customer time
    Column("sequence", Integer, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("clash", Boolean, nullable=False),
    Column("guests", Json, nullable=False),  # ids of contacts and teammates
    Column("handed", String),  # the last change of its team that it took
    Index("ix_meetings_organizer_starts_at", "organizer", "starts_at"),
)

# --- releases ---------------------------------------------------------------------------------------------------------

releases = Table(
    "releases",
    metadata,
    Column("digest", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON, places included
    Column("committed_at", Instant, nullable=False),
)
catalogues = Table(
    "catalogues",  # every change of the current catalogue, the last row is current
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String, ForeignKey("releases.digest"), nullable=False),
    Column("note", Text, nullable=False),
    Column("applied_at", Instant, nullable=False),
)
releases_used = Table(
    "releases_used",
    metadata,
    of_customer(primary_key=True),
    Column("release", String, primary_key=True),
)

# --- projections ------------------------------------------------------------------------------------------------------

batches = Table(
    "batches",
    metadata,
    of_customer(primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("log", String, nullable=False),
    Column("stored_at", Instant, nullable=False),
)
decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    of_customer(),
    Column("batch", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("at", Instant, nullable=False),  # customer time
    Column("playbook", String, nullable=False),
    Column("release", String, nullable=False),
    Column("play", Integer, nullable=False),
    Column("step", String, nullable=False),
    Column("what", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("to", String, nullable=False),
    Column("place", String, nullable=False),
    Column("stored_at", Instant, nullable=False),
    UniqueConstraint("customer", "batch", "position"),
)
snapshots = Table(
    "snapshots",
    metadata,
    of_customer(primary_key=True),
    Column("batch", Integer, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("state", Json, nullable=False),
    Column("score", Double),  # the health score in it
    Column("stored_at", Instant, nullable=False),
)
approvals = Table(
    "approvals",
    metadata,
    of_customer(primary_key=True),
    Column("approval", String, primary_key=True),
    Column("release", String, nullable=False),
    Column("step", String, nullable=False),
    Column("preview", Json, nullable=False),
    Column("asked_at", Instant, nullable=False),  # customer time
    Column("step_due", Instant, nullable=False),  # customer time
    Column("answer_by", Instant, nullable=False),  # customer time
    Column("expired", String, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("result", String, nullable=False),
    Column("closed_by", String, nullable=False),
    Column("closed_at", Instant),
    _partial("ix_approvals_open", "answer_by", where="result = ''"),
)
cards = Table(
    "cards",
    metadata,
    Column("touch", String, primary_key=True),
    of_customer(),
    Column("approval", String, nullable=False),
    Column("to", String, nullable=False),
    Column("card", String, nullable=False),
    Column("nth", Integer, nullable=False),
    Column("taken", Boolean),  # taken back: its teammate is asked no more
    Index("ix_cards_customer_approval", "customer", "approval"),
)
edits = Table(
    "edits",
    metadata,
    of_customer(primary_key=True),
    Column("approval", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("edited_by", String, nullable=False),
    Column("edited_at", Instant, nullable=False),
)
tasks = Table(
    "tasks",
    metadata,
    Column("task", String, primary_key=True),
    of_customer(),
    Column("release", String, nullable=False),
    Column("step", String, nullable=False),
    Column("to", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("checklist", Json, nullable=False),
    Column("raised_at", Instant, nullable=False),  # customer time
    Column("due_at", Instant, nullable=False),  # customer time
    Column("ticked_by", String, nullable=False),
    Column("ticked_at", Instant),
    Index("ix_tasks_customer", "customer"),
    _partial("ix_tasks_open", "due_at", where="ticked_at IS NULL"),
)

# --- outbox --------------------------------------------------------------------------------------------------------

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("touch", String, nullable=False, unique=True),
    of_customer(),
    Column("kind", String, nullable=False),
    Column("to", String, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Json, nullable=False),
    Column("at", Instant, nullable=False),  # customer time
    Column("kept_at", Instant, nullable=False),
    Index("ix_outbox_customer", "customer"),
)
