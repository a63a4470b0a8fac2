"""Holders and keys as people see them, and what is asked for when one is made or changed.

Both forms are those of the API, too: what is not set in a draft is not touched. Times are seconds since the
epoch.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace
from sqlalchemy import RowMapping

from sekisho.control.services import limits, words
from sekisho.control.services.allowance import ALL, Allowance, checked, read_prefer
from sekisho.control.services.limits import LimitDraft
from sekisho.core.limit import Level, Limit
from sekisho.core.principal import DEFAULT_ORGANISATION

Kind = Literal["organisation", "team", "project", "person", "account"]
"""Of a holder. An account is a service account: it owns keys as a person does."""
Names = tuple[str, ...]
LEVELS: Mapping[Kind | Literal["key"], Level] = MappingProxyType(
    {
        "organisation": "organisation",
        "team": "team",
        "project": "project",
        "person": "person",
        "account": "person",
        "key": "key",
    }
)
"""Whose limits are of which level."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What stands at every level alike."""

    id: str
    name: str
    organisation: str = DEFAULT_ORGANISATION
    """An id, as are those of teams, projects and owners below; an organisation's own."""
    created: float
    disabled: float | None = None
    """Since when."""
    allowance: Allowance = ALL
    limits: tuple[Limit, ...] = ()
    metadata: dict[str, str] = {}


class Holder(Terms, frozen=True, kw_only=True):
    kind: Kind
    team: str | None = None
    """Of a project."""


class ApiKey(Terms, frozen=True, kw_only=True):
    prefix: str
    """The key's beginning, to recognise it by."""
    team: str | None = None
    project: str | None = None
    owner: str | None = None
    """A person or a service account."""
    tags: Names = ()
    admin: bool = False
    expires: float | None = None
    revoked: float | None = None
    former_ends: float | None = None
    """Until when the text before the last rotation is taken."""


class Draft(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """None takes an allow-list away again."""

    name: str | UnsetType = UNSET
    models: Names | UnsetType | None = UNSET
    providers: Names | UnsetType | None = UNSET
    regions: Names | UnsetType | None = UNSET
    denied_origins: Names | UnsetType = UNSET
    operations: Names | UnsetType | None = UNSET
    networks: Names | UnsetType | None = UNSET
    limits: tuple[LimitDraft | str, ...] | UnsetType = UNSET
    """All that there are to be."""
    prefer: dict[str, Any] | UnsetType | None = UNSET
    """As the header `x-sekisho-prefer` says it."""
    metadata: dict[str, str] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class HolderDraft(Draft, kw_only=True, forbid_unknown_fields=True):
    organisation: str | UnsetType = UNSET
    """An id or a name, as are teams, projects and owners below; set only when it is made."""
    team: str | UnsetType | None = UNSET
    """Of a project."""


class KeyDraft(Draft, kw_only=True, forbid_unknown_fields=True):
    organisation: str | UnsetType = UNSET
    """Set only when it is made; else that of the team, project or owner."""
    team: str | UnsetType | None = UNSET
    project: str | UnsetType | None = UNSET
    owner: str | UnsetType | None = UNSET
    tags: Names | UnsetType = UNSET
    expires: datetime | UnsetType | None = UNSET
    """In UTC, unless it says otherwise."""
    admin: bool | UnsetType = UNSET
    """Set only when it is made."""


T = TypeVar("T", bound=Terms)


def read_row(row: RowMapping, kind: type[T]) -> T:
    """From a row whose columns have the names of the members."""
    return msgspec.convert({name: row[name] for name in kind.__struct_fields__}, kind)


def changed(held: T, draft: Draft, kind: Kind | Literal["key"], now: float) -> T:
    """`held` as `draft` asks for, in what stands at every level. Raises Refused."""
    lists = {name: getattr(draft, name) for name in Allowance.__struct_fields__}
    said = {name: value for name, value in lists.items() if value is not UNSET}
    if "prefer" in said:
        said["prefer"] = read_prefer(said["prefer"])
    if said:
        held = replace(held, allowance=checked(replace(held.allowance, **said)))
    if draft.name is not UNSET:
        held = replace(held, name=words.checked_name(draft.name, f"a {kind}"))
    if draft.disabled is not UNSET:
        held = replace(held, disabled=(held.disabled or now) if draft.disabled else None)
    if draft.limits is not UNSET:
        settled = limits.settled(draft.limits, held.limits, (LEVELS[kind], held.id), now)
        held = replace(held, limits=settled)
    if draft.metadata is not UNSET:
        held = replace(held, metadata=words.checked_metadata(draft.metadata))
    return held
