"""What a name leads to: the compiled document. A call reads one snapshot once, and never another."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sekisho.core.preference import NONE, Preferences, Selector
from sekisho.core.provider import BodyEdit, Endpoint, ModelFacts, Provider
from sekisho.core.tier import Scorer, Tier

OnLoss = Literal["refuse", "drop"]
"""What becomes of content that a target's dialect cannot say. refuse: the call is. drop: it is left out, and
named like a knob."""
PromptCache = Literal["off", "pass", "auto"]
"""Prompt-cache marks. off: none reach a provider. pass: those that the client set. auto: one is set where the
client set none."""
OnRefusal = Literal["stop", "next"]
"""What becomes of a call that a provider's content filter refused. stop: the client is told, with the
provider's reason. next: the next target is tried."""

Rescue = Literal["continue", "restart", "error"]
"""What becomes of a stream that breaks off after its beginning went out. continue: the next target goes on
with its text, or begins anew where the client has no text yet. restart: it may begin anew only, so that no
text is by two models. error: the client is told."""

MAX_NAME = 200
"""Characters of a model name that nobody listed."""


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
class Hedge:
    """A second target is asked as well when the first is late; whoever answers first answers."""

    after: float | None = None
    """Seconds without a first event (unary: an answer); None: as many as the slowest twentieth of the route's
    latest calls took."""


@dataclass(frozen=True, slots=True)
class Target:
    endpoint: Endpoint
    weight: float = 1.0
    quality: float | None = None
    """As the operator rates it, on any scale; for choosing by quality per cost."""
    extra_body: tuple[BodyEdit, ...] = ()
    """Made after those of the endpoint."""


@dataclass(frozen=True, slots=True)
class Auto:
    """How a name leads each call to the route that its task wants."""

    scorer: Scorer = field(compare=False)
    default: "Route"
    tiers: Mapping[Tier, "Route"] = field(default_factory=dict)
    strong: "Route | None" = None
    """Of a call whose tier is not mapped, instead of `default`, from `threshold` on."""
    threshold: float = 1.0

    def routes(self) -> dict[str, "Route"]:
        """All that it may lead to, by name: default, strong, then in the order of the tiers."""
        strong = () if self.strong is None else (self.strong,)
        return {route.name: route for route in (self.default, *strong, *self.tiers.values())}


@dataclass(frozen=True, slots=True)
class Route:
    """A public model name and the targets that serve it, in order of preference."""

    name: str
    targets: tuple[Target, ...]
    select: Selector = "ordered"
    prefer: Preferences = NONE
    timeouts: Timeouts = Timeouts()
    retry: RetryPolicy = RetryPolicy()
    on_loss: OnLoss = "refuse"
    on_refusal: OnRefusal = "stop"
    prompt_cache: PromptCache = "pass"
    rescue: Rescue = "continue"
    hedge: Hedge | None = None
    """None: one target at a time."""
    coalesce: bool = False
    """Identical calls at the same time share one answer."""
    parts: tuple["Route", ...] = ()
    """Of a call that names several models: the route of each, best first, whose targets these are all
    together. Any error moves on from one to the next."""
    mixed: bool = False
    """The targets of all parts compete, rather than those of a later part waiting for the earlier ones."""
    degrade: str | None = None
    """The route that a call goes to whose limits, if they say so, have no room for it on this one."""
    virtual: bool = False
    """Defined under `models:` in the document, rather than derived from a provider."""
    auto: Auto | None = None
    """Given where no call takes this route itself, but one of those that it leads to. The targets are then
    those of the default, for lists."""
    tightest: Endpoint | None = field(init=False, compare=False)
    """Where contexts differ, that of a target which has the smallest: known once, not at every call."""
    takes_alike: bool = field(init=False, compare=False)
    """As far as is known, no target takes another kind of input than the others do."""
    whole: Timeouts = field(init=False, compare=False)
    """Its limits for an answer in one piece: only connect and total bind that."""

    def __post_init__(self) -> None:
        endpoints = [target.endpoint for target in self.targets]
        bounded = [endpoint for endpoint in endpoints if endpoint.context_length is not None]
        differ = len({endpoint.context_length for endpoint in endpoints}) > 1
        tightest = min(bounded, key=lambda each: each.context_length or 0) if differ else None
        taken = {endpoint.facts and endpoint.facts.input_modalities for endpoint in endpoints}
        object.__setattr__(self, "tightest", tightest)
        object.__setattr__(self, "takes_alike", len(taken) < 2)
        total = self.timeouts.total
        whole = replace(self.timeouts, first_token=total, idle=total)
        object.__setattr__(self, "whole", whole)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the data plane needs of the configuration; immutable, swapped by one assignment."""

    routes: Mapping[str, Route]
    """Public name -> route: what is listed. Every model stands under `author/slug`; see `aliases`."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Bare slugs and providers' own ids, where unique, and `~author/family-latest` -> public name."""
    pinned: Mapping[str, Route] = field(default_factory=dict)
    """Reachable, but not listed: `provider/author/slug` and `provider/slug` -> that provider alone; the id
    of a dated version (`gpt-4o-2024-11-20`) -> that version of the model, wherever it is served."""
    open_providers: Mapping[str, Route] = field(default_factory=dict)
    """Name of a provider that may serve models nobody listed -> what a route to it looks like. The model
    is not filled in: `find` makes the route of `provider/anything` from it."""
    providers: Mapping[str, Provider] = field(default_factory=dict)
    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    limits_configured: bool = False
    scorer: Scorer | None = field(default=None, compare=False)
    """Given where calls that name their model are scored as well, for their records."""
    revision: str = ""
    """Digest of the document, for logs."""

    def find(self, model: str) -> Route | None:
        """The route for a name a client sent, or None."""
        return self.routes.get(model) or self.find_known(model) or self._find_open(model)

    def find_known(self, model: str) -> Route | None:
        """The same without names that an open provider would take whatever they are."""
        route = self.routes.get(model)
        if route is not None:
            return route
        alias = self.aliases.get(model)
        if alias is not None:
            return self.routes.get(alias)
        return self.pinned.get(model)

    def endpoints(self) -> Iterator[Endpoint]:
        """Of every listed or pinned route; some more than once."""
        for route in (*self.routes.values(), *self.pinned.values()):
            for target in route.targets:
                yield target.endpoint

    def _find_open(self, model: str) -> Route | None:
        provider, _, upstream_model = model.partition("/")
        template = self.open_providers.get(provider)
        if template is None or not upstream_model.isprintable() or not 0 < len(upstream_model) <= MAX_NAME:
            return None
        facts = self.models.get(upstream_model)
        endpoint = replace(
            template.targets[0].endpoint,
            model=model,
            upstream_model=upstream_model,
            facts=facts,
            context_length=facts.context_length if facts else None,
            max_output=facts.max_output if facts else None,
        )
        return replace(template, name=model, targets=(Target(endpoint),))
