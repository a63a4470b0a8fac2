"""Calls are found, and deleted, by when they began; on PostgreSQL each day has a partition."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

PARTITIONED = """
ALTER TABLE calls RENAME TO calls_before;
ALTER INDEX pk_calls RENAME TO pk_calls_before;
ALTER INDEX ix_calls_spending RENAME TO ix_calls_before_spending;
ALTER INDEX ix_calls_upstream_id RENAME TO ix_calls_before_upstream_id;
CREATE TABLE calls (LIKE calls_before INCLUDING DEFAULTS) PARTITION BY RANGE (started);
CREATE TABLE calls_rest PARTITION OF calls DEFAULT;
INSERT INTO calls SELECT * FROM calls_before;
DROP TABLE calls_before;
ALTER TABLE calls ADD CONSTRAINT pk_calls PRIMARY KEY (id, started);
CREATE INDEX ix_calls_spending ON calls (key_id, started, cost);
CREATE INDEX ix_calls_upstream_id ON calls (upstream_id) WHERE dialect = 'openai_responses';
"""


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.get_bind().exec_driver_sql(PARTITIONED)
    op.create_index("ix_calls_started", "calls", ["started"])
