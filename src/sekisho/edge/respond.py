"""Answers one call: status line, chunks, and the record that must be safe before the last byte goes.

An error before the first byte is a JSON body with its status; after it, the dialect's own error frame. A
stream that broke off never gets the terminator that would make it look complete.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import quote

import structlog

from sekisho.core.clock import Clock
from sekisho.core.contract import Framing
from sekisho.core.error import InternalError, SekishoError, UpstreamError
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.core.port import Journal
from sekisho.core.record import CallRecord, Outcome
from sekisho.edge import comments, limit_lines, market_errors
from sekisho.edge.comments import SECONDS, Comments
from sekisho.edge.connection import Connection
from sekisho.edge.message import Request, error_status
from sekisho.edge.server import Refuse
from sekisho.pipeline import explain, notes
from sekisho.pipeline.answer import Stream, Whole
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.meter import record_call
from sekisho.pipeline.retiring import Retiring
from sekisho.pipeline.shared import Reading

JSON_TYPE = b"content-type: application/json\r\n"
_UNBUFFERED = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"
STREAM_TYPES: Mapping[Framing, bytes] = {
    "sse": b"content-type: text/event-stream; charset=utf-8\r\n" + _UNBUFFERED,
    "eventstream": b"content-type: application/vnd.amazon.eventstream\r\n" + _UNBUFFERED,
    "json_array": JSON_TYPE + _UNBUFFERED,
}
CLIENT_GONE = 499
LISTED_NAME = 200
"""Characters of one name in a header."""
LISTED_MOST = 2_000
"""Characters of such a header."""
PageAnswer = tuple[int, bytes, bytes | AsyncGenerator[bytes, None]]
"""(status, header lines, body or its pieces)"""
PageAnswers = Coroutine[Any, Any, PageAnswer]
log = structlog.get_logger()


@dataclass(slots=True)
class Responder:
    """Runs calls to their end. The only place that catches what nobody foresaw."""

    pipeline: Pipeline
    journal: Journal
    observe: Callable[[CallRecord], None]
    clock: Clock
    retiring: Retiring = field(default_factory=Retiring)
    comment_seconds: float = SECONDS
    """Of silence, after which a stream below `/api/v1` is sent a comment; 0: none is."""

    def call(self, exchange: Exchange, out: Connection, extra: bytes = b"") -> Coroutine[Any, Any, None]:
        """Answer `exchange` on `out`; `extra` are header lines. Raises CancelledError only."""
        return _Call(self, exchange, out, extra).run()

    async def page(
        self,
        answer: PageAnswers,
        request: Request,
        out: Connection,
        refuse: Refuse,
        extra: bytes,
    ) -> None:
        """Answer a request that is no call; `refuse` words errors. Raises CancelledError only."""
        started = False
        try:
            status, described, body = await answer
            if isinstance(body, bytes):
                out.send(status, described + extra, body)
                return
            async with aclosing(body):
                out.start(status, described + extra)
                started = True
                await _relay(body, out)
        except SekishoError as error:
            failure = error
        except Exception as error:  # as above; no id of a call here, so the log's event is the trace
            log.exception("page_crashed", path=request.path[:200], error=type(error).__name__)
            failure = InternalError("internal error")
        else:
            return
        if started:
            log.warning("page_broke_off", path=request.path[:200], code=failure.code)
            out.abort()  # a stream that is not whole must not end as if it were
            return
        headers, refusal = refuse(request.path, failure)
        out.send(error_status(failure), headers + extra, refusal)


class _Call:
    __slots__ = ("_comments", "_exchange", "_extra", "_out", "_outlasted", "_owner", "_recorded", "_started")

    def __init__(self, owner: Responder, exchange: Exchange, out: Connection, extra: bytes):
        self._owner = owner
        self._exchange = exchange
        self._out = out
        self._extra = extra
        self._started = False
        self._recorded = False
        self._comments: Comments | None = None
        self._outlasted = False
        """Its client has gone, and it is booked once its answer has ended, which others read on."""

    async def run(self) -> None:
        exchange, out, owner = self._exchange, self._out, self._owner
        out.outlives = self._outlives
        try:
            if exchange.show_money and owner.comment_seconds and comments.wanted(exchange):
                self._comments = Comments(out, owner.comment_seconds, self._begin)
            answer = await owner.pipeline.answer(exchange)
            exchange.first_token = owner.clock.monotonic()
            if exchange.left:
                self.end("cancelled", CLIENT_GONE, "client_closed", _nothing)
            elif isinstance(answer, Whole):
                headers = JSON_TYPE + self._headers()
                self.end("ok", 200, None, partial(out.send, 200, headers, answer.body))
            else:
                await self._stream(answer)
        except asyncio.CancelledError:
            if not self._outlasted:
                self._left()
            raise
        except SekishoError as error:
            self.fail(error)
        except Exception as error:  # a bug: the client learns the id, the log learns the place
            log.exception("call_crashed", id=exchange.id, error=type(error).__name__)
            self.fail(InternalError(f"internal error; the request id is {exchange.id}"))
        finally:
            if self._comments is not None:
                self._comments.stop()

    def _begin(self) -> bool:
        """Status line and headers of a stream, if they have not gone out; False: it is none of events."""
        exchange = self._exchange
        if self._recorded or not exchange.stream or exchange.entry.framing != "sse":
            return False
        if not self._started:
            self._out.start(200, STREAM_TYPES["sse"] + self._headers())
            self._started = True
        return True

    async def _stream(self, answer: Stream | Reading) -> None:
        if not self._started:
            self._out.start(200, STREAM_TYPES[self._exchange.entry.framing] + self._headers())
            self._started = True
        try:
            await answer.pass_on(self._comments or self._out, self._complete)
        except asyncio.CancelledError:
            if answer.outlasts(self._left):
                self._outlasted = True
            raise

    def _complete(self, data: bytes) -> None:
        self.end("ok", 200, None, partial(self._out.end, data))

    def _left(self) -> None:
        self.end("cancelled", 200 if self._started else CLIENT_GONE, "client_closed", _nothing)

    def _outlives(self) -> bool:
        """Whether the call is made to its end though its client has gone: a provider makes an answer in one
        piece for it, which it will be paid for, and which alone says how much."""
        exchange = self._exchange
        billed = exchange.asked and exchange.entry.operation is not Operation.COUNT_TOKENS
        exchange.left = billed and not exchange.stream
        return exchange.left

    def fail(self, error: SekishoError) -> None:
        """End the call with `error`, in the shape that fits what was already sent."""
        if self._recorded:
            return
        exchange, out = self._exchange, self._out
        dialect = exchange.dialect
        _report(exchange, error)
        if self._started:
            if isinstance(error, UpstreamError) and exchange.endpoint is not None:
                error.provider, error.attempts = exchange.endpoint.provider.name, len(exchange.attempts)
                notes.broke_off(exchange, self._owner.clock.monotonic(), error.code)
                error.history = notes.history(exchange)
            if exchange.show_money and market_errors.frames(dialect):
                frame = market_errors.write_frame(error, exchange)
            else:
                frame = dialect.write_error_frame(error, exchange.id, exchange.entry.framing)
            # Comments alone are no answer that could have broken off.
            outcome: Outcome = "error" if exchange.first_token is None else "interrupted"
            self.end(outcome, 200, error.code, partial(out.end, frame))
            return
        status = error_status(error)
        headers = JSON_TYPE + self._headers() + retry_after(error) + limit_lines.not_again(error)
        if exchange.show_money and market_errors.shapes(dialect):
            body = market_errors.write(error, exchange.id)
        else:
            body = dialect.write_error(error, exchange.id)
        self.end("error", status, error.code, partial(out.send, status, headers, body))

    def end(self, outcome: Outcome, status: int, code: str | None, release: Callable[[], None]) -> None:
        """Book the call; `release` lets its last bytes go once the record is safe."""
        if self._recorded:
            return
        self._recorded = True
        exchange, owner = self._exchange, self._owner
        now = owner.clock.monotonic()
        try:
            tokens = owner.pipeline.attempts.tokens
            record = record_call(exchange, tokens, status=status, outcome=outcome, error_code=code, now=now)
        except Exception as error:  # a bug must not keep the client waiting for an answer that is there
            log.exception("call_not_recorded", id=exchange.id, error=type(error).__name__)
            owner.pipeline.attempts.admission.settle(exchange, None)
            release()
            return
        if exchange.claims:
            owner.pipeline.attempts.admission.settle(exchange, record)
        owner.journal.append(record, release)
        owner.observe(record)

    def _headers(self) -> bytes:
        exchange, endpoint = self._exchange, self._exchange.endpoint
        call_id, provider, retires = exchange.id, "", None
        if endpoint is not None:
            provider, retires = endpoint.provider.name, endpoint.retires
        lines = (
            f"x-generation-id: {call_id}\r\nx-request-id: {call_id}\r\n"
            f"request-id: {call_id}\r\nx-sekisho-provider: {provider}\r\n"
        )
        if retires is not None or exchange.dropped or exchange.degraded is not None or exchange.plugins:
            lines += self._remarks()
        limits = limit_lines.lines(exchange) if exchange.principal.limits else b""
        explained = explain.header_line(exchange) if explain.wanted(exchange.named) else b""
        return lines.encode("latin-1", "replace") + limits + explained + self._extra

    def _remarks(self) -> str:
        """Header lines about what was not quite as the client asked, or soon will not be."""
        exchange, endpoint, lines = self._exchange, self._exchange.endpoint, ""
        if exchange.degraded is not None:
            lines += f"x-sekisho-degraded: {listed([exchange.degraded])}\r\n"
        if exchange.dropped:
            lines += f"x-sekisho-dropped: {listed(exchange.dropped)}\r\n"
        if exchange.compression is not None:
            lines += f"x-sekisho-compression: {exchange.compression}\r\n"
        if exchange.healing is not None:
            lines += f"x-sekisho-healing: {exchange.healing}\r\n"
        if endpoint is not None and endpoint.retires is not None:
            lines += self._owner.retiring.line(endpoint, endpoint.retires, self._owner.clock.now())
        return lines


async def _relay(pieces: AsyncGenerator[bytes, None], out: Connection) -> None:
    async for data in pieces:
        out.write(data)
        if out.paused:
            await out.drain()
    out.end()


def listed(names: Iterable[str]) -> str:
    """Names as the value of one header. They may be a client's own words, which must not end the line."""
    shown: list[str] = []
    room = LISTED_MOST
    for name in names:
        shown.append(quote(name[:LISTED_NAME], safe="/[]"))
        room -= len(shown[-1]) + 2
        if room < 0:
            shown[-1] = "..."
            break
    return ", ".join(shown)


def retry_after(error: SekishoError) -> bytes:
    """The header line that says when to come back, if the error knows."""
    if error.retry_after is None:
        return b""
    return b"retry-after: %d\r\n" % max(0, math.ceil(error.retry_after))


def _report(exchange: Exchange, error: SekishoError) -> None:
    """One event for a call that failed. Fields only: no prompt, no key, no provider's text."""
    write = log.warning if isinstance(error, UpstreamError) else log.info
    write(
        "call_failed",
        id=exchange.id,
        key_id=exchange.principal.key_id,
        code=error.code,
        provider=exchange.endpoint.provider.name if exchange.endpoint else None,
        attempts=len(exchange.attempts),
    )


def _nothing() -> None:
    """The release of a call whose client has gone."""
