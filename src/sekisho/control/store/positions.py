"""How far each segment of each journal is loaded. Rows outlive files, so that nothing is loaded twice."""

from typing import NamedTuple

from sqlalchemy import Connection, text, update

from sekisho.control.store.tables import journal_segments

_MAKE = text(
    "INSERT INTO journal_segments (journal, name, loaded_offset, damaged, done)"
    " VALUES (:journal, :name, 0, 0, false) ON CONFLICT DO NOTHING"
)


class Position(NamedTuple):
    offset: int = 0
    """Everything before it is on the books."""
    damaged: int = 0
    """Lines that were no records."""
    done: bool = False
    """Its writer was gone, and all of it is loaded."""


def claim(connection: Connection, journal: str, name: str) -> Position:
    """The position of a segment, which nobody else can move until the transaction ends."""
    found = _locked(connection, journal, name)
    if found is not None:
        return found
    table = journal_segments
    # Before journals had names there was one: whoever has this segment is that one.
    nameless = update(table).where(table.c.journal == "", table.c.name == name).values(journal=journal)
    if not connection.execute(nameless).rowcount:
        connection.execute(_MAKE, {"journal": journal, "name": name})
    return _locked(connection, journal, name) or Position()


def move(connection: Connection, journal: str, name: str, to: Position) -> None:
    """Set the position of a claimed segment."""
    table = journal_segments
    moved = {"loaded_offset": to.offset, "damaged": to.damaged, "done": to.done}
    mine = (table.c.journal == journal, table.c.name == name)
    connection.execute(update(table).where(*mine).values(moved))


def _locked(connection: Connection, journal: str, name: str) -> Position | None:
    table = journal_segments
    mine = table.select().where(table.c.journal == journal, table.c.name == name).with_for_update()
    row = connection.execute(mine).first()
    return None if row is None else Position(row.loaded_offset, row.damaged, row.done)
