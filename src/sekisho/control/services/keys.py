"""API keys: made, found, listed, changed, rotated and revoked. The key itself is shown once, and kept
nowhere."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, RowMapping, and_, func, insert, select, true, update

from sekisho.control.services import words
from sekisho.control.services.holders import OWNERS, named, one
from sekisho.control.services.principals import Effective, effective
from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.services.terms import ApiKey, Holder, KeyDraft, changed, read_row
from sekisho.control.store.announce import announce, hold_changes
from sekisho.control.store.engine import Store
from sekisho.control.store.lookup import Among
from sekisho.control.store.tables import api_keys
from sekisho.core.clock import Clock
from sekisho.core.principal import DEFAULT_ORGANISATION

PREFIX = "sk-sekisho-"
LONGEST_OVERLAP = 90 * 86400.0
"""Seconds."""
_SHOWN = len(PREFIX) + 4


def digest(key: str) -> bytes:
    """What is stored of a key, and what it is found by: its SHA-256.

    A password needs a slow, salted hash because it can be guessed. A key holds 256 random bits: nobody
    can try them all against a stolen table however fast the hash is, and no two keys share a digest.
    Looking digests up in a dictionary tells nothing through time either: whoever sends keys cannot
    choose the digest they have, so how far two digests agree says nothing about the key.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class KeyPage:
    """A part of a list, oldest first."""

    most: int | None = None
    after: str | None = None
    """The id of the last one before it."""
    belonging: Mapping[str, str] = field(default_factory=dict)
    """Ids of what they belong to: `organisation`, `team`, `project`, `owner`."""


class KeyService:
    """Keys in the database. Waits for it: not for the event loop. Every method may raise StoreError.

    `wanted` is a key's id or name, or the beginning of one that fits a single key; of keys that are not
    revoked, but for an id.
    """

    def __init__(self, store: Store, clock: Clock):
        self._store = store
        self._clock = clock

    def create(self, name: str, draft: KeyDraft | None = None) -> tuple[ApiKey, str]:
        """A new key and its text, which nothing can bring back later. Raises Refused."""
        with self._store.write() as connection:
            announce(connection)
            return self._add(connection, replace(draft or KeyDraft(), name=name))

    def find(self, wanted: str) -> ApiKey:
        """Raises Missing."""
        with self._store.read() as connection:
            return read_row(_pick(connection, wanted), ApiKey)

    def get(self, key_id: str) -> ApiKey:
        """Raises Missing."""
        with self._store.read() as connection:
            return read_row(self._got(connection, key_id), ApiKey)

    def list(self, page: KeyPage | None = None) -> list[ApiKey]:
        """Revoked ones included, oldest first. Raises Missing where the page's beginning is not known."""
        page = page or KeyPage()
        belong = [api_keys.c[name] == value for name, value in page.belonging.items()]
        with self._store.read() as connection:
            rows = _among(and_(true(), *belong)).page(connection, page.after, page.most)
        if rows is None:
            raise Missing(f"no key has the id {page.after!r}", "after")
        return [read_row(row, ApiKey) for row in rows]

    def missing(self, key_id: str) -> Missing:
        """The error for an id that is none."""
        return Missing(f"no key has the id {key_id[:200]!r}", "id")

    def update(self, key_id: str, draft: KeyDraft) -> ApiKey:
        """Raises Refused, Missing too."""
        for name in ("organisation", "admin"):
            if getattr(draft, name) is not UNSET:
                msg = f"`{name}` is set when a key is made, and cannot be changed"
                raise Refused(msg, name)
        with self._store.write() as connection:
            announce(connection)
            held = read_row(self._got(connection, key_id), ApiKey)
            _must_be_active(held)
            made = self._drafted(connection, held, draft)
            _store(connection, made)
            return made

    def rotate(self, key_id: str, overlap: float) -> tuple[ApiKey, str]:
        """A new text for the key, which stays the same otherwise. The one that it has is taken for `overlap`
        seconds more; one from before that no longer. Raises Refused, Missing too."""
        if not 0 <= overlap <= LONGEST_OVERLAP:
            raise Refused("a rotated key may be taken for up to 90 days more", "overlap")
        with self._store.write() as connection:
            announce(connection)
            row = self._got(connection, key_id)
            key = read_row(row, ApiKey)
            _must_be_active(key)
            text = _new_text()
            made = replace(key, prefix=text[:_SHOWN], former_ends=self._clock.now() + overlap)
            _store(connection, made, digest=digest(text), former_digest=row["digest"])
            return made, text

    def revoke(self, wanted: str) -> ApiKey:
        """End a key. Running servers stop taking it within a second. Raises Missing.

        Revoking a revoked key by its id changes nothing.
        """
        with self._store.write() as connection:
            announce(connection)
            key = read_row(_pick(connection, wanted), ApiKey)
            if key.revoked is None:
                key = replace(key, revoked=self._clock.now())
                _store(connection, key)
            return key

    def digest_of(self, wanted: str) -> tuple[ApiKey, bytes]:
        """The active key, and its digest. Raises Refused."""
        with self._store.read() as connection:
            row = _pick(connection, wanted)
            key = read_row(row, ApiKey)
            _must_be_active(key)
            return key, row["digest"]

    def effective(self, key: ApiKey) -> Effective | None:
        """What holds for it with all that it belongs to. None: nothing, since some of that is disabled."""
        with self._store.read() as connection:
            return effective(connection, key)

    def ensure_admin_key(self) -> str | None:
        """Make an admin key where there has never been any key, and return its text, to be shown once."""
        with self._store.write() as connection:
            hold_changes(connection)  # of replicas that start together one makes the key
            if connection.execute(select(func.count()).select_from(api_keys)).scalar_one():
                return None
            announce(connection)
            return self._add(connection, KeyDraft(name="first admin key", admin=True))[1]

    def _got(self, connection: Connection, key_id: str) -> RowMapping:
        found = _among(true()).by_id(connection, key_id)
        if found is None:
            raise self.missing(key_id)
        return found

    def _add(self, connection: Connection, draft: KeyDraft) -> tuple[ApiKey, str]:
        text, now = _new_text(), self._clock.now()
        organisation = DEFAULT_ORGANISATION
        if isinstance(draft.organisation, str):
            organisation = one(connection, ("organisation",), draft.organisation).id
        elif found := _first_named(connection, draft):
            organisation = found.organisation
        key = ApiKey(
            id=f"key_{secrets.token_hex(8)}",
            name="",
            prefix=text[:_SHOWN],
            created=now,
            organisation=organisation,
            admin=draft.admin is True,
        )
        key = self._drafted(connection, key, draft)
        if key.expires is not None and key.expires <= now:
            raise Refused("the key would have expired already", "expires")
        connection.execute(insert(api_keys).values(**msgspec.to_builtins(key), digest=digest(text)))
        return key, text

    def _drafted(self, connection: Connection, held: ApiKey, draft: KeyDraft) -> ApiKey:
        made = changed(held, draft, "key", self._clock.now())
        if draft.tags is not UNSET:
            made = replace(made, tags=words.checked_tags(draft.tags))
        if draft.expires is not UNSET:
            made = replace(made, expires=None if draft.expires is None else _seconds(draft.expires))
        return _placed(connection, made, draft)


def _placed(connection: Connection, key: ApiKey, draft: KeyDraft) -> ApiKey:
    """The key where it is to belong: all of one organisation, and the project's team its own."""
    organisation = one(connection, ("organisation",), key.organisation)
    if draft.owner is not UNSET:
        owner = named(connection, OWNERS, draft.owner, organisation)
        key = replace(key, owner=None if owner is None else owner.id)
    if draft.team is not UNSET:
        team = named(connection, ("team",), draft.team, organisation)
        key = replace(key, team=None if team is None else team.id)
    if draft.project is not UNSET:
        project = named(connection, ("project",), draft.project, organisation)
        key = replace(key, project=None if project is None else project.id)
    if key.project is None:
        return key
    team_id = one(connection, ("project",), key.project, organisation).team
    if team_id is None or team_id == key.team:
        return key
    if key.team is not None and (draft.team is not UNSET or draft.project is UNSET):
        raise Refused("the project belongs to another team", "project")
    return replace(key, team=team_id)


def _first_named(connection: Connection, draft: KeyDraft) -> Holder | None:
    """Project, team or owner, from whom a key has its organisation."""
    return (
        named(connection, ("project",), draft.project, None)
        or named(connection, ("team",), draft.team, None)
        or named(connection, OWNERS, draft.owner, None)
    )


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _new_text() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _must_be_active(key: ApiKey) -> None:
    if key.revoked is not None:
        msg = f"{key.id} was revoked"
        raise Refused(msg)


# --- rows -----------------------------------------------------------------------------------------


def _store(connection: Connection, key: ApiKey, **digests: Any) -> None:
    values = {**msgspec.to_builtins(key), **digests}
    connection.execute(update(api_keys).where(api_keys.c.id == key.id).values(values))


def _among(within: ColumnElement[bool]) -> Among:
    return Among(api_keys, within, api_keys.c.revoked.is_(None))


def _pick(connection: Connection, wanted: str) -> RowMapping:
    among = _among(true())
    found = among.by_id(connection, wanted)
    if found is not None:
        return found
    rows = among.by_name(connection, wanted) or among.by_beginning(connection, wanted)
    if not rows:
        msg = f"no active key has the id or name {wanted[:200]!r}"
        raise Missing(msg)
    if len(rows) > 1:
        msg = f"{wanted!r} fits several keys: {', '.join(row['id'] for row in rows)}; name one id"
        raise Refused(msg)
    return rows[0]
