"""Up to which day hours are folded is asked by every report, and found without reading all hours."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    daily = sa.text("seconds = 86400")
    op.create_index("ix_rollups_days", "rollups", ["start"], sqlite_where=daily, postgresql_where=daily)
