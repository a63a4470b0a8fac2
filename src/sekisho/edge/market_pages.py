"""The catalogue below `/api/v1`: models, their endpoints, providers."""

from functools import partial
from typing import Any
from urllib.parse import unquote

from sekisho.core.error import ModelNotFound, Unavailable
from sekisho.core.money import NANO
from sekisho.core.port import Books
from sekisho.core.principal import Principal
from sekisho.core.route import Route
from sekisho.edge import catalogue, endpoint_report, listing
from sekisho.edge.catalogue import Catalogue
from sekisho.edge.message import Request
from sekisho.edge.model_query import Query
from sekisho.edge.respond import JSON_TYPE, PageAnswer, PageAnswers
from sekisho.pipeline.build import Pipeline
from sekisho.pipeline.steps.access import may_use
from sekisho.pipeline.steps.authenticate import authenticate
from sekisho.wire import json

RSS_TYPE = b"content-type: application/rss+xml; charset=utf-8\r\n"
MODELS = "/api/v1/models"
ONE = "/api/v1/model/"
ENDPOINTS = "/endpoints"


class MarketPages:
    """The GETs. All ask for a key, and show what it may use."""

    def __init__(self, pipeline: Pipeline, books: Books):
        self._pipeline = pipeline
        self._books = books
        self._catalogue: Catalogue | None = None

    def find(self, path: str) -> "partial[PageAnswers] | None":
        """What answers a path that names a model."""
        if path.startswith(ONE):
            return partial(self._model, unquote(path[len(ONE) :]))
        if path.startswith(MODELS + "/") and path.endswith(ENDPOINTS):
            return partial(self._endpoints, unquote(path[len(MODELS) + 1 : -len(ENDPOINTS)]))
        return None

    async def models(self, request: Request) -> PageAnswer:
        """`GET /models` and `/models/user`: the same here, where every key sees what it may use."""
        return await self._listed(request, request.query)

    async def embeddings(self, request: Request) -> PageAnswer:
        """`GET /embeddings/models`: those that embed."""
        return await self._listed(request, request.query + b"&output_modalities=embeddings")

    async def _listed(self, request: Request, asked: bytes) -> PageAnswer:
        principal = await self._who(request)
        known, query = self._known(), Query(asked, now=self._pipeline.clock.now())
        tag = known.tag(principal, asked)
        lines = b"" if query.live else b"etag: %b\r\ncache-control: private, no-cache\r\n" % tag
        if lines and request.header(b"if-none-match") == tag:
            return 304, lines, b""
        items = query.chosen(known.items(principal), self._pipeline.attempts.board)
        if query.rss:
            return 200, RSS_TYPE + lines, catalogue.feed(query.page(items))
        following = query.following(request.path, len(items))
        return 200, JSON_TYPE + lines, known.listed(query.page(items), len(items), following)

    async def count(self, request: Request) -> PageAnswer:
        principal = await self._who(request)
        query = Query(request.query, now=self._pipeline.clock.now())
        items = query.chosen(self._known().items(principal), self._pipeline.attempts.board)
        return _json({"data": {"count": len(items)}})

    async def providers(self, request: Request) -> PageAnswer:
        await self._who(request)
        return _json(endpoint_report.providers(self._pipeline.plane.snapshot))

    async def zero_retention(self, request: Request) -> PageAnswer:
        """`GET /endpoints/zdr`: those that are known to keep nothing."""
        principal, snapshot = await self._who(request), self._pipeline.plane.snapshot
        found = {
            target.endpoint.id: target.endpoint
            for route in listing.visible(snapshot, principal)
            for target in route.targets
            if target.endpoint.provider.policy.retention_days == 0
        }
        return _json(
            {
                "data": endpoint_report.endpoints(
                    found.values(), self._pipeline.attempts.board, await self._uptimes()
                )
            }
        )

    async def credits(self, request: Request) -> PageAnswer:
        """Those that have the least left, of all that the key falls under. Without any it has had what it has
        used."""
        principal = await self._who(request)
        found = [
            (limit.amount, await self._books.charged(limit))
            for limit in principal.limits
            if limit.tariffs is not None
        ]
        if found:
            paid, charged = min(found, key=lambda each: each[0] - each[1])
            return _json({"data": {"total_credits": paid / NANO, "total_usage": charged / NANO}})
        used = (await self._books.spending(principal.key_id)).total / NANO
        return _json({"data": {"total_credits": used, "total_usage": used}})

    async def _model(self, name: str, request: Request) -> PageAnswer:
        route = self._route(name, await self._who(request))
        facts = listing.facts_of(route, self._pipeline.plane.snapshot)
        return _json({"data": listing.marketplace_entry(route, facts)})

    async def _endpoints(self, name: str, request: Request) -> PageAnswer:
        route = self._route(name, await self._who(request))
        return _json(
            endpoint_report.report(
                route, self._pipeline.plane.snapshot, self._pipeline.attempts.board, await self._uptimes()
            )
        )

    async def _uptimes(self) -> endpoint_report.Uptimes:
        """None where the books cannot be read: what else there is to say does not need them."""
        try:
            return await self._books.uptimes()
        except Unavailable:
            return {}

    def _route(self, name: str, principal: Principal) -> Route:
        """A model that this key may not use is as good as none: what there is, is nobody else's business."""
        route = self._pipeline.plane.snapshot.find_known(name)
        if route is None or not may_use(principal, route):
            raise ModelNotFound("there is no such model; GET /api/v1/models lists them", param="model")
        return route

    def _known(self) -> Catalogue:
        snapshot = self._pipeline.plane.snapshot
        if self._catalogue is None or self._catalogue.snapshot is not snapshot:
            self._catalogue = Catalogue(snapshot)
        return self._catalogue

    async def _who(self, request: Request) -> Principal:
        return await authenticate(request, self._pipeline.keys, self._pipeline.clock)


def _json(value: Any) -> PageAnswer:
    return 200, JSON_TYPE, json.encode(value)
