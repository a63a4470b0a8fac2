"""API keys: made, listed and revoked. The key itself is shown once and kept nowhere."""

import hashlib
import secrets
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from sekisho.control.store.announce import announce, hold_changes
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import api_keys
from sekisho.core.clock import Clock
from sekisho.core.principal import Principal

PREFIX = "sk-sekisho-"
LONGEST_NAME = 200
_NEVER_IN_NAMES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_SHOWN = len(PREFIX) + 4


class KeyRefused(Exception):
    """What was asked of the keys makes no sense; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as people see it. Times are seconds since the epoch."""

    id: str
    name: str
    prefix: str
    """The key's beginning, to recognise it by."""
    created: float
    expires: float | None = None
    revoked: float | None = None
    allowed_models: tuple[str, ...] | None = None
    """None: all."""
    admin: bool = False


def digest(key: str) -> bytes:
    """What is stored of a key, and what it is found by: its SHA-256.

    A password needs a slow, salted hash because it can be guessed. A key holds 256 random bits: nobody
    can try them all against a stolen table however fast the hash is, and no two keys share a digest.
    Looking digests up in a dictionary tells nothing through time either: whoever sends keys cannot
    choose the digest they have, so how far two digests agree says nothing about the key.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()


class KeyService:
    """Keys in the database. Waits for it: not for the event loop. Every method may raise StoreError."""

    def __init__(self, store: Store, clock: Clock):
        self._store = store
        self._clock = clock

    def create(
        self,
        name: str,
        *,
        expires: float | None = None,
        allowed_models: Collection[str] | None = None,
        admin: bool = False,
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which nothing can bring back later. Raises KeyRefused."""
        name = _checked_name(name)
        if expires is not None and expires <= self._clock.now():
            raise KeyRefused("the key would have expired already")
        models = None if allowed_models is None else tuple(sorted(set(allowed_models)))
        if models is not None and not all(model.strip() for model in models):
            raise KeyRefused("one of the models has no name")
        with self._store.write() as connection:
            return self._add(
                connection,
                ApiKey(
                    id=f"key_{secrets.token_hex(8)}",
                    name=name,
                    prefix="",
                    created=self._clock.now(),
                    expires=expires,
                    allowed_models=models,
                    admin=admin,
                ),
            )

    def list(self) -> list[ApiKey]:
        """All keys, revoked ones included, oldest first."""
        with self._store.read() as connection:
            rows = connection.execute(_SHOWN_COLUMNS.order_by(api_keys.c.created, api_keys.c.id))
            return [_key(row) for row in rows.mappings()]

    def revoke(self, wanted: str) -> ApiKey:
        """End the key with this id or name, or with an id or name that begins so, if only one does.

        Running servers stop taking it within a second. Raises KeyRefused where no or no single key fits.
        Revoking a revoked key by its id changes nothing.
        """
        with self._store.write() as connection:
            key = _pick([_key(row) for row in connection.execute(_SHOWN_COLUMNS).mappings()], wanted)
            if key.revoked is None:
                now = self._clock.now()
                connection.execute(update(api_keys).where(api_keys.c.id == key.id).values(revoked=now))
                announce(connection)
            row = connection.execute(_SHOWN_COLUMNS.where(api_keys.c.id == key.id)).mappings().one()
            return _key(row)

    def digest_of(self, wanted: str) -> tuple[ApiKey, bytes]:
        """The active key named as in `revoke`, and its digest. Raises KeyRefused."""
        with self._store.read() as connection:
            key = _pick([_key(row) for row in connection.execute(_SHOWN_COLUMNS).mappings()], wanted)
            if key.revoked is not None:
                msg = f"{key.id} was revoked"
                raise KeyRefused(msg)
            digests = select(api_keys.c.digest).where(api_keys.c.id == key.id)
            return key, connection.execute(digests).scalar_one()

    def ensure_admin_key(self) -> str | None:
        """Make an admin key where there has never been any key, and return its text, to be shown once."""
        with self._store.write() as connection:
            hold_changes(connection)  # of replicas that start together one makes the key
            if connection.execute(select(func.count()).select_from(api_keys)).scalar_one():
                return None
            key = ApiKey(
                id=f"key_{secrets.token_hex(8)}",
                name="first admin key",
                prefix="",
                created=self._clock.now(),
                admin=True,
            )
            return self._add(connection, key)[1]

    def _add(self, connection: Connection, key: ApiKey) -> tuple[ApiKey, str]:
        text = PREFIX + secrets.token_urlsafe(32)
        values: dict[str, Any] = {
            "id": key.id,
            "name": key.name,
            "digest": digest(text),
            "prefix": text[:_SHOWN],
            "created": key.created,
            "expires": key.expires,
            "allowed_models": None if key.allowed_models is None else list(key.allowed_models),
            "admin": key.admin,
        }
        connection.execute(insert(api_keys).values(values))
        announce(connection)
        row = connection.execute(_SHOWN_COLUMNS.where(api_keys.c.id == key.id)).mappings().one()
        return _key(row), text


def read_principals(connection: Connection) -> dict[bytes, Principal]:
    """Digest -> principal of every key that is not revoked. Expired ones are included: the caller's clock
    decides."""
    rows = connection.execute(select(api_keys).where(api_keys.c.revoked.is_(None))).mappings()
    return {
        row["digest"]: Principal(
            key_id=row["id"],
            name=row["name"],
            admin=row["admin"],
            expires=row["expires"],
            allowed_models=None if row["allowed_models"] is None else frozenset(row["allowed_models"]),
            created=row["created"],
        )
        for row in rows
    }


# --- rows -----------------------------------------------------------------------------------------

_SHOWN_COLUMNS = select(*(column for column in api_keys.c if column.name != "digest"))


def _key(row: RowMapping) -> ApiKey:
    models = row["allowed_models"]
    return ApiKey(**{**row, "allowed_models": None if models is None else tuple(models)})


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name:
        raise KeyRefused("a key needs a name")
    if len(name) > LONGEST_NAME:
        msg = f"the name has {len(name)} characters; {LONGEST_NAME} are allowed"
        raise KeyRefused(msg)
    if any(unicodedata.category(character) in _NEVER_IN_NAMES for character in name):
        raise KeyRefused("the name holds control characters")
    return name


def _pick(keys: list[ApiKey], wanted: str) -> ApiKey:
    for key in keys:
        if key.id == wanted:
            return key
    active = [key for key in keys if key.revoked is None]
    found = [key for key in active if key.name == wanted]
    if not found and wanted:
        found = [key for key in active if key.id.startswith(wanted) or key.name.startswith(wanted)]
    if not found:
        msg = f"no active key has the id or name {wanted!r}"
        raise KeyRefused(msg)
    if len(found) > 1:
        msg = f"{wanted!r} fits several keys: {', '.join(key.id for key in found)}; name one id"
        raise KeyRefused(msg)
    return found[0]
