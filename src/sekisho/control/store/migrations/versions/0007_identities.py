"""Organisations, teams, projects, people and service accounts; what keys and they may use and spend."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _make_holders()
    op.add_column("api_keys", sa.Column("organisation", sa.String, nullable=False, server_default="default"))
    for name in ("team", "project", "owner"):
        op.add_column("api_keys", sa.Column(name, sa.String))
    op.add_column("api_keys", sa.Column("disabled", sa.Float))
    for name, empty in (("allowance", "{}"), ("limits", "[]"), ("tags", "[]"), ("metadata", "{}")):
        op.add_column("api_keys", sa.Column(name, sa.JSON, nullable=False, server_default=empty))
    op.add_column("api_keys", sa.Column("former_digest", sa.LargeBinary))
    op.add_column("api_keys", sa.Column("former_ends", sa.Float))
    _move_models()


def _make_holders() -> None:
    json = {name: sa.Column(name, sa.JSON, nullable=False) for name in ("allowance", "limits", "metadata")}
    holders = op.create_table(
        "holders",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("organisation", sa.String, nullable=False),
        sa.Column("team", sa.String),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("disabled", sa.Float),
        *json.values(),
        sa.PrimaryKeyConstraint("id", name="pk_holders"),
    )
    op.create_index("ix_holders_organisation", "holders", ["organisation"])
    default: dict[str, object] = {
        "id": "default",
        "kind": "organisation",
        "name": "default",
        "organisation": "default",
    }
    default |= {"created": time.time(), "allowance": {}, "limits": [], "metadata": {}}
    op.bulk_insert(holders, [default])


def _move_models() -> None:
    keys = sa.table(
        "api_keys", sa.column("id"), sa.column("allowed_models", sa.JSON), sa.column("allowance", sa.JSON)
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(keys.c.id, keys.c.allowed_models)).all():
        if row.allowed_models is not None:
            moved = sa.update(keys).where(keys.c.id == row.id)
            connection.execute(moved.values(allowance={"models": row.allowed_models}))
    op.drop_column("api_keys", "allowed_models")
