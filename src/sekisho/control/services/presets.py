"""Presets in the database: kept by versions, the latest of which is applied."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, and_, func, insert, select

from sekisho.control.services.preset_draft import Body, drafted
from sekisho.control.services.refusal import Missing, Refused
from sekisho.control.store.announce import announce
from sekisho.control.store.engine import Store
from sekisho.control.store.tables import presets
from sekisho.core.clock import Clock
from sekisho.core.preset import Preset
from sekisho.wire import json

SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
MOST = 200
"""Presets of one organisation: every process has the latest version of each in memory."""
_newest = (
    select(presets.c.organisation, presets.c.slug, func.max(presets.c.version).label("version"))
    .group_by(presets.c.organisation, presets.c.slug)
    .subquery()
)
_LATEST = select(presets).join(
    _newest,
    and_(
        presets.c.organisation == _newest.c.organisation,
        presets.c.slug == _newest.c.slug,
        presets.c.version == _newest.c.version,
    ),
)


class Version(msgspec.Struct, frozen=True, kw_only=True):
    organisation: str
    slug: str
    version: int
    system_prompt: str | None
    config: dict[str, Any]
    made: float
    """Seconds since the epoch."""
    made_by: str


class Kept(msgspec.Struct, frozen=True):
    """A preset."""

    latest: Version
    made: float
    """Its first version."""


class PresetService:
    """Waits for the database. Every method may raise StoreError, and Missing for what there is not."""

    def __init__(self, store: Store, clock: Clock):
        self._store = store
        self._clock = clock

    def list(self, organisation: str, skip: int, most: int) -> tuple[Sequence[Kept], int]:
        """A page, the last changed first, and how many there are."""
        ours = presets.c.organisation == organisation
        page = _LATEST.where(ours).order_by(presets.c.made.desc(), presets.c.slug).offset(skip).limit(most)
        counted = select(func.count(presets.c.slug.distinct())).where(ours)
        with self._store.read() as connection:
            latest = [_version(row) for row in connection.execute(page).mappings()]
            begun = {
                row.slug: row.made
                for row in connection.execute(
                    select(presets.c.slug, presets.c.made).where(ours, presets.c.version == 1)
                )
            }
            total = int(connection.execute(counted).scalar_one())
        return [Kept(each, begun[each.slug]) for each in latest], total

    def get(self, organisation: str, slug: str) -> Kept:
        first, *_ = self.versions(organisation, slug, 0, 1)[0]
        with self._store.read() as connection:
            latest = _LATEST.where(presets.c.organisation == organisation, presets.c.slug == slug)
            return Kept(_version(connection.execute(latest).mappings().one()), first.made)

    def versions(self, organisation: str, slug: str, skip: int, most: int) -> tuple[Sequence[Version], int]:
        """A page, oldest first, and how many there are."""
        if not SLUG.fullmatch(slug):
            raise _missing(slug)
        one = (presets.c.organisation == organisation, presets.c.slug == slug)
        page = select(presets).where(*one).order_by(presets.c.version).offset(skip).limit(most)
        with self._store.read() as connection:
            total = int(
                connection.execute(select(func.count()).select_from(presets).where(*one)).scalar_one()
            )
            found = [_version(row) for row in connection.execute(page).mappings()]
        if not total:
            raise _missing(slug)
        return found, total

    def version(self, organisation: str, slug: str, number: int) -> Version:
        found, _ = self.versions(organisation, slug, number - 1, 1)  # they are numbered without gaps
        if not found:
            raise Missing(f"the preset {slug!r} has no version {number}", "id")
        return found[0]

    def add(self, organisation: str, slug: str, dialect: str, body: Body, who: str) -> Kept:
        """A new version, and with the first one the preset. Raises Refused too."""
        if not SLUG.fullmatch(slug):
            raise Refused(
                "a preset's name has 1 to 64 letters, digits, dots, hyphens and underscores", "slug"
            )
        config, prompt = drafted(dialect, body)
        with self._store.write() as connection:
            announce(connection)  # from here on nobody else adds one
            ours = presets.c.organisation == organisation
            counted = select(func.max(presets.c.version)).where(ours, presets.c.slug == slug)
            last = connection.execute(counted).scalar_one() or 0
            known = select(func.count(presets.c.slug.distinct())).where(ours)
            if not last and int(connection.execute(known).scalar_one()) >= MOST:
                raise Refused(f"an organisation has at most {MOST} presets")
            made = Version(
                organisation=organisation,
                slug=slug,
                version=last + 1,
                system_prompt=prompt,
                config=config,
                made=self._clock.now(),
                made_by=who,
            )
            connection.execute(insert(presets).values(**msgspec.structs.asdict(made)))
        return self.get(organisation, slug)


def read_presets(connection: Connection) -> dict[str, dict[str, Preset]]:
    """The latest version of all presets, by organisation and slug."""
    found: dict[str, dict[str, Preset]] = {}
    for row in connection.execute(_LATEST).mappings():
        found.setdefault(row["organisation"], {})[row["slug"]] = Preset(
            slug=row["slug"],
            version=row["version"],
            system_prompt=row["system_prompt"],
            config={name: json.raw(value) for name, value in row["config"].items()},
        )
    return found


def _version(row: RowMapping) -> Version:
    return Version(**{name: row[name] for name in Version.__struct_fields__})


def _missing(slug: str) -> Missing:
    return Missing(f"there is no preset {slug[:100]!r}", "id")
