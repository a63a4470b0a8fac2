"""Keys, calls, and how far the journal is loaded."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("prefix", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float),
        sa.Column("revoked", sa.Float),
        sa.Column("allowed_models", sa.JSON),
        sa.Column("admin", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
        sa.UniqueConstraint("digest", name="uq_api_keys_digest"),
    )
    _create_calls()
    op.create_table(
        "journal_segments",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("loaded_offset", sa.BigInteger, nullable=False),
        sa.Column("damaged", sa.BigInteger, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_journal_segments"),
    )
    op.create_table("revision", sa.Column("keys", sa.BigInteger, nullable=False))
    op.execute("INSERT INTO revision (keys) VALUES (0)")


def _create_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("started", sa.Float, nullable=False),
        sa.Column("key_id", sa.String, nullable=False),
        sa.Column("operation", sa.String, nullable=False),
        sa.Column("dialect", sa.String, nullable=False),
        sa.Column("requested_model", sa.String, nullable=False),
        sa.Column("model", sa.String),
        sa.Column("provider", sa.String),
        sa.Column("provider_dialect", sa.String),
        sa.Column("upstream_model", sa.String),
        sa.Column("upstream_id", sa.String),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("error_code", sa.String),
        sa.Column("finish", sa.String),
        sa.Column("service_tier", sa.String),
        sa.Column("usage_input", sa.BigInteger),
        sa.Column("usage_cache_read", sa.BigInteger),
        sa.Column("usage_cache_write", sa.BigInteger),
        sa.Column("usage_cache_write_1h", sa.BigInteger),
        sa.Column("usage_output", sa.BigInteger),
        sa.Column("usage_reasoning", sa.BigInteger),
        sa.Column("usage_input_audio", sa.BigInteger),
        sa.Column("usage_output_audio", sa.BigInteger),
        sa.Column("usage_estimated", sa.Boolean),
        sa.Column("cost", sa.BigInteger),
        sa.Column("unpriced", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.JSON, nullable=False),
        sa.Column("first_token_ms", sa.BigInteger),
        sa.Column("total_ms", sa.BigInteger, nullable=False),
        sa.Column("app", sa.String),
        sa.PrimaryKeyConstraint("id", name="pk_calls"),
    )
    op.create_index("ix_calls_spending", "calls", ["key_id", "started", "cost"])
