"""Rules of advice: what follows from what is needed, with where that is said. Data, and what holds of it."""

import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Literal, get_args

import msgspec

from sekisho.core.message import Value

Workload = Literal["chat", "agents", "coding", "batch", "search", "explore"]
Criticality = Literal["critical", "normal", "cost"]
Latency = Literal["normal", "low"]
Residency = Literal["any", "JP", "EU", "US", "own"]
Spoken = Literal["en", "ja"]
Goal = Literal["score", "score-per-price", "price"]
YesNo = Literal["yes", "no"]


class Needs(Value, frozen=True, kw_only=True):
    """What is asked for."""

    workload: Workload = "chat"
    criticality: Criticality = "normal"
    """critical: it must not stop. normal: some minutes worse are borne. cost: failures are tried again."""
    audit: bool = False
    """SLO, audit or budgets have to be shown to somebody."""
    latency: Latency = "normal"
    tokens: int = 1_000_000
    """A day."""
    budget: int | None = None
    """USD a month."""
    residency: Residency = "any"
    """Where it may be processed; own: nowhere but in the house."""
    self_hosting: bool = False
    """There are people and machines to run models."""
    language: Spoken = "en"
    """That prompts are in, mostly."""
    denied: tuple[str, ...] = ()
    """Countries whose providers and models may not be used."""

    def told(self) -> Mapping[str, str]:
        """As rules ask for it."""
        return {
            "workload": self.workload,
            "criticality": self.criticality,
            "audit": _yes(self.audit),
            "latency": self.latency,
            "residency": self.residency,
            "self_hosting": _yes(self.self_hosting),
            "language": self.language,
            "budget": _yes(self.budget is not None),
            "deny_origin": _yes(bool(self.denied)),
        }


CHOICES: Mapping[str, tuple[str, ...]] = {
    "workload": get_args(Workload),
    "criticality": get_args(Criticality),
    "latency": get_args(Latency),
    "residency": get_args(Residency),
    "language": get_args(Spoken),
}


class When(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """None: whatever it is."""

    workload: tuple[Workload, ...] | None = None
    criticality: tuple[Criticality, ...] | None = None
    audit: tuple[YesNo, ...] | None = None
    latency: tuple[Latency, ...] | None = None
    residency: tuple[Residency, ...] | None = None
    self_hosting: tuple[YesNo, ...] | None = None
    language: tuple[Spoken, ...] | None = None
    budget: tuple[YesNo, ...] | None = None
    deny_origin: tuple[YesNo, ...] | None = None
    tokens_from: int = 0

    def holds(self, needs: Needs) -> bool:
        asked = ((getattr(self, name), value) for name, value in needs.told().items())
        return needs.tokens >= self.tokens_from and all(
            wanted is None or value in wanted for wanted, value in asked
        )


class Rule(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`data/advice.toml` explains every member."""

    when: When
    source: str
    section: str
    en: str
    ja: str
    main: tuple[str, ...] = ()
    standby: tuple[str, ...] = ()
    further: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    """Ways that are not used."""
    models: tuple[str, ...] = ()
    goal: Goal | None = None
    compare: bool = False
    least: float = 0.0
    priced: tuple[str, ...] = ()
    light: bool = False
    note: bool = False
    """There is no line of the document for it."""
    prefer: dict[str, str] = msgspec.field(default_factory=dict)
    route: dict[str, str] = msgspec.field(default_factory=dict)
    provider: dict[str, str] = msgspec.field(default_factory=dict)
    document: dict[str, str] = msgspec.field(default_factory=dict)


class Way(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To models: a provider as a document has it."""

    name: str
    like: str
    region: str | None = None
    base_url: str | None = None
    place: str | None = None
    """Where it processes, as `Residency` has it; None: not known."""
    priced_as: str | None = None
    """The row whose prices are taken for its own, as they are published."""
    models: dict[str, str] = msgspec.field(default_factory=dict)
    """`author/slug` -> its id there."""


class Source(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str
    date: str
    links: tuple[str, ...] = ()


class Rules(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    date: str
    prompt_share: float
    sources: dict[str, Source]
    ways: tuple[Way, ...]
    rules: tuple[Rule, ...]

    def holding(self, needs: Needs) -> tuple[Rule, ...]:
        """The rules that hold, in their order."""
        return tuple(rule for rule in self.rules if rule.when.holds(needs))


def load() -> Rules:
    """The rules of this installation."""
    text = resources.files("sekisho.providers.market").joinpath("data", "advice.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Rules)


def _yes(whether: bool) -> YesNo:  # noqa: FBT001 - a value, not a switch
    return "yes" if whether else "no"
