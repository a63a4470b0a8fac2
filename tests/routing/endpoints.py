"""Endpoints, targets and boards as values, for tests of choosing."""

from random import Random
from typing import Any

from sekisho.core.money import Price, Rates
from sekisho.core.preference import Preferences
from sekisho.core.provider import Auth, DataPolicy, Endpoint, ModelFacts, Provider
from sekisho.core.route import Route, Target
from sekisho.routing.ask import Ask
from sekisho.routing.board import Board
from sekisho.routing.plan import Plan, plan

USD = 1_000_000_000


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def target(name: str, price: float | None = None, *, policy: DataPolicy | None = None, **more: Any) -> Target:
    """At the provider `name`; `price` is USD for a million tokens of either kind."""
    budget = more.pop("budget", None)
    weight, quality = more.pop("weight", 1.0), more.pop("quality", None)
    provider = Provider(
        name,
        "test",
        name,
        "openai_chat",
        "http://p.test",
        Auth("none"),
        policy=policy or DataPolicy(),
        budget=budget,
    )
    rates = None if price is None else Price(base=Rates(input=round(price * USD), output=round(price * USD)))
    endpoint = Endpoint(model="acme/model", provider=provider, upstream_model="m", price=rates, **more)
    return Target(endpoint, weight=weight, quality=quality)


def facts(**members: Any) -> ModelFacts:
    return ModelFacts(id="acme/model", name="Model", **members)


def route(*targets: Target, **more: Any) -> Route:
    return Route("acme/model", targets, **more)


def planned(
    where: Route, board: Board | None = None, *, ask: Ask | None = None, seed: int = 1, **prefer: Any
) -> Plan:
    if ask is None:
        ask = Ask(prefer=Preferences(**prefer)) if prefer else Ask()
    return plan(where, ask, board or Board(Clock()), Random(seed))


def names(found: Plan) -> list[str]:
    return [each.endpoint.provider.name for each in found.targets]
