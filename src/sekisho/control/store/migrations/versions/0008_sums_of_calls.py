"""What calls came to together, by hour and by whose they were. Whoever migrates counts those there are."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

DIMENSIONS = ("key_id", "organisation", "team", "project", "operation", "app", "provider", "model")
NUMBERS = (
    *("calls", "failed", "cancelled", "unpriced"),
    *("input", "cache_read", "cache_write", "cache_write_1h", "output", "reasoning", "cost"),
)


def upgrade() -> None:
    op.create_table(
        "rollups",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in DIMENSIONS),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in NUMBERS),
        sa.Column("total_ms", sa.String, nullable=False),
        sa.Column("first_token_ms", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rollups"),
    )
    op.create_index("ix_rollups_start", "rollups", ["start"])
    op.create_index("ix_rollups_key_id", "rollups", ["key_id", "start"])
    op.create_table("expired", sa.Column("calls_before", sa.Float, nullable=False))
    op.execute("INSERT INTO expired (calls_before) VALUES (0)")
    op.drop_index("ix_calls_spending", "calls")
