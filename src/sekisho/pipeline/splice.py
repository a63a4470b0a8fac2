"""Same dialect on both sides: the bytes go through as they came, a tap reading facts off them.

But for answers to clients who are not to be told what the model thought: these are read and written anew.
"""

from dataclasses import dataclass, replace

from sekisho.core.contract import Facts, LooseEnd, Loss, Members, ReplyOptions, Tap
from sekisho.core.error import UpstreamError
from sekisho.core.exchange import Exchange
from sekisho.core.heard import Heard
from sekisho.core.request import Request
from sekisho.core.usage import Usage
from sekisho.pipeline import provenance, translate
from sekisho.pipeline.adapt import Adaptation
from sekisho.pipeline.answer import Relay
from sekisho.pipeline.prepare import Prepared
from sekisho.wire import json


@dataclass(frozen=True, slots=True)
class Opened:
    """A request that held seals, without them: written anew, in the dialect that it came in."""

    members: Members
    losses: tuple[Loss, ...]
    signatures: tuple[Loss, ...]
    """Those of other dialects."""


def open_seals(request: Request, prepared: Prepared) -> Opened:
    """A conversation that was translated before goes on at a provider of the client's own dialect."""
    dialect = prepared.dialect
    opened, signatures = provenance.open_request(request, dialect.name, dialect.name)
    written = dialect.write_request(opened, prepared.facts)
    return Opened(json.members(written.body), written.losses, signatures)


class Splice:
    """One request on its way to a provider of the client's own dialect.

    Where nothing has to change, the body is the client's own bytes; else the changed members are put in
    and the values of all others stay byte for byte. A member that was given twice goes out once, as it was
    read here: a provider that reads the other one would serve what nobody checked.
    """

    __slots__ = ("_prepared", "body", "dropped", "header_lines", "show_usage")

    def __init__(
        self,
        exchange: Exchange,
        prepared: Prepared,
        adaptation: Adaptation | None,
        opened: Opened | None = None,
    ):
        """`adaptation`: None where it would change nothing."""
        members = dict(exchange.members)
        self._prepared = prepared
        self.dropped: tuple[str, ...] = ()
        self.show_usage = prepared.dialect.patch_request(members, prepared.facts)
        if opened is not None and adaptation is not None:
            members = dict(opened.members)
            self.dropped = adaptation.dropped(opened.losses, opened.signatures)
        if exchange.show_money and "reasoning" in members:
            self.dropped += prepared.dialect.unify_reasoning(members, prepared.facts)
        if adaptation is not None:
            self.dropped += adaptation.adapt(members)
        self.body = _body(exchange, members)
        self.header_lines = prepared.forwarded(exchange.headers, exchange.named)

    def whole(self, body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
        dialect = self._prepared.dialect
        if not options.show_reasoning:
            return translate.rewrite(dialect, dialect, body, options)
        return dialect.unary_tap(body, options)

    def relay(self, options: ReplyOptions) -> Relay:
        if not options.show_reasoning:
            return translate.TranslateRelay(self._prepared, self._prepared.dialect, options)
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

    def keep(self) -> None:
        self._tap.facts.heard = Heard()

    def loose_end(self) -> LooseEnd | None:
        try:
            end = self._tap.loose_end()
        except UpstreamError:
            return None
        return None if end is None else replace(end, unsent=self._tap.unsent)

    def conclude(self, usage: Usage) -> bytes:
        unsent = self._tap.unsent
        return unsent + self._tap.conclude(usage)
