"""Plays the catalogue against a gateway, and says what came of it."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sekisho.core.port import Books
from sekisho.core.provider import Endpoint, Provider
from sekisho.core.route import Route, Snapshot
from sekisho.testkit.chaos import judge, stage
from sekisho.testkit.chaos.caller import Caller, Kind
from sekisho.testkit.chaos.judge import Happened, Verdict
from sekisho.testkit.chaos.scenario import FAST, REAL, Scenario
from sekisho.testkit.chaos.stage import NO_PREFILL
from sekisho.testkit.chaos.wall import Wall

GRACE = 5.0
"""Seconds beyond a route's total limit, after which a call counts as hanging."""
STAGGER = 0.4
"""Seconds between the beginnings of two scenarios: tries are limited for the process as a whole, and what one
scenario uses up, another one must not miss."""
STAGGER_OF_MANY = 2.0
"""The same for scenarios of many calls, which come last."""
_ADDRESS = re.compile(r"127\.0\.0\.1:\d+")
WORST_FIRST: tuple[Verdict, ...] = ("lost", "refused", "rescued", "answered")


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that serves what was staged."""

    port: int
    key: str
    books: Books


@dataclass(slots=True)
class Result:
    """Of one scenario for one kind of client."""

    scenario: Scenario
    kind: Kind
    stream: bool
    verdicts: list[Verdict] = field(default_factory=list)
    """Call by call."""
    faults: list[str] = field(default_factory=list)
    """Why something is lost, hammered or wrong on the books, each reason once; empty: all is well."""
    attempts: int = 0
    """The most of one call."""
    suffered: int = 0
    """Requests that the struck provider got in all."""
    seconds: float = 0.0
    """The longest call."""
    errors: list[str] = field(default_factory=list)
    """What clients were told, each message once."""

    @property
    def verdict(self) -> Verdict:
        """The worst of its calls'."""
        return next((each for each in WORST_FIRST if each in self.verdicts), "lost")

    @property
    def lost(self) -> bool:
        return bool(self.faults) or self.verdict == "lost"


@dataclass(frozen=True, slots=True)
class Case:
    route: Route
    """With providers of its own."""
    result: Result
    wall: Wall
    begins: float
    """Seconds after the others."""

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """By their providers."""
        return {target.endpoint.provider.name: target.endpoint for target in self.route.targets}


class Rehearsal:
    """`open`, serve the snapshot that it returns, `run`, `close`."""

    def __init__(
        self,
        snapshot: Snapshot,
        route: Route,
        scenarios: Sequence[Scenario],
        kinds: Sequence[Kind],
        *,
        fast: bool,
    ):
        self._from = snapshot
        self._route = route
        self._scenarios = scenarios
        self._kinds = kinds
        self._fast = fast
        self._cases: list[Case] = []

    async def open(self) -> Snapshot:
        """Starts the wall. Returns the configuration in front of it: a route and providers for each case, so
        that none disturbs another."""
        try:
            for scenario, begins in zip(self._scenarios, _beginnings(self._scenarios), strict=True):
                for kind in self._kinds:
                    for stream in (False, True):
                        result = Result(scenario, kind, stream)
                        self._cases.append(await self._case(result, begins))
        except OSError:
            await self.close()
            raise
        routes = {case.route.name: case.route for case in self._cases}
        targets = (target for route in routes.values() for target in route.targets)
        providers: dict[str, Provider] = {
            target.endpoint.provider.name: target.endpoint.provider for target in targets
        }
        return Snapshot(routes=routes, providers=providers, revision=self._from.revision)

    async def run(self, gateway: Running, told: Callable[[Result], None]) -> list[Result]:
        """All results, in the catalogue's order; `told` hears of each when it is there."""
        caller = Caller(gateway.port, gateway.key)
        try:
            await asyncio.gather(*(_play(case, caller, gateway.books, told) for case in self._cases))
        finally:
            await caller.close()
        return [case.result for case in self._cases]

    async def close(self) -> None:
        for case in self._cases:
            await case.wall.close()

    async def _case(self, result: Result, begins: float) -> Case:
        wall = Wall(result.scenario, FAST if self._fast else REAL)
        name = f"{result.scenario.name}.{result.kind}.{'stream' if result.stream else 'unary'}"
        route = self._route
        if result.scenario.refuses_prefill:
            route = self._from.routes.get(route.name + NO_PREFILL, route)
        limits = stage.FAST if self._fast else route.timeouts
        moved = await stage.moved(replace(route, timeouts=limits), name, wall)
        return Case(moved, result, wall, begins)


def _beginnings(scenarios: Sequence[Scenario]) -> list[float]:
    """In seconds: those of one call first."""
    order = sorted(range(len(scenarios)), key=lambda at: scenarios[at].calls > 1)
    begins, found = 0.0, dict.fromkeys(order, 0.0)
    for at in order:
        found[at] = begins
        begins += STAGGER if scenarios[at].calls == 1 else STAGGER_OF_MANY
    return [found[at] for at in range(len(scenarios))]


async def _play(case: Case, caller: Caller, books: Books, told: Callable[[Result], None]) -> None:
    result, wall = case.result, case.wall
    await asyncio.sleep(case.begins)
    patience = case.route.timeouts.total + GRACE
    for _ in range(result.scenario.calls):
        requests = wall.requests
        heard = await caller.ask(result.kind, case.route.name, stream=result.stream, patience=patience)
        record = await books.generation(heard.call_id) if heard.call_id else None
        happened = Happened(heard, record, wall.requests - requests, wall.collect())
        _note(case, happened)
    result.suffered = wall.suffered
    most = result.scenario.most if len(case.endpoints) > 1 else 2 * result.scenario.calls
    if result.suffered > most:
        _add(result.faults, f"the provider in trouble got {result.suffered} requests, more than {most}")
    told(result)


def _note(case: Case, happened: Happened) -> None:
    heard, result = happened.heard, case.result
    verdict, fault = judge.verdict(happened)
    result.verdicts.append(verdict)
    result.seconds = max(result.seconds, heard.seconds)
    result.attempts = max(result.attempts, happened.requests)
    _add(result.errors, _ADDRESS.sub("the provider", heard.error).replace(f"{case.route.name}.", ""))
    for each in (fault, *judge.books(happened, case.endpoints)):
        _add(result.faults, each)


def _add(found: list[str], text: str) -> None:
    if text and text not in found:
        found.append(text)
