"""Calls keep whose they were."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("calls", sa.Column("organisation", sa.String, nullable=False, server_default="default"))
    for name in ("team", "project", "owner", "end_user", "session"):
        op.add_column("calls", sa.Column(name, sa.String))
    op.add_column("calls", sa.Column("tags", sa.JSON))
