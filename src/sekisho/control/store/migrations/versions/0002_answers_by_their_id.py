"""Calls are found by the provider's id of their answer."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_calls_upstream_id", "calls", ["upstream_id"])
