"""All tables, once. `migrations/` leads a database here; a test compares the two.

Times are seconds since the epoch, money is nano-USD.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

from sekisho.metering.alike import DIMENSIONS
from sekisho.metering.rollup import NUMBERS
from sekisho.metering.tally import NUMBERS as TALLIED

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

KEPT = text("dialect = 'openai_responses'")
"""Calls in the only API whose answers can be asked for again."""

DAILY = text("seconds = 86400")
"""Sums of days."""

holders = Table(
    "holders",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("organisation", String, nullable=False, index=True),
    Column("team", String),
    Column("created", Float, nullable=False),
    Column("disabled", Float),
    Column("allowance", JSON, nullable=False),
    Column("limits", JSON, nullable=False),
    Column("metadata", JSON, nullable=False),
)
"""Organisations, teams, projects, people and service accounts: what keys belong to. Rows are never deleted,
since calls name them."""

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("prefix", String, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("revoked", Float),
    Column("admin", Boolean, nullable=False),
    Column("organisation", String, nullable=False, server_default="default"),
    Column("team", String),
    Column("project", String),
    Column("owner", String),
    Column("disabled", Float),
    Column("allowance", JSON, nullable=False, server_default="{}"),
    Column("limits", JSON, nullable=False, server_default="[]"),
    Column("tags", JSON, nullable=False, server_default="[]"),
    Column("metadata", JSON, nullable=False, server_default="{}"),
    # Of the text before the last rotation, and until when it is taken.
    Column("former_digest", LargeBinary),
    Column("former_ends", Float),
)

calls = Table(
    "calls",
    metadata,
    # On PostgreSQL, where the table is partitioned by `started`, the primary key has that too.
    Column("id", String, primary_key=True),
    Column("started", Float, nullable=False),
    Column("key_id", String, nullable=False),
    Column("operation", String, nullable=False),
    Column("dialect", String, nullable=False),
    Column("requested_model", String, nullable=False),
    Column("model", String),
    Column("provider", String),
    Column("provider_dialect", String),
    Column("upstream_model", String),
    Column("upstream_id", String),
    Column("stream", Boolean, nullable=False),
    Column("status", Integer, nullable=False),
    Column("outcome", String, nullable=False),
    Column("error_code", String),
    Column("finish", String),
    Column("service_tier", String),
    # All usage columns are null together: nothing was counted.
    Column("usage_input", BigInteger),
    Column("usage_cache_read", BigInteger),
    Column("usage_cache_write", BigInteger),
    Column("usage_cache_write_1h", BigInteger),
    Column("usage_output", BigInteger),
    Column("usage_reasoning", BigInteger),
    Column("usage_input_audio", BigInteger),
    Column("usage_output_audio", BigInteger),
    Column("usage_searches", BigInteger, server_default="0"),
    Column("usage_estimated", Boolean),
    Column("cost", BigInteger),
    Column("unpriced", Boolean, nullable=False),
    Column("waived", BigInteger),
    Column("attempts", JSON, nullable=False),
    Column("explanation", JSON(none_as_null=True)),
    Column("first_token_ms", BigInteger),
    Column("total_ms", BigInteger, nullable=False),
    Column("app", String),
    Column("organisation", String, nullable=False, server_default="default"),
    Column("team", String),
    Column("project", String),
    Column("owner", String),
    # Not `user`: PostgreSQL answers that with the name of whoever asks.
    Column("end_user", String),
    Column("session", String),
    Column("tags", JSON(none_as_null=True)),
    Index("ix_calls_started", "started"),
    # Who may ask for an answer again is found by the provider's name for it. An index of all calls would
    # triple what a record costs.
    Index("ix_calls_upstream_id", "upstream_id", sqlite_where=KEPT, postgresql_where=KEPT),
)

rollups = Table(
    "rollups",
    metadata,
    # A digest of start, seconds and dimensions.
    Column("id", String, primary_key=True),
    Column("start", BigInteger, nullable=False),
    Column("seconds", Integer, nullable=False),
    *(Column(name, String, nullable=False) for name in DIMENSIONS),
    *(Column(name, BigInteger, nullable=False) for name in NUMBERS),
    # Counts of durations by their bucket, as JSON.
    Column("total_ms", String, nullable=False),
    Column("first_token_ms", String, nullable=False),
    Index("ix_rollups_start", "start"),
    Index("ix_rollups_days", "start", sqlite_where=DAILY, postgresql_where=DAILY),
    Index("ix_rollups_key_id", "key_id", "start"),
)
"""What the calls of an hour or a day came to together, by whose they were (see `metering.rollup`)."""

outages = Table(
    "outages",
    metadata,
    Column("start", BigInteger, primary_key=True),
    Column("provider", String, primary_key=True),
    Column("model", String, primary_key=True),
    Column("cause", String, primary_key=True),
    Column("ending", String, primary_key=True),
    Column("requests", BigInteger, nullable=False),
    Column("tokens", Float, nullable=False),
    Column("cost", Float, nullable=False),
)
"""How the calls of an hour fared that a provider was asked for (see `metering.outages`)."""

uncounted = Table(
    "uncounted",
    metadata,
    # Seconds since the epoch.
    Column("ended", Float, primary_key=True),
    Column("call_id", String, primary_key=True),
)
"""Calls of late that were admitted though the counters of their limits could not be asked."""

tallies = Table(
    "tallies",
    metadata,
    # Periods of one kind, length and time lie together: reports read them so, and folding.
    Column("kind", String, primary_key=True),
    Column("seconds", Integer, primary_key=True),
    Column("start", BigInteger, primary_key=True),
    *(Column(name, String, primary_key=name == "key_id", nullable=False) for name in DIMENSIONS),
    # A digest of the dimensions, name and `asked`.
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("asked", Boolean, nullable=False),
    *(Column(name, BigInteger, nullable=False) for name in TALLIED),
    sqlite_with_rowid=False,
)
"""What the calls of an hour or a day came to in tokens and money, by tags and by end users (see
`metering.tally`)."""

expired = Table(
    "expired",
    metadata,
    Column("calls_before", Float, nullable=False),
    Column("tallied_from", Float, nullable=False, server_default="0"),
)
"""One row: calls that began before the one are deleted, or about to be; those from the other on are in
`tallies`, whether they are deleted by now or not."""

tariffs = Table(
    "tariffs",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("begins", Float, primary_key=True),
    # Millionths of the cost.
    Column("markup", BigInteger, nullable=False),
    Column("prices", JSON, nullable=False),
    Column("made", Float, nullable=False),
    Column("made_by", String, nullable=False),
)
"""What organisations are charged, each until its next."""

currency_rates = Table(
    "currency_rates",
    metadata,
    Column("currency", String, primary_key=True),
    # A day, as 2026-11-01.
    Column("begins", String, primary_key=True),
    # Millionths of the currency for a USD.
    Column("rate", BigInteger, nullable=False),
    Column("made", Float, nullable=False),
    Column("made_by", String, nullable=False),
)

prepaid = Table(
    "prepaid",
    metadata,
    Column("id", String, primary_key=True),
    Column("level", String, nullable=False),
    Column("holder", String, nullable=False, index=True),
    Column("amount", BigInteger, nullable=False),
    Column("note", String, nullable=False),
    Column("made", Float, nullable=False),
    Column("made_by", String, nullable=False),
)
"""What was paid ahead. Rows are added, and never changed or deleted."""

presets = Table(
    "presets",
    metadata,
    Column("organisation", String, primary_key=True),
    Column("slug", String, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("system_prompt", String),
    Column("config", JSON, nullable=False),
    Column("made", Float, nullable=False),
    Column("made_by", String, nullable=False),
)
"""Every version of every preset; the latest is the one that is applied. Rows are never changed."""

journal_segments = Table(
    "journal_segments",
    metadata,
    Column("journal", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("loaded_offset", BigInteger, nullable=False),
    Column("damaged", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False),
)
"""How far each segment is loaded, by its journal's name and its own."""

processes = Table(
    "processes",
    metadata,
    Column("id", String, primary_key=True),
    Column("host", String, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("journal", String, nullable=False),
    # Whether it counts limits together with others.
    Column("shares", Boolean, nullable=False),
    # Counted up while it lives.
    Column("beats", BigInteger, nullable=False),
)
"""Which processes serve on this database."""

revision = Table("revision", metadata, Column("keys", BigInteger, nullable=False))
"""One row, counted up by every change to `api_keys`, `holders` and `presets`: what other processes watch."""
