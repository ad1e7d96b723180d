"""Where the meetings that a teammate holds take place."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("teammates", sa.Column("meeting_url", sa.String()))
