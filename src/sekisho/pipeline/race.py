"""Two attempts of one call beside each other, where the first is late: who answers first answers the call.

The other one is given up on the spot: its connection is closed, so that its provider stops generating. What
it came to by then is booked as well, as an attempt that was outrun; it says nothing of its provider's health.
"""

import asyncio
from collections.abc import Callable, Sequence

from sekisho.core.error import BodyTooLarge, Unsupported, UpstreamError
from sekisho.core.route import Target
from sekisho.pipeline import bill, notes
from sekisho.pipeline.answer import Answer, Stream
from sekisho.pipeline.call import Call
from sekisho.pipeline.failures import Failures
from sekisho.pipeline.rescue import may_rescue

Left = Sequence[Target]
Choose = Callable[[], "tuple[Target, Left] | None"]
"""Names the second target, and who is left if it answers; None: nobody is to be asked."""
Failure = UpstreamError | Unsupported | BodyTooLarge
"""Of one target."""


class Race:
    """Of one attempt at one target, with perhaps another one beside it."""

    def __init__(self, call: Call, failures: Failures, choose: Choose):
        self._call = call
        self._failures = failures
        """Those of the second target are added."""
        self._choose = choose
        self._runners: list[_Runner] = []
        self._winner: _Runner | None = None
        self.beside: Target | None = None
        """The second target, if one was asked."""

    async def run(self, target: Target, due: float) -> Answer:
        """The target's answer, or that of a second one that is asked after `due` seconds. Raises what the
        first one failed with if neither answers, or if its failure says that nobody else can help."""
        first = _Runner(self._call.beside(), target, self._now())
        self._call.exchange.asked = True  # as good as: whoever leaves now is charged for it
        self._runners.append(first)
        try:
            await asyncio.wait([first.task], timeout=due)
            if not first.task.done():
                self._start_second(first)
            self._winner = await self._decide(first)
            return (self._winner or first).task.result()
        finally:
            self._settle(first)
            del first  # a failure's traceback leads here: together they would wait for the collector
            self._runners.clear()

    @property
    def call(self) -> Call:
        """After an answer: the call as whoever answered goes on with it."""
        return self._call if self._winner is None else self._winner.call

    @property
    def left(self) -> Left | None:
        """After an answer: who is left; None: nothing has changed about that."""
        return None if self._winner is None else self._winner.left

    def _start_second(self, first: "_Runner") -> None:
        chosen = None if self._call.exchange.left else self._choose()
        if chosen is None:
            return
        target, left = chosen
        call = self._call.beside()
        call.alone = not left
        call.rescuable = may_rescue(call, left)
        call.rival, first.call.rival = first.call, call
        self._call.exchange.hedged = self._now() - first.began
        self._runners.append(_Runner(call, target, self._now(), left))
        self.beside = target

    async def _decide(self, first: "_Runner") -> "_Runner | None":
        """Who answers first; None: nobody."""
        running = list(self._runners)
        while running:
            await asyncio.wait([each.task for each in running], return_when=asyncio.FIRST_COMPLETED)
            for runner in [each for each in running if each.task.done()]:
                failure = runner.task.exception()
                if failure is None:
                    return runner
                if not isinstance(failure, Failure):
                    raise failure
                running.remove(runner)
                for other in running:
                    other.call.rival = None
                if runner is not first:
                    self._failures.add(failure, runner.target)
                elif self._failures.ends(failure):
                    return None
        return None

    def _settle(self, first: "_Runner") -> None:
        """Gives up who is still running, and notes on the call's own exchange what became of everybody."""
        exchange, winner = self._call.exchange, self._winner
        noted = winner or first
        if winner is None and first.call.exchange.asked and not first.failed:
            notes.given_up(first.call.exchange, first.target.endpoint, first.began, self._now())
        answered = noted.call.exchange.answering
        answer = None if answered is None else noted.call.exchange.attempts[answered]
        noted.call.exchange.outrun = exchange.outrun
        for runner in self._runners:
            if runner is not winner:
                runner.give_up()
                if runner is not noted and not runner.failed:
                    self._book(runner, noted.call)
        attempts = [each for runner in self._runners for each in runner.call.exchange.attempts]
        exchange.attempts = sorted(exchange.attempts + attempts, key=lambda each: each.began_ms)
        noted.call.take_over(exchange)
        places = (at for at, each in enumerate(exchange.attempts) if each is answer)
        exchange.answering = next(places, None)

    def _book(self, loser: "_Runner", winner: Call) -> None:
        exchange, endpoint = loser.call.exchange, loser.target.endpoint
        if exchange.answering is None:
            notes.ended(exchange, endpoint, loser.began, self._now(), None)
        usage = loser.call.given_up()
        cost = bill.price(endpoint, usage, exchange.facts.service_tier)
        notes.outrun(exchange, endpoint.model, usage, cost)
        winner.exchange.outrun = () if usage is None else (cost,)

    def _now(self) -> float:
        return self._call.world.clock.monotonic()


class _Runner:
    """One of the two."""

    __slots__ = ("began", "call", "left", "target", "task")

    def __init__(self, call: Call, target: Target, began: float, left: Left | None = None):
        self.call = call
        self.target = target
        self.began = began
        self.left = left
        """Who is left if it answers; None: as before."""
        self.task = asyncio.create_task(call.attempt(target))

    @property
    def failed(self) -> bool:
        task = self.task
        return task.done() and not task.cancelled() and task.exception() is not None

    def give_up(self) -> None:
        self.task.cancel()
        self.task.add_done_callback(_drop)


def _drop(task: asyncio.Task[Answer]) -> None:
    """An answer that came at the very last moment, or a failure, is nobody's."""
    if not task.cancelled() and task.exception() is None and isinstance(answer := task.result(), Stream):
        answer.close()
