"""The one error for everything that goes wrong with a database."""


class StoreError(Exception):
    """The database did not do it. The text says why, and holds neither statements, values nor passwords."""
