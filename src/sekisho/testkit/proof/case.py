"""What is tried: bursts of calls against limits, and what goes wrong meanwhile, as data."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sekisho.core.limit import Measure
from sekisho.core.money import NANO
from sekisho.testkit.chaos.caller import Kind
from sekisho.testkit.proof.stage import CENT, HEDGED, PAIR, TENTH
from sekisho.testkit.proof.witness import STREAM_FAULTS

AT_ONCE = 200
TEN = 10
"""Calls that a limit has room for."""
DIME = NANO // 10
"""What ten calls of a cent cost."""
BOTH: Sequence[bool] = (False, True)
KINDS: Sequence[Kind] = ("chat", "messages")
TROUBLE = ("well", *STREAM_FAULTS)


@dataclass(frozen=True, slots=True)
class Case:
    """One burst, all calls at once, by keys of its own."""

    name: str
    title: str
    """For people."""
    limits: tuple[str, ...]
    """Of the key, or of the team of all keys."""
    model: str = CENT
    also: tuple[str, ...] = ()
    """Further models that every call names."""
    calls: int = AT_ONCE
    keys: int = 1
    """More than one: of one team, whose limits they are."""
    faults: Sequence[str] = ("well",)
    """Words of `witness`; one at random for each call, of those that fit it."""
    streams: Sequence[bool] = (False,)
    kinds: Sequence[Kind] = ("chat",)
    leaving: float = 0.0
    """Share of the clients that leave before their answer is over."""
    kill: bool = False
    """A gateway is killed in the middle of it."""
    at_most: int | None = None
    """Calls that may reach a provider."""
    at_least: int | None = None
    """Calls that must."""
    at_once: int | None = None
    """Requests that may be at providers at the same time."""
    budget: int | None = None
    """Nano-USD that the calls may cost together."""
    tokens: int | None = None
    """That they may come to."""

    def has(self, measure: Measure) -> bool:
        """Whether one of the limits is of this measure."""
        return any(limit.startswith(f"{measure} ") for limit in self.limits)


def burst() -> list[Case]:
    """Each limit alone, with nothing going wrong: exactly what it allows."""
    ten = Case("budget", "a budget for 10", ("usd 0.1/month",), at_most=TEN, at_least=TEN, budget=DIME)
    return [
        ten,
        replace(ten, name="team", title="a team's budget for 10, 5 keys", keys=5),
        replace(
            ten, name="requests", title="10 requests a minute", limits=("requests 10/minute",), budget=None
        ),
        Case("tokens", "30,000 tokens a minute", ("tokens 30000/minute",), tokens=30_000, at_least=TEN),
        Case(
            "concurrent", "10 calls at once", ("concurrent 10",), faults=("late",), at_once=TEN, at_least=TEN
        ),
        Case(
            "models",
            "a budget for 10, cheap models that fail first",
            ("usd 0.1/month",),
            model=TENTH,
            also=(CENT,),
            faults=("fails",),
            budget=DIME,
        ),
    ]


def trouble() -> list[Case]:
    """Whatever providers and clients do: never more than the limits allow, and nothing is held in the end."""
    limits, budget = ("usd 0.5/month", "tokens 1000000/day", "concurrent 100"), 5 * DIME
    return [
        Case(
            "errors",
            "providers that fail, break off and fall silent",
            limits,
            model=PAIR,
            faults=TROUBLE,
            streams=BOTH,
            kinds=KINDS,
            budget=budget,
        ),
        Case(
            "leaving",
            "clients that leave",
            limits,
            faults=("well", "late"),
            streams=BOTH,
            kinds=KINDS,
            leaving=0.7,
            budget=budget,
        ),
        Case(
            "hedged",
            "two targets for one answer",
            limits,
            model=HEDGED,
            faults=("well", "late"),
            streams=BOTH,
            leaving=0.3,
            budget=budget,
        ),
    ]


def killed(repeat: int) -> Case:
    """One repeat: whoever is killed in the middle of it."""
    return Case(
        f"killed {repeat}",
        "a gateway is killed",
        ("usd 0.1/month", "concurrent 50"),
        faults=("late",),
        streams=BOTH,
        kill=True,
        at_most=TEN,
        budget=DIME,
    )


def of_document(model: str, budget: int, budget_text: str) -> Case:
    """The configuration's own route, at its own prices."""
    return Case(
        "document",
        model,
        (f"usd {budget_text}/month", "concurrent 50"),
        model=model,
        faults=("well", "late", "fails", "cut", "malformed"),
        streams=BOTH,
        kinds=KINDS,
        leaving=0.2,
        budget=budget,
    )


def steady(amount: int) -> Case:
    """Demand beyond a limit, for minutes: never more than it allows, and hardly less."""
    return Case("steady", f"{amount} requests a minute, steady demand", (f"requests {amount}/minute",))
