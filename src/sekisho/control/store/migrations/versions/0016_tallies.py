"""What calls came to by tags and by end users. Whoever migrates counts those there are; of those that are
deleted nobody knows."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

DIMENSIONS = ("key_id", "organisation", "team", "project", "owner", "operation", "app", "provider", "model")
NUMBERS = (
    *("calls", "unpriced", "cost", "waived"),
    *("input", "cache_read", "cache_write", "cache_write_1h", "output"),
)


def upgrade() -> None:
    op.create_table(
        "tallies",
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("seconds", sa.Integer, nullable=False),
        sa.Column("start", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in DIMENSIONS),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("asked", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in NUMBERS),
        sa.PrimaryKeyConstraint("kind", "seconds", "start", "key_id", "id", name="pk_tallies"),
        sqlite_with_rowid=False,
    )
    op.add_column("expired", sa.Column("tallied_from", sa.Float, nullable=False, server_default="0"))
    op.execute("UPDATE expired SET tallied_from = calls_before")
