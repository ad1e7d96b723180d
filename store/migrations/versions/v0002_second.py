"""The rest of the first schema: used sign-in links, rollouts, standing holds, what comes of steps besides messages."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_ins",
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("link", name=op.f("pk_sign_ins")),
    )
    op.create_table(
        "rollouts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("scope", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("move", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("late", sa.String(), nullable=False),
        sa.Column("shadow", sa.Boolean(), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["digest"], ["releases.digest"], name=op.f("fk_rollouts_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rollouts")),
    )
    op.create_table(
        "standing_holds",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("playbook", sa.String(), nullable=False),
        sa.Column("scope", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("placed_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_holds")),
    )
    op.create_table(
        "shadows",
        sa.Column("rollout", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("state", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_shadows_customer")),
        sa.ForeignKeyConstraint(["rollout"], ["rollouts.id"], name=op.f("fk_shadows_rollout")),
        sa.PrimaryKeyConstraint("rollout", "customer", name=op.f("pk_shadows")),
    )
    op.create_table(
        "documents",
        sa.Column("touch", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("to", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_documents_customer")),
        sa.PrimaryKeyConstraint("touch", name=op.f("pk_documents")),
    )
    op.create_index("ix_documents_customer", "documents", ["customer"], unique=False)
    op.create_table(
        "opportunities",
        sa.Column("touch", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("opportunity", sa.String(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("commission", sa.Double(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_opportunities_customer")),
        sa.PrimaryKeyConstraint("touch", name=op.f("pk_opportunities")),
    )
    op.create_index("ix_opportunities_customer", "opportunities", ["customer"], unique=False)
    op.add_column("snapshots", sa.Column("score", sa.Double()))
