"""Keep what comes of steps besides messages: choices in surveys, documents, opportunities."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("surveys", sa.Column("answers", sa.JSON(none_as_null=True), nullable=True))
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
