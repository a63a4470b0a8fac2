"""Who may do what. One word for each route; roles, when they come, are sets of these words."""

from typing import Literal, get_args

from sekisho.core.principal import Principal

Scope = Literal[
    "organisations:read",
    "organisations:write",
    "teams:read",
    "teams:write",
    "projects:read",
    "projects:write",
    "people:read",
    "people:write",
    "accounts:read",
    "accounts:write",
    "keys:read",
    "keys:write",
    "presets:read",
    "presets:write",
    "activity:read",
    "credits:read",
    "credits:write",
]
ALL: frozenset[Scope] = frozenset(get_args(Scope))
OF_ANY_KEY: frozenset[Scope] = frozenset({"presets:read"})
OF_ONE_ORGANISATION = ALL - {"organisations:write", "credits:write"}
"""An organisation's own admins do not set what it may spend."""


def scopes_of(principal: Principal) -> frozenset[Scope]:
    """What a key may do here."""
    if not principal.admin:
        return OF_ANY_KEY
    return ALL if principal.operates else OF_ONE_ORGANISATION


def within(principal: Principal) -> str | None:
    """The organisation that all a key does here is confined to; None: it is not."""
    return None if principal.operates else principal.organisation
