"""Same dialect on both sides: the bytes go through as they came, a tap reading facts off them."""

from sekisho.core.contract import Facts, ReplyOptions, Tap
from sekisho.core.error import Truncated
from sekisho.core.exchange import Exchange
from sekisho.pipeline.prepare import Prepared
from sekisho.wire import json


def write_request(exchange: Exchange, prepared: Prepared) -> tuple[bytes, bool]:
    """Returns (body for the provider, whether the client itself asked for usage in the stream).

    Where nothing has to change, the body is the client's own bytes; else the changed members are put in
    and the values of all others stay byte for byte.
    """
    members = dict(exchange.members)
    asked = prepared.dialect.patch_request(members, prepared.facts)
    exchange.dropped = prepared.adapt(members) if prepared.quirks.applies else ()
    unchanged = members == exchange.members
    return (exchange.body if unchanged else json.encode(members)), asked


class SpliceRelay:
    """Relays whole events unchanged."""

    __slots__ = ("_needs_done", "_tap")

    def __init__(self, tap: Tap, *, needs_done: bool):
        self._tap = tap
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

    def feed(self, data: bytes) -> bytes:
        return self._tap.feed(data)

    def finish(self) -> bytes:
        # The last event may lack its blank line; and a provider known for it may lack the terminator.
        rest = self._tap.feed(b"\n\n")
        if not self._tap.complete and not self._needs_done and self._tap.facts.finish is not None:
            rest += self._tap.feed(b"data: [DONE]\n\n")
        if not self._tap.complete:
            raise Truncated("the stream ended before it was complete")
        return rest


def open_relay(prepared: Prepared, options: ReplyOptions) -> SpliceRelay:
    """A relay for one stream from this endpoint."""
    return SpliceRelay(prepared.dialect.tap(options), needs_done=prepared.quirks.needs_done)
