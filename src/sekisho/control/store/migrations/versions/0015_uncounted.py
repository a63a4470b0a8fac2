"""Calls that passed while counters were away, until they are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uncounted",
        sa.Column("ended", sa.Float, nullable=False),
        sa.Column("call_id", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("ended", "call_id", name="pk_uncounted"),
    )
