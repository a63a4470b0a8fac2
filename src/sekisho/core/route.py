"""What a name leads to: the compiled document. A call reads one snapshot once, and never another."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sekisho.core.provider import Endpoint, ModelFacts, Provider


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. Each moves the call on to the next target."""

    connect: float = 5.0
    first_token: float = 60.0
    """From the request's last byte to the answer's first event (unary: to its headers)."""
    idle: float = 30.0
    """Between two pieces of an answer."""
    total: float = 600.0
    """Of the whole call, all attempts together."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    attempts: int = 2
    """Tries on one target, the first included."""


@dataclass(frozen=True, slots=True)
class Target:
    endpoint: Endpoint
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Route:
    """A public model name and the targets that serve it, in order of preference."""

    name: str
    targets: tuple[Target, ...]
    select: str = "ordered"
    timeouts: Timeouts = Timeouts()
    retry: RetryPolicy = RetryPolicy()
    virtual: bool = False
    """Defined under `models:` in the document, rather than derived from a provider."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the data plane needs of the configuration; immutable, swapped by one assignment."""

    routes: Mapping[str, Route]
    """Public name -> route. Every model stands under `author/slug`; see `aliases`."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Bare slugs that are unique, and `provider/author/slug` names -> public name."""
    providers: Mapping[str, Provider] = field(default_factory=dict)
    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    limits_configured: bool = False
    revision: str = ""
    """Digest of the document, for logs."""

    def find(self, model: str) -> Route | None:
        """The route for a name a client sent, or None."""
        route = self.routes.get(model)
        if route is None:
            alias = self.aliases.get(model)
            route = self.routes.get(alias) if alias is not None else None
        return route
