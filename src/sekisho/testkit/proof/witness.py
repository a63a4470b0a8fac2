"""The other side of the books: scripted providers that note who came when, and what they charge for it.

A call says in its prompt which one it is, and what is to go wrong with it: `proof 17 cut`. That strikes the
first provider that it comes to, once; whoever it comes to after that is well.
"""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sekisho.core.usage import Usage
from sekisho.testkit.chaos.scenario import FAST, WELL, Fault
from sekisho.testkit.chaos.wall import decoded, is_stream, rest_of_story
from sekisho.testkit.provider import Received, Rules, ScriptedProvider
from sekisho.testkit.provider.connection import Turn
from sekisho.testkit.provider.turn import AnswerTurn

UNARY_FAULTS: Mapping[str, Fault] = MappingProxyType(
    {
        "well": WELL,
        "late": Fault(late=True),
        "fails": Fault(status=500),
        "full": Fault(status=503),
        "throttled": Fault(status=429),
        "reset": Fault(reset=True),
        "silent": Fault(silent=True),
    }
)
STREAM_FAULTS: Mapping[str, Fault] = MappingProxyType(
    {**UNARY_FAULTS, "cut": Fault(cut=True), "stalled": Fault(stall=True), "malformed": Fault(malformed=True)}
)
"""An answer in one piece that its provider breaks off is none of these: nobody knows who pays for it."""
_TAG = re.compile(rb"proof (\d+) ([a-z]+)")


def prompt(number: int, fault: str) -> str:
    """What a call says."""
    return f"proof {number} {fault}: tell me of the gates, and leave none out."


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request."""

    number: int
    """The call's."""
    provider: str
    at: float
    """Monotonic."""


@dataclass(frozen=True, slots=True)
class Charge:
    """An answer that was begun: its provider is paid for it."""

    number: int
    provider: str
    model: str
    usage: Usage
    """Of the whole answer."""
    completed: bool


class Witness:
    """All providers of a proof. `open` them, and `close`."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self.charges: list[Charge] = []
        self.underway = 0
        """Requests."""
        self.most_underway = 0
        """Since it was last set to 0."""
        self._arrived: set[int] = set()
        self._gates: list[Gate] = []

    async def open(self, provider: str) -> str:
        """The address at which a provider of this name answers from now on."""
        gate = Gate(self, provider)
        await gate.start()
        self._gates.append(gate)
        return gate.base_url

    async def close(self) -> None:
        for gate in self._gates:
            await gate.stop()

    def fault(self, number: int, word: str) -> Fault:
        """What the call's next request meets."""
        return WELL if number in self._arrived else STREAM_FAULTS[word]

    def began(self, arrival: Arrival) -> None:
        self._arrived.add(arrival.number)
        self.arrivals.append(arrival)
        self.underway += 1
        self.most_underway = max(self.most_underway, self.underway)

    def ended(self, charge: Charge | None) -> None:
        """`charge`: None where nothing is paid for."""
        self.underway -= 1
        if charge is not None:
            self.charges.append(charge)


class Gate(ScriptedProvider):
    """One provider."""

    def __init__(self, witness: Witness, name: str):
        super().__init__(record=False)
        self.responder.scripts = {}  # a model's name means nothing here
        self.responder.rules = Rules(signatures=False)
        self._witness = witness
        self._name = name

    def take(self, request: Received) -> Turn:
        """See `ScriptedProvider`."""
        marked = _TAG.search(request.body)
        if marked is None:
            return super().take(request)
        arrival = Arrival(int(marked[1]), self._name, time.monotonic())
        body = decoded(request.body)
        fault = self._witness.fault(arrival.number, marked[2].decode())
        self.responder.default = fault.script(FAST, rest_of_story(body), stream=is_stream(request, body))
        self._witness.began(arrival)
        return _Noted(super().take(request), arrival, self._witness)


class _Noted:
    """One request's answer, and what is charged for it, noted once."""

    __slots__ = ("_arrival", "_over", "_turn", "_witness", "performance")

    def __init__(self, turn: Turn, arrival: Arrival, witness: Witness):
        self.performance = turn.performance
        self._turn = turn
        self._arrival = arrival
        self._witness = witness
        self._over = False

    def finished(self) -> None:
        self._turn.finished()
        self._end(completed=self.performance.complete)

    def abandoned(self) -> None:
        self._turn.abandoned()
        self._end(completed=False)

    def _end(self, *, completed: bool) -> None:
        if self._over:
            return
        self._over = True
        charge = None
        if isinstance(self._turn, AnswerTurn):
            served = self._turn.served
            arrival = self._arrival
            charge = Charge(arrival.number, arrival.provider, served.model, served.usage, completed)
        self._witness.ended(charge)
