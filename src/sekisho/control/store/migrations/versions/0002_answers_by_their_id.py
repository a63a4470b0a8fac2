"""Calls are found by the provider's id of their answer."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    kept = sa.text("dialect = 'openai_responses'")
    op.create_index(
        "ix_calls_upstream_id", "calls", ["upstream_id"], sqlite_where=kept, postgresql_where=kept
    )
