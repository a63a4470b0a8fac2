"""What is read with GET: the lists of models, a key's own account, health and metrics."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from sekisho.core.error import BadRequest, Draining, NotFound
from sekisho.core.port import Books
from sekisho.core.principal import Principal
from sekisho.core.record import CallRecord
from sekisho.edge import account, listing
from sekisho.edge.market_pages import MarketPages
from sekisho.edge.message import Request
from sekisho.edge.respond import JSON_TYPE, PageAnswer, PageAnswers
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.steps.authenticate import authenticate
from sekisho.pipeline.taken import Taken, taken
from sekisho.wire import json

Page = Callable[[Request], PageAnswers]
"""Answers a GET. Raises SekishoError."""


class Pages:
    """The GETs: lists, a key's own account, health and metrics."""

    def __init__(self, pipeline: Pipeline, books: Books, metrics: Callable[[], bytes]):
        self._pipeline = pipeline
        self._books = books
        self._metrics = metrics
        self._market = MarketPages(pipeline, books)
        self._table = self._served()
        self.ready = False
        self.draining = False

    def find(self, path: str) -> Page | None:
        """What answers a path."""
        return self._table.get(path) or self._market.find(path)

    def _served(self) -> dict[str, Page]:
        market = self._market
        return {
            "/v1/models": self._models,
            "/v1/limits": self._limits,
            "/api/v1/models": market.models,
            "/api/v1/models/user": market.models,
            "/api/v1/embeddings/models": market.embeddings,
            "/api/v1/models/count": market.count,
            "/api/v1/providers": market.providers,
            "/api/v1/endpoints/zdr": market.zero_retention,
            "/api/v1/credits": market.credits,
            "/api/v1/key": self._key,
            "/api/v1/generation": self._generation,
            "/healthz": self._health,
            "/readyz": self._readiness,
            "/metrics": self._show_metrics,
        }

    async def _models(self, request: Request) -> PageAnswer:
        principal = await authenticate(request, self._pipeline.keys, self._pipeline.clock)
        return _json(listing.plain(self._pipeline.plane.snapshot, principal))

    async def _key(self, request: Request) -> PageAnswer:
        principal = await authenticate(request, self._pipeline.keys, self._pipeline.clock)
        spending = await self._books.spending(principal.key_id)
        return _json(account.key_report(principal, spending, await self._taken(principal)))

    async def _limits(self, request: Request) -> PageAnswer:
        principal = await authenticate(request, self._pipeline.keys, self._pipeline.clock)
        found = await self._taken(principal)
        return _json(account.limits_report(found, self._pipeline.clock.now()))

    async def _taken(self, principal: Principal) -> list[Taken]:
        return await taken(self._pipeline.attempts.counters, principal)

    async def _generation(self, request: Request) -> PageAnswer:
        principal = await authenticate(request, self._pipeline.keys, self._pipeline.clock)
        wanted = parse_qs(request.query.decode("latin-1")).get("id")
        if not wanted:
            raise BadRequest("`id` is missing: GET /api/v1/generation?id=gen-...", param="id")
        record = await self._books.generation(wanted[0])
        if record is None or (record.key_id != principal.key_id and not _may_see(principal, record)):
            raise NotFound("no call of this key has that id", param="id")
        return _json(account.generation_report(record))

    async def _health(self, _: Request) -> PageAnswer:
        return _json({"status": "ok"})

    async def _readiness(self, _: Request) -> PageAnswer:
        if self.draining or not self.ready:
            raise Draining("not ready: starting or shutting down", retry_after=1)
        return _json({"status": "ready"})

    async def _show_metrics(self, _: Request) -> PageAnswer:
        return 200, b"content-type: text/plain; version=0.0.4; charset=utf-8\r\n", self._metrics()


def _may_see(principal: Principal, record: CallRecord) -> bool:
    """Whether an admin may see a call of another key."""
    return principal.operates or (principal.admin and principal.organisation == record.organisation)


def _json(value: Any) -> PageAnswer:
    return 200, JSON_TYPE, json.encode(value)
