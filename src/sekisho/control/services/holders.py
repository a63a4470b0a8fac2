"""Organisations, teams, projects, people and service accounts: made, found, listed and changed."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import msgspec
from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import Connection, true, update
from sqlalchemy import insert as insert_into

from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.services.terms import Holder, HolderDraft, Kind, changed, read_row
from sekisho.control.store.announce import announce
from sekisho.control.store.engine import Store
from sekisho.control.store.lookup import Among
from sekisho.control.store.tables import holders
from sekisho.core.clock import Clock
from sekisho.core.principal import DEFAULT_ORGANISATION

PREFIXES: Mapping[Kind, str] = MappingProxyType(
    {"organisation": "org", "team": "team", "project": "proj", "person": "person", "account": "acct"}
)
OWNERS: tuple[Kind, ...] = ("person", "account")


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, oldest first."""

    most: int | None = None
    after: str | None = None
    """The id of the last one before it."""
    organisation: str | None = None
    """An id; None: of all."""


class HolderService:
    """Holders of one kind in the database. Waits for it: not for the event loop. May raise StoreError."""

    def __init__(self, store: Store, clock: Clock, kind: Kind):
        self._store = store
        self._clock = clock
        self.kind = kind

    def create(self, name: str, draft: HolderDraft | None = None) -> Holder:
        """Raises Refused, Missing where it is to belong to what there is not."""
        draft = draft or HolderDraft()
        with self._store.write() as connection:
            announce(connection)
            made = self._drafted(connection, replace(draft, name=name))
            connection.execute(insert_into(holders).values(msgspec.to_builtins(made)))
            return made

    def find(self, wanted: str) -> Holder:
        """With this id or name, or with an id or name that begins so, if only one does. Raises Missing."""
        with self._store.read() as connection:
            return one(connection, (self.kind,), wanted, beginnings=True)

    def get(self, holder_id: str) -> Holder:
        """Raises Missing."""
        with self._store.read() as connection:
            return self._got(connection, holder_id)

    def list(self, page: Page | None = None) -> list[Holder]:
        """Disabled ones included. Raises Missing where the page's beginning is not known."""
        page = page or Page()
        with self._store.read() as connection:
            rows = among((self.kind,), page.organisation).page(connection, page.after, page.most)
        if rows is None:
            msg = f"no {self.kind} has the id {page.after!r}"
            raise Missing(msg, "after")
        return [read_row(row, Holder) for row in rows]

    def missing(self, holder_id: str) -> Missing:
        """The error for an id that is none."""
        return Missing(f"no {self.kind} has the id {holder_id[:200]!r}", "id")

    def update(self, holder_id: str, draft: HolderDraft) -> Holder:
        """Raises Refused, and Missing."""
        if draft.organisation is not UNSET or draft.team is not UNSET:
            raise Refused(
                "what it belongs to cannot be changed", "organisation" if draft.team is UNSET else "team"
            )
        with self._store.write() as connection:
            announce(connection)
            held = self._got(connection, holder_id)
            made = changed(held, draft, self.kind, self._clock.now())
            if made.id == DEFAULT_ORGANISATION and made.disabled is not None:
                raise Refused("the organisation `default` always exists", "disabled")
            if made.name != held.name:
                self._check_name(connection, made)
            statement = update(holders).where(holders.c.id == held.id)
            connection.execute(statement.values(msgspec.to_builtins(made)))
            return made

    def _got(self, connection: Connection, holder_id: str) -> Holder:
        found = among((self.kind,), None).by_id(connection, holder_id)
        if found is None:
            raise self.missing(holder_id)
        return read_row(found, Holder)

    def _drafted(self, connection: Connection, draft: HolderDraft) -> Holder:
        now = self._clock.now()
        made = Holder(
            id=f"{PREFIXES[self.kind]}_{secrets.token_hex(8)}", name="", created=now, kind=self.kind
        )
        if draft.team not in (UNSET, None) and self.kind != "project":
            raise Refused("only projects belong to a team", "team")
        if self.kind == "organisation":
            if draft.organisation is not UNSET:
                raise Refused("an organisation belongs to no other", "organisation")
            made = replace(made, organisation=made.id)
        else:
            asked = (
                None
                if draft.organisation is UNSET
                else one(connection, ("organisation",), draft.organisation)
            )
            team = named(connection, ("team",), draft.team, asked)
            organisation = DEFAULT_ORGANISATION if asked is None else asked.id
            if team is not None:
                made = replace(made, team=team.id)
                organisation = team.organisation
            made = replace(made, organisation=organisation)
        made = changed(made, draft, self.kind, now)
        self._check_name(connection, made)
        return made

    def _check_name(self, connection: Connection, made: Holder) -> None:
        within = None if self.kind == "organisation" else made.organisation
        if any(row["id"] != made.id for row in among((self.kind,), within).by_name(connection, made.name)):
            msg = f"there is a {self.kind} named {made.name!r} already"
            raise Refused(msg, "name")


def one(
    connection: Connection,
    kinds: Sequence[Kind],
    wanted: str,
    within: Holder | None = None,
    *,
    beginnings: bool = False,
) -> Holder:
    """The holder with this id or name. Raises Missing where none or several fit."""
    where, what = among(kinds, None if within is None else within.id), " or ".join(kinds)
    found = where.by_id(connection, wanted)
    if found is not None:
        return read_row(found, Holder)
    rows = where.by_name(connection, wanted)
    if not rows and beginnings:
        rows = where.by_beginning(connection, wanted)
    if len(rows) == 1:
        return read_row(rows[0], Holder)
    if rows:
        msg = f"{wanted!r} fits several: {', '.join(row['id'] for row in rows)}; name one id"
        raise Missing(msg, kinds[0])
    msg = f"no {what} has the id or name {wanted[:200]!r}"
    raise Missing(msg, kinds[0])


def named(
    connection: Connection, kinds: Sequence[Kind], wanted: object, within: Holder | None
) -> Holder | None:
    """The same for a member of a draft, which may not be set."""
    return one(connection, kinds, wanted, within) if isinstance(wanted, str) else None


def among(kinds: Sequence[Kind], organisation: str | None) -> Among:
    inside = true() if organisation is None else holders.c.organisation == organisation
    return Among(holders, holders.c.kind.in_(kinds) & inside, true())
