"""How the calls of an hour fared, counted: whoever migrates counts those there are. Sums of calls tell owners
apart: those there are go to whose each key is today."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

PLACE = ("provider", "model", "cause", "ending")


def upgrade() -> None:
    op.create_table(
        "outages",
        sa.Column("start", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.String, nullable=False) for name in PLACE),
        sa.Column("requests", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.Float, nullable=False),
        sa.Column("cost", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("start", *PLACE, name="pk_outages"),
    )
    op.add_column("rollups", sa.Column("owner", sa.String, nullable=False, server_default=""))
    op.execute(
        "UPDATE rollups SET owner ="
        " coalesce((SELECT owner FROM api_keys WHERE api_keys.id = rollups.key_id), '')"
    )
