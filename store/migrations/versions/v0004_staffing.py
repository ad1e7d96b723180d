"""Who is given which customers: the team's rules, and what one teammate handed over to others."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "team_rules",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("policy", sa.JSON(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_rules")),
    )
    op.create_table(
        "handovers",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("leaver", sa.String(), nullable=False),
        sa.Column("taker", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.String(), nullable=False),
        sa.Column("undoes", sa.Integer()),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["leaver"], ["teammates.id"], name=op.f("fk_handovers_leaver")),
        sa.ForeignKeyConstraint(["undoes"], ["handovers.id"], name=op.f("fk_handovers_undoes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index("ix_handovers_undoes", "handovers", ["undoes"], unique=False)
    op.create_table(
        "handed",
        sa.Column("handover", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("was", sa.String(), nullable=False),
        sa.Column("now", sa.String(), nullable=False),
        sa.Column("result", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_handed_customer")),
        sa.ForeignKeyConstraint(["handover"], ["handovers.id"], name=op.f("fk_handed_handover")),
        sa.PrimaryKeyConstraint("handover", "customer", "role", name=op.f("pk_handed")),
    )
    op.add_column("teammates", sa.Column("cover", sa.JSON(none_as_null=True)))
    op.add_column("cards", sa.Column("taken", sa.Boolean()))
    op.add_column("meetings", sa.Column("handed", sa.String()))
