"""Calls that brought nothing, and what they cost all the same."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("waived", sa.BigInteger))
    op.add_column("rollups", sa.Column("waived", sa.BigInteger, nullable=False, server_default="0"))
