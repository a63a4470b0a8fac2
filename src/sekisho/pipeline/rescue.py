"""What becomes of a stream that breaks off after its beginning went out.

The client has a part of an answer, and no header can say any more that something happened. So the next
target of the call's plan goes on, in the same stream, where that is safe: see `unsafe` and `Tap.loose_end`.
Where it is not, or nobody can, the client is told in its dialect's own error. A part of an answer is never
passed off as the whole.

What it costs: while a stream lasts that could be rescued (others are left in its plan, and its route allows
it) its request is kept, at most KEPT_REQUEST bytes, and the text so far (see `core.heard`). Beside the
request, a stream of 1,000 words of English holds 9 KB more than one that could not be rescued.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog

from sekisho.core import estimate
from sekisho.core.contract import LooseEnd
from sekisho.core.error import SekishoError, Truncated, Unreachable, UpstreamError, UpstreamTimeout
from sekisho.core.exchange import Piece
from sekisho.core.operation import Operation
from sekisho.core.request import Request
from sekisho.core.route import Target
from sekisho.core.usage import Usage
from sekisho.pipeline import meter, notes
from sekisho.pipeline.answer import Answer, Stream
from sekisho.pipeline.call import Call
from sekisho.pipeline.continued import ContinuedCall

KEPT_REQUEST = 256 * 1024
"""Bytes. The stream of a larger request is not rescued: a thousand of them at once would hold 256 MB."""
Left = Sequence[Target]
GoOn = Callable[[ContinuedCall, Left], Awaitable[tuple[Answer | None, Left]]]
"""Tries these targets one after the other: (the first answer, the targets that are left then)."""
log = structlog.get_logger()


def may_rescue(call: Call, left: Left) -> bool:
    """Whether the call's answer might be gone on with, so that what that needs must be kept."""
    exchange = call.exchange
    return (
        bool(left)
        and exchange.stream
        and exchange.entry.operation is Operation.CHAT
        and call.route.rescue != "error"
        and len(exchange.body) <= KEPT_REQUEST
    )


class Rescue:
    """Of one stream. See `pipeline.answer.Rescuer`."""

    def __init__(self, call: Call, left: Left, go_on: GoOn):
        self._call = call
        self._left = left
        self._go_on = go_on

    async def rescue(self, broken: Stream, error: UpstreamError) -> Stream:
        found = self._loose_end(broken, error)
        if isinstance(found, Stream):
            return found
        if isinstance(found, str):
            log.info("stream_not_rescued", id=self._call.exchange.id, code=error.code, reason=found)
            raise error
        request, end = found
        with _Tried(self._call, error, end) as tried:
            call = ContinuedCall(self._call, request, end, tried.produced)
            answer, left = await self._go_on(call, self._left)
            if not isinstance(answer, Stream):
                log.info("stream_not_rescued", id=call.exchange.id, code=error.code, reason="nobody goes on")
                raise error
            tried.succeeded = True
        answer.rescuer = Rescue(call, left, self._go_on)
        log.info(
            "stream_rescued",
            id=call.exchange.id,
            code=error.code,
            provider=call.exchange.endpoint.provider.name if call.exchange.endpoint else None,
        )
        return answer

    def _loose_end(self, broken: Stream, error: UpstreamError) -> "tuple[Request, LooseEnd] | Stream | str":
        """What is to go on, and where; or the stream, which needs no more; or why it cannot go on."""
        call = self._call
        if error.retry == "never":
            return "another target would not help"
        try:
            request = call.request()
        except SekishoError:
            return "the request cannot be read"
        if self._conclude(broken, error, request):
            return broken
        refusal = unsafe(request) if self._left else "nobody is left"
        if refusal is not None:
            return refusal
        if broken.relay.facts.finish is not None or call.time_left() <= 0:
            return "it has said why it ended, or no time is left"
        end = broken.relay.loose_end()
        if end is None:
            return "it broke off in, or after, what nobody else can go on from"
        if call.route.rescue == "restart" and end.text.strip():
            return "the route lets answers begin anew only, and the client has text already"
        return request, end

    def _conclude(self, broken: Stream, error: UpstreamError, request: Request) -> bool:
        """Whether the stream lacks nothing but its end, which it is given then. Another model would have
        nothing to say."""
        if not isinstance(error, Truncated | UpstreamTimeout | Unreachable):
            return False
        if request.choices not in (None, 1):
            return False
        used = meter.used(self._call.exchange, "ok", self._call.world.tokens) or Usage()
        try:
            broken.first = broken.relay.conclude(used)
        except UpstreamError:
            return False
        return broken.relay.complete


def unsafe(request: Request) -> str | None:
    """Why no other model should go on with an answer to this; None: it may."""
    if request.choices not in (None, 1):
        return "several answers were asked for"
    if request.output is not None and request.output.kind != "text":
        return "a format was asked for, of which two models may not write a half each"
    if request.sampling.logprobs or request.sampling.top_logprobs:
        return "log probabilities were asked for"
    for members in (request.vendor or {}).values():
        for name, harmless in _HARMLESS.items():
            if name in members and bytes(members[name]) not in harmless:
                return f"`{name}` was asked for"
    return None


_HARMLESS = {
    "background": (b"false", b"null"),
    "modalities": (b"null", b'["text"]'),
    "logprobs": (b"null", b"0", b"false"),
    "responseModalities": (b"null", b'["TEXT"]'),
}
"""What is no text, or made without its client: member of any dialect -> what it may be."""


class _Tried:
    """The time in which others are asked. What the client has is on the books as a piece of the answer then;
    unless somebody goes on, everything is as it was before."""

    def __init__(self, call: Call, error: UpstreamError, end: LooseEnd):
        exchange = self._exchange = call.exchange
        self.succeeded = False
        self._before = (exchange.endpoint, exchange.facts, exchange.answering, exchange.prompt_tokens)
        notes.broke_off(exchange, call.world.clock.monotonic(), error.code)
        used = meter.used(exchange, "interrupted", call.world.tokens)
        self._pieces = len(exchange.pieces)
        if used is not None and exchange.endpoint is not None and exchange.answering is not None:
            tier = exchange.facts.service_tier
            piece = Piece(
                attempt=exchange.answering, endpoint=exchange.endpoint, usage=used, service_tier=tier
            )
            exchange.pieces = [*exchange.pieces, piece]
        self.produced = sum(piece.usage.output for piece in exchange.pieces)
        """Tokens that the answer came to so far."""
        exchange.prompt_tokens = _prompt(call) + estimate.tokens(*estimate.measure(end.text))

    def __enter__(self) -> "_Tried":
        return self

    def __exit__(self, *_: object) -> None:
        exchange = self._exchange
        if not self.succeeded:
            exchange.endpoint, exchange.facts, exchange.answering, exchange.prompt_tokens = self._before
            exchange.pieces = exchange.pieces[: self._pieces]


def _prompt(call: Call) -> int:
    """Tokens of the client's own prompt."""
    exchange = call.exchange
    if exchange.pieces:
        return exchange.pieces[0].usage.prompt
    return call.world.tokens.estimate(exchange.members, exchange.endpoint)
