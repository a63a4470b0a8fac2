"""Same dialect on both sides: the bytes go through as they came, a tap reading facts off them."""

from sekisho.core.contract import Facts, Members, ReplyOptions, Tap
from sekisho.core.exchange import Exchange
from sekisho.pipeline.answer import Relay
from sekisho.pipeline.prepare import Prepared
from sekisho.wire import json


class Splice:
    """One request on its way to a provider of the client's own dialect.

    Where nothing has to change, the body is the client's own bytes; else the changed members are put in
    and the values of all others stay byte for byte. A member that was given twice goes out once, as it was
    read here: a provider that reads the other one would serve what nobody checked.
    """

    __slots__ = ("_prepared", "body", "dropped", "header_lines", "show_usage")

    def __init__(self, exchange: Exchange, prepared: Prepared):
        members = dict(exchange.members)
        self._prepared = prepared
        self.show_usage = prepared.dialect.patch_request(members, prepared.facts)
        self.dropped = prepared.adapt(members) if prepared.quirks.applies else ()
        self.body = _body(exchange, members)
        self.header_lines = prepared.forwarded(exchange.headers)

    def whole(self, body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
        return self._prepared.dialect.unary_tap(body, options)

    def relay(self, options: ReplyOptions) -> Relay:
        tap = self._prepared.dialect.tap(options)
        return SpliceRelay(tap, needs_done=self._prepared.quirks.needs_done)


def _body(exchange: Exchange, members: Members) -> bytes:
    written = json.encode(members)
    if len(written) == len(exchange.body) or members != exchange.members:  # the same bytes, or changed ones
        return written
    return exchange.body if json.holds_each_once(exchange.body, members) else written


class SpliceRelay:
    """Relays whole events unchanged."""

    __slots__ = ("_needs_done", "_tap", "feed")

    def __init__(self, tap: Tap, *, needs_done: bool):
        self._tap = tap
        self.feed = tap.feed  # itself, not a call of it: this runs at every event
        self._needs_done = needs_done

    @property
    def facts(self) -> Facts:
        return self._tap.facts

    @property
    def started(self) -> bool:
        return self._tap.started

    @property
    def complete(self) -> bool:
        return self._tap.complete

    def finish(self) -> bytes:
        return self._tap.finish(needs_terminator=self._needs_done)
