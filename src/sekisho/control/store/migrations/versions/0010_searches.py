"""Calls say how many searches they were billed as."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("usage_searches", sa.BigInteger, server_default="0"))
