"""Who calls: what authentication found out about a key."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Principal:
    key_id: str
    name: str
    admin: bool = False
    expires: float | None = None
    """Seconds since the epoch."""
    allowed_models: frozenset[str] | None = None
    """Public model names; None: all."""
    created: float = 0.0


@dataclass(frozen=True, slots=True)
class Signatory:
    """Who signs requests instead of sending a key."""

    principal: Principal
    secret_access_key: str = field(repr=False)
