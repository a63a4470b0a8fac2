"""Rows of identities by what people call them, and lists of them page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Table, and_, func, or_, select

LONGEST = 200
"""Characters of an id or a name."""


@dataclass(frozen=True, slots=True)
class Among:
    """Where to look. `active` are those that are found by name, too."""

    table: Table
    condition: ColumnElement[bool]
    active: ColumnElement[bool]

    def by_id(self, connection: Connection, wanted: str) -> RowMapping | None:
        if not _may_exist(wanted):
            return None
        found = select(self.table).where(self.condition, self.table.c.id == wanted)
        return connection.execute(found).mappings().first()

    def by_name(self, connection: Connection, wanted: str) -> Sequence[RowMapping]:
        return self._where(connection, wanted, self.table.c.name == wanted)

    def by_beginning(self, connection: Connection, wanted: str) -> Sequence[RowMapping]:
        """Whose id or name begins so."""
        beginnings = [func.substr(self.table.c[name], 1, len(wanted)) == wanted for name in ("id", "name")]
        return self._where(connection, wanted, or_(*beginnings))

    def _where(self, connection: Connection, wanted: str, fits: ColumnElement[bool]) -> Sequence[RowMapping]:
        if not wanted or not _may_exist(wanted):
            return ()
        found = select(self.table).where(self.condition, self.active, fits)
        return connection.execute(found.order_by(self.table.c.created).limit(20)).mappings().all()

    def page(
        self, connection: Connection, after: str | None, most: int | None
    ) -> Sequence[RowMapping] | None:
        """At most so many, oldest first, those that come after this id; None: there is no such id."""
        table, begins = self.table, self.condition
        if after is not None:
            last = self.by_id(connection, after)
            if last is None:
                return None
            same = and_(table.c.created == last["created"], table.c.id > last["id"])
            begins &= or_(table.c.created > last["created"], same)
        found = select(table).where(begins).order_by(table.c.created, table.c.id)
        return connection.execute(found.limit(most)).mappings().all()


def _may_exist(wanted: Any) -> bool:
    """What no id or name can be never gets to the database: some take no NUL, some no lone surrogate."""
    return len(wanted) <= LONGEST and not any(
        character < " " or "\ud800" <= character <= "\udfff" for character in wanted
    )
