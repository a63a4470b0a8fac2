"""Answers for load: made once for each kind of request, then only written."""

import msgspec

from sekisho.testkit.provider.connection import Received, Turn
from sekisho.testkit.provider.ledger import Ledger
from sekisho.testkit.provider.performance import Performance
from sekisho.testkit.provider.responder import Responder


class _Options(msgspec.Struct):
    include_usage: bool = False


class _Peek(msgspec.Struct):
    model: str = ""
    stream: bool = False
    stream_options: _Options | None = None


class _CannedTurn:
    __slots__ = ("_counts", "performance")

    def __init__(self, performance: Performance, ledger: Ledger):
        self.performance = performance
        self._counts = ledger.counts

    def finished(self) -> None:
        self._counts["completed" if self.performance.complete else "incomplete"] += 1

    def abandoned(self) -> None:
        self._counts["aborted"] += 1


class Cans:
    """The turns already made. What they count cannot tell one call from another of its kind, and only the
    first of a kind is checked."""

    __slots__ = ("_decoder", "_turns")

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(_Peek)
        self._turns: dict[tuple[str, str, str, bool, bool], _CannedTurn] = {}

    def take(self, request: Received, responder: Responder, ledger: Ledger) -> Turn:
        try:
            peek = self._decoder.decode(request.body)
        except msgspec.DecodeError:
            return responder.respond(request)
        options = peek.stream_options
        shown = options is not None and options.include_usage
        kind = (request.path, request.query, peek.model, peek.stream, shown)
        turn = self._turns.get(kind)
        if turn is None:
            turn = _CannedTurn(responder.respond(request).performance, ledger)
            self._turns[kind] = turn
        return turn
