"""What is kept by the day of what facts are derived from."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "daily_sums",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("days", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("look_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=op.f("fk_daily_sums_customer")),
        sa.PrimaryKeyConstraint("customer", "source", name=op.f("pk_daily_sums")),
    )
    op.create_index("ix_daily_sums_look_at", "daily_sums", ["look_at"], unique=False)
