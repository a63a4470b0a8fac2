"""Alembic's folder: how a database came to have the tables of `tables.py`."""
