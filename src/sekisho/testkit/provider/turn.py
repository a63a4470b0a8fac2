"""One request's answer and what the ledger says of it."""

import time

import msgspec

from sekisho.testkit.provider.ledger import Aborted, Ledger, Served
from sekisho.testkit.provider.performance import Performance


class PlainTurn:
    """An error, a list of models, a count: nothing that anybody is billed for."""

    __slots__ = ("_ledger", "performance")

    def __init__(self, performance: Performance, ledger: Ledger):
        self.performance = performance
        self._ledger = ledger

    def finished(self) -> None:
        return

    def abandoned(self) -> None:
        self._ledger.abort(Aborted(id="", at=time.monotonic()))


class AnswerTurn:
    """An answer that goes into the ledger once, when it is over or abandoned."""

    __slots__ = ("_entered", "_ledger", "performance", "served")

    def __init__(self, performance: Performance, served: Served, ledger: Ledger):
        self.performance = performance
        self.served = served
        self._ledger = ledger
        self._entered = False

    def finished(self) -> None:
        self._entered = True
        self._ledger.enter(self.served)

    def abandoned(self) -> None:
        self._ledger.abort(Aborted(id=self.served.id, at=time.monotonic()))
        if not self._entered:
            self._ledger.enter(msgspec.structs.replace(self.served, completed=False))
