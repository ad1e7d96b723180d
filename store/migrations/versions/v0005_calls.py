"""What people say of a customer: notes of calls, what was agreed in them, and opportunities that they move on.

For a while 0002 made these tables itself: a database that was made then has them, and keeps what is in them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "opportunity_moves",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("opportunity", sa.String(), nullable=False),
        sa.Column("was", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("moved_by", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["opportunity"], ["opportunities.touch"], name=op.f("fk_opportunity_moves_opportunity")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_opportunity_moves")),
        if_not_exists=True,
    )
    op.create_index(
        "ix_opportunity_moves_opportunity", "opportunity_moves", ["opportunity"], unique=False, if_not_exists=True
    )
    op.create_table(
        "interactions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("held_on", sa.String(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column("note", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("noted_by", sa.String(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_interactions_customer")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interactions")),
        if_not_exists=True,
    )
    op.create_index("ix_interactions_customer", "interactions", ["customer"], unique=False, if_not_exists=True)
    op.create_table(
        "agreed",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("interaction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("due_on", sa.String(), nullable=False),
        sa.Column("risk", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_agreed_customer")),
        sa.ForeignKeyConstraint(["interaction"], ["interactions.id"], name=op.f("fk_agreed_interaction")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreed")),
        if_not_exists=True,
    )
    op.create_index("ix_agreed_customer", "agreed", ["customer"], unique=False, if_not_exists=True)
