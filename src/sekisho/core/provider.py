"""Providers, models and endpoints as data. A provider is a row; only its dialect and quirks are code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from sekisho.core.limit import Period
from sekisho.core.message import Value
from sekisho.core.money import Price
from sekisho.core.secret import Secret

AuthScheme = Literal["bearer", "header", "sigv4", "none"]


@dataclass(frozen=True, slots=True)
class AwsSigning:
    """Who signs with AWS Signature Version 4, and what the signature is good for."""

    access_key_id: Secret
    secret_access_key: Secret
    session_token: Secret | None
    """Of temporary credentials."""
    region: str
    service: str
    """As AWS names it in signatures: `bedrock`."""


@dataclass(frozen=True, slots=True)
class Auth:
    scheme: AuthScheme
    secret: Secret | None = None
    header: str = "authorization"
    """The header for scheme `header` (`x-api-key`, `api-key`)."""
    aws: AwsSigning | None = None
    """For scheme `sigv4`."""
    further: tuple[Secret, ...] = ()
    """More keys that take turns with `secret`."""

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """All that requests are signed with."""
        held: tuple[Secret | None, ...] = (self.secret, *self.further)
        if self.aws is not None:
            held = (self.aws.access_key_id, self.aws.secret_access_key, self.aws.session_token)
        return tuple(secret for secret in held if secret is not None)


class DataPolicy(Value, frozen=True, kw_only=True):
    region: str | None = None
    """Where the provider processes: ISO 3166 alpha-2, `eu`, or `global`."""
    origin: str | None = None
    """The provider's country: ISO 3166 alpha-2."""
    retention_days: int | None = None
    """How long prompts are kept by default; None: not published."""
    trains: bool | None = None
    """Whether API data trains models by default; None: not published."""


class ModelFacts(Value, frozen=True, kw_only=True):
    """What is known of a model, whoever serves it."""

    id: str
    """`author/slug`."""
    name: str
    created: int | None = None
    context_length: int | None = None
    max_output: int | None = None
    input_modalities: tuple[str, ...] = ("text",)
    output_modalities: tuple[str, ...] = ("text",)
    parameters: tuple[str, ...] = ()
    """Request parameters in OpenAI's words; empty: not known."""
    origin: str | None = None
    open_weights: bool | None = None
    licence: str | None = None
    source: str = ""
    date: str = ""


class Retirement(Value, frozen=True, kw_only=True):
    """That a provider is going to switch a model off, or has."""

    date: str
    """The last day, or the first without it, as the provider has announced it: `2027-01-14`."""
    use: str | None = None
    """`author/slug` that the provider names instead."""
    source: str = ""


@dataclass(frozen=True, slots=True)
class BodyEdit:
    """One change to every request's body, made last of all."""

    pointer: tuple[str, ...]
    """A JSON Pointer's names, unescaped."""
    value: msgspec.Raw | None = field(default=None, repr=False)
    """What is to stand there; None: nothing is. May be a secret, so it is not shown."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What may be spent at a provider in each period of the calendar, whoever spends it."""

    amount: int
    """Nano-USD, more than 0."""
    period: Period
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Probe:
    """How a provider is watched beside its calls."""

    every: float
    """Seconds."""
    chat: bool = False
    """Endpoints that are out of order are asked for one token, and not only the provider for its models."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One configured provider: a catalogue row with the operator's changes on top."""

    name: str
    """As the document names it (`openai`, `bedrock-tokyo`)."""
    row: str
    """The catalogue row it is like."""
    label: str
    """For people: `OpenAI`, `さくらのAI Engine`."""
    dialect: str
    """That requests of other dialects are written in."""
    base_url: str
    auth: Auth
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Sent with every request (`anthropic-version`). May hold secrets, as may `proxy`: neither is shown."""
    also: tuple[str, ...] = ()
    """Further dialects that it speaks below the same address: their requests pass through as they came."""
    models_in: Mapping[str, str] = field(default_factory=dict)
    """Its id of a model -> the one dialect in which it serves that model, where it is another."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Operation -> its path on the provider's host, where it stands elsewhere than below the address."""
    quirks: tuple[str, ...] = ()
    """Names in `providers.quirks`."""
    extra_body: tuple[BodyEdit, ...] = ()
    policy: DataPolicy = DataPolicy()
    slug: str | None = None
    """What OpenRouter calls it, where that is another word than its row."""
    proxy: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    budget: Budget | None = None
    probe: Probe | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One provider serving one model."""

    model: str
    """`author/slug`."""
    provider: Provider
    upstream_model: str
    """The provider's own id for it."""
    price: Price | None = None
    """None: unpriced. Calls are served and flagged, never booked as free."""
    facts: ModelFacts | None = None
    context_length: int | None = None
    max_output: int | None = None
    quirks: tuple[str, ...] = field(default=())
    """The provider's quirks and the model's own."""
    extra_body: tuple[BodyEdit, ...] = ()
    """The provider's edits, then the model's own."""
    quantization: str | None = None
    """One of `preference.QUANTIZATIONS`; None: not known."""
    retires: Retirement | None = None
    """That the provider switches it off, if it has said so."""
    id: str = field(init=False, repr=False, compare=False)
    """Unique within a snapshot: a provider may serve several versions of one model."""

    def __post_init__(self) -> None:
        # Asked for several times a call, so it is spelled out once.
        object.__setattr__(self, "id", endpoint_id(self.provider.name, self.model, self.upstream_model))

    def dialect_for(self, client_dialect: str) -> str:
        """The dialect in which a client's call goes on: the client's own where the provider speaks it."""
        only = self.provider.models_in.get(self.upstream_model)
        if only is not None:
            return only
        return client_dialect if client_dialect in self.provider.also else self.provider.dialect


def endpoint_id(provider: str, model: str, upstream_model: str) -> str:
    """The id of the endpoint that a record names. A provider's name holds no slash."""
    return f"{provider}/{model}={upstream_model}"
