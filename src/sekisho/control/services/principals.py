"""From the tables to principals: what stands above a key is worked into it here, once, and not at every
call."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from sys import intern

from sqlalchemy import Connection, select

from sekisho.control.services import allowance
from sekisho.control.services.allowance import ALL, Allowance, narrowed
from sekisho.control.services.terms import ApiKey, Holder, Terms, read_row
from sekisho.control.store.credits import read_credits
from sekisho.control.store.tables import api_keys, holders
from sekisho.core.limit import Limit
from sekisho.core.preset import Preset
from sekisho.core.principal import Principal

Texts = dict[str, tuple[bytes, ...]]
"""Key id -> digests of the texts it is known by, the newest first."""


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds for a key, or for everything at some place above keys."""

    allowance: Allowance = ALL
    limits: tuple[Limit, ...] = ()

    def below(self, terms: Terms, paid: Mapping[str, Limit]) -> "Effective":
        """What holds one level deeper. `paid`: everybody's credits."""
        credit = paid.get(terms.id)
        limits = (*self.limits, *terms.limits, *(() if credit is None else (credit,)))
        return Effective(narrowed(self.allowance, terms.allowance), limits)


def read_principals(
    connection: Connection, presets: Mapping[str, Mapping[str, Preset]]
) -> tuple[dict[bytes, Principal], Texts]:
    """Digest -> principal of every key that is in force: not revoked, and nothing that it belongs to is
    disabled. Expired ones are included: the caller's clock decides. `presets`: of each organisation."""
    known = {row["id"]: read_row(row, Holder) for row in connection.execute(select(holders)).mappings()}
    paid = read_credits(connection)
    places = _Places(known, paid)
    rows = connection.execute(
        select(api_keys).where(api_keys.c.revoked.is_(None), api_keys.c.disabled.is_(None))
    ).mappings()
    principals: dict[bytes, Principal] = {}
    texts: Texts = {}
    for row in rows:
        key = read_row(row, ApiKey)
        above = places.above(key)
        if above is None:
            continue
        principal = _principal(key, above.below(key, paid), presets.get(key.organisation, {}))
        principals[row["digest"]] = principal
        texts[key.id] = (row["digest"],)
        former, ends = row["former_digest"], key.former_ends
        if former is not None and ends is not None:
            ends = ends if key.expires is None else min(ends, key.expires)
            principals[former] = replace(principal, expires=ends)
            texts[key.id] = (row["digest"], former)
    return principals, texts


def effective(connection: Connection, key: ApiKey) -> Effective | None:
    """What holds for one key. None: nothing, since what it belongs to is disabled or gone."""
    wanted = holders.c.id.in_([key.organisation, key.team, key.project, key.owner])
    found = connection.execute(select(holders).where(wanted)).mappings()
    paid = read_credits(connection)
    above = _Places({row["id"]: read_row(row, Holder) for row in found}, paid).above(key)
    return None if above is None else above.below(key, paid)


class _Places:
    """Where keys may belong, each worked out once."""

    def __init__(self, known: Mapping[str, Holder], paid: Mapping[str, Limit]):
        self._known = known
        self._paid = paid
        self._found: dict[tuple[str | None, ...], Effective | None] = {}

    def above(self, key: ApiKey) -> Effective | None:
        """What holds for keys in that place; None: they are not in force."""
        place = (key.organisation, key.team, key.project, key.owner)
        if place not in self._found:
            self._found[place] = self._work_out(place)
        return self._found[place]

    def _work_out(self, place: tuple[str | None, ...]) -> Effective | None:
        holds = Effective()
        for holder_id in place:
            if holder_id is None:
                continue
            held = self._known.get(holder_id)
            if held is None or held.disabled is not None:
                return None
            holds = holds.below(held, self._paid)
        return holds


def _principal(key: ApiKey, holds: Effective, presets: Mapping[str, Preset]) -> Principal:
    allowed = holds.allowance
    return Principal(
        key_id=key.id,
        name=key.name,
        admin=key.admin,
        expires=key.expires,
        allowed_models=None if allowed.models is None else frozenset(allowed.models),
        created=key.created,
        organisation=intern(key.organisation),  # msgspec leaves a default out that is the very object
        team=key.team,
        project=key.project,
        owner=key.owner,
        tags=key.tags,
        prefer=allowance.preferences(allowed),
        operations=None if allowed.operations is None else frozenset(allowed.operations),
        networks=allowance.networks(allowed),
        limits=holds.limits,
        presets=presets,
    )
