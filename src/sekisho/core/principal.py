"""Who calls: what authentication found out about a key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from sekisho.core.limit import Limit
from sekisho.core.preference import NONE, Preferences
from sekisho.core.preset import Preset

DEFAULT_ORGANISATION = "default"
"""The organisation that always exists."""
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Principal:
    """What it may do is worked out once, over all levels above the key: nobody has to look upward."""

    key_id: str
    name: str
    admin: bool = False
    expires: float | None = None
    """Seconds since the epoch."""
    allowed_models: frozenset[str] | None = None
    """Public model names; None: all."""
    created: float = 0.0
    organisation: str = DEFAULT_ORGANISATION
    """This and the next three are ids."""
    team: str | None = None
    project: str | None = None
    owner: str | None = None
    """A person or a service account."""
    tags: tuple[str, ...] = ()
    prefer: Preferences = NONE
    """Only constraints: providers, regions, countries of origin."""
    operations: frozenset[str] | None = None
    """None: all."""
    networks: tuple[Network, ...] | None = None
    """Where its calls may come from; None: anywhere."""
    limits: tuple[Limit, ...] = ()
    """Of the key, and of everything it belongs to."""
    presets: Mapping[str, Preset] = field(default_factory=dict, compare=False, repr=False)
    """Its organisation's, by slug."""

    @property
    def operates(self) -> bool:
        """Administrates the whole gateway, rather than an organisation of its own."""
        return self.admin and self.organisation == DEFAULT_ORGANISATION


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs requests instead of sending a key."""

    principal: Principal
    secret_access_key: str = field(repr=False)
