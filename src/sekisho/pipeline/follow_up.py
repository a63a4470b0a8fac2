"""What is asked of an answer that an earlier call made: fetched again, listed, cancelled, deleted.

It goes where that call went, and only for the key that made it. It is free, and no call of its own in the
books. But a background answer is finished after its call has ended: its cost is booked with the first
follow-up that sees it finished, once.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import quote

import msgspec

from sekisho.core.contract import Dialect, Facts, FollowUp, ReplyOptions, Tap
from sekisho.core.error import Malformed, NotFound, UpstreamError
from sekisho.core.port import Books, Journal
from sekisho.core.principal import Principal
from sekisho.core.provider import Endpoint
from sekisho.core.record import SETTLEMENT, CallRecord
from sekisho.core.route import Snapshot, Timeouts
from sekisho.metering.prices import price_call
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.prepare import Plane, Prepared
from sekisho.pipeline.signature import Asked
from sekisho.pipeline.steps.authenticate import authenticate
from sekisho.pipeline.steps.hops import HEADER, count_hops
from sekisho.upstream.response import Response

REPLY_LIMIT = 256 * 1024 * 1024
"""Bytes, as of any whole answer."""
ERROR_LIMIT = 1024 * 1024
JSON = b"application/json"
EVENTS = b"text/event-stream"
WRITABLE = "".join(map(chr, range(0x21, 0x7F)))
"""What may stand in a request line as it came."""


@dataclass(frozen=True, slots=True)
class Followed:
    """The provider's answer, as it came."""

    provider: str
    content_type: bytes
    body: bytes | AsyncGenerator[bytes, None]
    """A stream raises UpstreamError where it breaks off. It must be run, or closed."""


@dataclass(frozen=True, slots=True)
class FollowUps:
    pipeline: Pipeline
    books: Books
    journal: Journal
    observe: Callable[[CallRecord], None]

    async def answer(self, asked: Asked, dialect: Dialect, wanted: FollowUp) -> Followed:
        """Raises NotFound where the key made no such answer or the provider keeps none, and whatever else a
        call raises."""
        hops = count_hops(asked.named)
        clock, plane = self.pipeline.clock, self.pipeline.plane
        principal = await authenticate(asked, self.pipeline.keys, clock, query_key=dialect.query_key)
        record = await self.books.answered(principal.key_id, wanted.answer_id)
        if record is None or record.dialect != dialect.name:
            raise _missing(wanted)
        endpoint = _endpoint(record, plane.snapshot, wanted)
        prepared = plane.prepared(endpoint, dialect.name)
        if prepared.dialect is not dialect:
            raise _missing(wanted)
        exchange = _Exchange(self, asked, wanted, record, (prepared, principal))
        try:
            return await exchange.run(_timeouts(record, plane), hops)
        except UpstreamError as error:
            error.provider, error.attempts = endpoint.provider.name, 1
            raise


class _Exchange:
    """One follow-up and its answer."""

    def __init__(
        self,
        owner: FollowUps,
        asked: Asked,
        wanted: FollowUp,
        record: CallRecord,
        place: tuple[Prepared, Principal],
    ):
        """`place`: where the answer is kept, and for whom."""
        self._owner = owner
        self._asked = asked
        self._wanted = wanted
        self._record = record
        self._prepared, self._principal = place
        unsettled = record.usage is None and record.outcome == "ok"
        self._may_settle = unsettled and asked.method in wanted.answers

    async def run(self, timeouts: Timeouts, hops: int) -> Followed:
        attempts, asked, prepared = self._owner.pipeline.attempts, self._asked, self._prepared
        query = quote(asked.target.partition(b"?")[2], safe=WRITABLE)
        path = f"{self._wanted.path}?{query}" if query else self._wanted.path
        head = prepared.follow_up_head(asked.method, path, asked.body)
        head += prepared.forwarded(asked.headers, asked.named) + b"%b: %d\r\n" % (HEADER, hops + 1)
        deadline = attempts.clock.monotonic() + timeouts.total
        response = await attempts.client.send(prepared.origin, head, asked.body, timeouts, deadline)
        streamed = False
        try:
            if response.status >= 300:
                await self._refused(response)
            kind = response.header(b"content-type") or JSON
            streamed = kind.startswith(EVENTS)
            body = self._pieces(response) if streamed else await self._whole(response)
            return Followed(prepared.endpoint.provider.name, kind, body)
        finally:
            if not streamed:
                response.close()

    async def _refused(self, response: Response) -> None:
        status = response.status
        if status == 404:
            raise _missing(self._wanted)
        if status < 400:
            raise Malformed(f"it answered with status {status}", provider_status=status)
        detail = await response.read(ERROR_LIMIT)
        raise self._prepared.dialect.read_error(status, response.headers, detail)

    async def _whole(self, response: Response) -> bytes:
        body = await response.read(REPLY_LIMIT)
        if self._may_settle:
            with suppress(UpstreamError):  # what reports a failed answer, or is none, has no cost to book
                facts, _ = self._prepared.dialect.unary_tap(body, ReplyOptions())
                await self._settle(facts)
        return body

    async def _pieces(self, response: Response) -> AsyncGenerator[bytes, None]:
        tap: Tap | None = self._prepared.dialect.tap(ReplyOptions()) if self._may_settle else None
        try:
            while data := await response.chunk():
                if tap is not None:
                    tap = _watched(tap, data)
                yield data
        finally:
            response.close()
        if tap is not None:
            await self._settle(tap.facts)

    async def _settle(self, facts: Facts) -> None:
        """Book what the answer came to, unless it goes on, or was booked before."""
        owner, record = self._owner, self._record
        call_id = f"{record.id}-{SETTLEMENT}"
        if facts.usage is None or facts.pending or await owner.books.generation(call_id) is not None:
            return
        cost = price_call(facts.usage, self._prepared.endpoint.price, facts.service_tier)
        settled = msgspec.structs.replace(
            record,
            id=call_id,
            operation=SETTLEMENT,
            usage=facts.usage,
            cost=cost,
            unpriced=cost is None,
            finish=facts.finish,
            service_tier=facts.service_tier,
            attempts=(),
            explanation=None,
            first_token_ms=None,
            total_ms=0,
        )
        safe = asyncio.Event()
        owner.pipeline.attempts.admission.settle_late(record.id, self._principal, settled)
        owner.journal.append(settled, safe.set)
        owner.observe(settled)
        await safe.wait()


def _watched(tap: Tap, data: bytes) -> Tap | None:
    """A stream may begin in the middle of an answer, which a tap need not understand."""
    try:
        tap.feed(data)
    except UpstreamError:
        return None
    return tap


def _missing(wanted: FollowUp) -> NotFound:
    return NotFound(
        f"this API key has no answer `{wanted.answer_id}`, or its provider keeps none", param="id"
    )


def _endpoint(record: CallRecord, snapshot: Snapshot, wanted: FollowUp) -> Endpoint:
    """Where the answer was made, as the configuration has it now."""
    provider = snapshot.providers.get(record.provider or "")
    if provider is None:
        raise _missing(wanted)
    route = snapshot.find(record.model or "")
    for target in route.targets if route is not None else ():
        endpoint = target.endpoint
        if endpoint.provider is provider:
            return replace(endpoint, upstream_model=record.upstream_model or endpoint.upstream_model)
    return Endpoint(model="", provider=provider, upstream_model="", quirks=provider.quirks)


def _timeouts(record: CallRecord, plane: Plane) -> Timeouts:
    route = plane.snapshot.find(record.requested_model)
    return route.timeouts if route is not None else Timeouts()
