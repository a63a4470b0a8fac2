"""What organisations are charged, what currencies are worth, and what was paid ahead."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tariffs",
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("begins", sa.Float, nullable=False),
        sa.Column("markup", sa.BigInteger, nullable=False),
        sa.Column("prices", sa.JSON, nullable=False),
        sa.Column("made", sa.Float, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("organisation", "begins", name="pk_tariffs"),
    )
    op.create_table(
        "currency_rates",
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("begins", sa.String, nullable=False),
        sa.Column("rate", sa.BigInteger, nullable=False),
        sa.Column("made", sa.Float, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("currency", "begins", name="pk_currency_rates"),
    )
    op.create_table(
        "prepaid",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("level", sa.String, nullable=False),
        sa.Column("holder", sa.String, nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("made", sa.Float, nullable=False),
        sa.Column("made_by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_prepaid"),
    )
    op.create_index("ix_prepaid_holder", "prepaid", ["holder"])
