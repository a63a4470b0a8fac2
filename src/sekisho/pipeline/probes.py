"""When providers are probed: off the path of calls, so that none of them pays for finding out who is well.

Where the document asks for it a provider is asked for its list of models, at its interval and at once when an
endpoint of it falls out of order; with `chat`, each of those endpoints is then asked for one token. What that
proves says `routing.health.probed`.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from random import Random

import structlog

from sekisho.core.provider import Endpoint, Probe, Provider
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.probe import PATIENCE, Asker
from sekisho.routing.board import Board
from sekisho.routing.health import Finding

TICK = 0.5
"""Seconds between two looks at what is due, and at the configuration."""
AT_ONCE = 8
"""Providers that are probed at the same time."""
MOST_MODELS = 16
"""Of a provider, that are asked for a token at one time."""
log = structlog.get_logger()


@dataclass(slots=True)
class _Turn:
    """Of one provider. Monotonic seconds."""

    due: float
    last: float
    """When the last probe was over; at first when the turn was made."""
    running: bool = False
    listed: bool | None = True
    """What the last list came to."""


@dataclass(slots=True)
class Prober:
    """One for a process. `plane` gives the one that holds at the moment."""

    asker: Asker
    board: Board
    plane: Callable[[], Plane]
    random: Random
    _turns: dict[str, _Turn] = field(default_factory=dict)

    async def run(self) -> None:
        """Probe until cancelled."""
        self._turns = {}
        slots = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            while True:
                plane = self.plane()
                for provider, probe, turn in self._due(plane):
                    turn.running = True
                    group.create_task(self._take(plane, provider, probe, turn, slots))
                await asyncio.sleep(TICK)

    def _due(self, plane: Plane) -> list[tuple[Provider, Probe, _Turn]]:
        known, now = self._turns, self.board.now()
        self._turns, found = {}, []
        for name, provider in plane.snapshot.providers.items():
            probe = provider.probe
            if probe is None:
                continue
            turn = known.get(name) or _Turn(due=now + self.random.uniform(0.0, probe.every), last=now)
            self._turns[name] = turn
            if not turn.running and (now >= turn.due or self._fell(name, turn.last)):
                found.append((provider, probe, turn))
        return found

    def _fell(self, provider: str, since: float) -> bool:
        return any(opened > since for _, opened in self.board.out_of_order(provider))

    async def _take(
        self, plane: Plane, provider: Provider, probe: Probe, turn: _Turn, slots: asyncio.Semaphore
    ) -> None:
        async with slots:
            # Never longer than the interval: who is well again must be found so within it.
            turn.due = self.board.now() + probe.every * self.random.uniform(0.8, 1.0)
            find = partial(Finding, since=turn.last, rest=probe.every + 2 * PATIENCE)
            listed = await self.asker.models(plane, provider)
            if listed != turn.listed:
                turn.listed = listed
                self._tell(provider, turn)
            if listed is not None:
                finding = find(answered=listed, by_model=False)
                self.board.probed([endpoint.id for endpoint in _endpoints(plane, provider)], finding)
            if probe.chat and listed is not False:
                await self._ask_for_tokens(plane, provider, find)
            turn.last, turn.running = self.board.now(), False

    async def _ask_for_tokens(self, plane: Plane, provider: Provider, find: Callable[..., Finding]) -> None:
        ill = {name for name, _ in self.board.out_of_order(provider.name)}
        asked = [endpoint for endpoint in _endpoints(plane, provider) if endpoint.id in ill]
        waiting = (self.board.asked_wait(endpoint.id) > 0 for endpoint in asked)
        asked = [endpoint for endpoint, waits in zip(asked, waiting, strict=True) if not waits][:MOST_MODELS]
        if self.board.spent.closed_until(provider.name) is not None:
            return
        answers = await asyncio.gather(*(self.asker.token(plane, endpoint) for endpoint in asked))
        for endpoint, answered in zip(asked, answers, strict=True):
            if answered is not None:
                self.board.probed([endpoint.id], find(answered=answered, by_model=True))

    def _tell(self, provider: Provider, turn: _Turn) -> None:
        event = {True: "probe_answered", False: "probe_failed", None: "probe_says_nothing"}[turn.listed]
        log.warning(event, provider=provider.name, asked="models")


def _endpoints(plane: Plane, provider: Provider) -> Collection[Endpoint]:
    own = (endpoint for endpoint in plane.snapshot.endpoints() if endpoint.provider.name == provider.name)
    return {endpoint.id: endpoint for endpoint in own}.values()
