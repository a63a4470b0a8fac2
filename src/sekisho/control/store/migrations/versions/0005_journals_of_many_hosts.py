"""Segments are known by their journal too: several hosts load into one database."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("journal_segments") as table:
        # Segments that are known already belong to the only journal there was: the first that asks.
        table.add_column(sa.Column("journal", sa.String, nullable=False, server_default=""))
        table.drop_constraint("pk_journal_segments", type_="primary")
        table.create_primary_key("pk_journal_segments", ["journal", "name"])
    with op.batch_alter_table("journal_segments") as table:
        table.alter_column("journal", server_default=None)
