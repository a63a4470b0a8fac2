"""Embeddings and reranking: one question, one answer in one piece, without the hub between them.

Vectors of different models say nothing of each other, so that one route serves embeddings of one model only.
Scores of a reranking are compared within one answer alone: there, another model may take over.
"""

from sekisho.core.contract import Facts, Members, ReplyOptions
from sekisho.core.error import BadRequest, InternalError, ProviderModelMissing, Unsupported, UpstreamError
from sekisho.core.exchange import Exchange
from sekisho.core.operation import RETRIEVAL, Operation
from sekisho.core.provider import Endpoint
from sekisho.core.route import Route
from sekisho.pipeline.adapt import Adaptation
from sekisho.pipeline.answer import Relay
from sekisho.pipeline.prepare import Prepared
from sekisho.routing.comparable import models_of
from sekisho.wire import json, rerank

SAID_BY_SERVERS_WITHOUT = frozenset((404, 405, 501))
"""Statuses of servers that have no such operation for a model, which they may serve otherwise."""
DOCUMENTS_A_SEARCH = 100
"""Of a reranking, in one unit of billing (https://docs.cohere.com/docs/rate-limits, 2026-11)."""


class Retrieving:
    """One request on its way to one endpoint. A `pipeline.answer.Passage`."""

    __slots__ = ("_asked", "_retrieval", "body", "dropped", "header_lines", "show_usage")

    def __init__(self, exchange: Exchange, prepared: Prepared, adaptation: Adaptation):
        self._retrieval = prepared.dialect.retrieval[exchange.entry.operation]
        self._asked: Members = exchange.members
        members = self._retrieval.write(exchange.members, prepared.facts)
        self.dropped = prepared.adapt(members)
        adaptation.edit(members)
        self.body = json.encode(members)
        if prepared.dialect is exchange.dialect:
            self.header_lines = prepared.forwarded(exchange.headers, exchange.named)
        else:
            self.header_lines = prepared.default_lines
        self.show_usage = True

    def whole(self, body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]:
        return self._retrieval.read(body, self._asked, options)

    def relay(self, _options: ReplyOptions) -> Relay:
        """There is no such stream: `parse` reads that wish of a chat alone."""
        raise InternalError("what is retrieved comes in one piece")


def not_there(operation: Operation, endpoint: Endpoint) -> Unsupported:
    """For a provider whose API has no such operation."""
    return Unsupported(
        f"{endpoint.provider.name} serves no {operation}: its API has no such operation. Name another model",
        param="model",
    )


def comparable(route: Route) -> None:
    """Raises BadRequest where the route's targets are of several models."""
    models = models_of(route.targets)
    if len(models) > 1:
        raise BadRequest(
            f"`{route.name}` leads to several models ({', '.join(models[:5])}), whose embeddings cannot be "
            "compared with each other. Name one of them",
            param="model",
        )


def says_of_the_endpoint(operation: Operation, error: UpstreamError) -> bool:
    """Whether a failure tells how the endpoint fares. Counting has limits of its own, and who does not
    retrieve may chat well."""
    if operation in RETRIEVAL:
        missing = isinstance(error, ProviderModelMissing)
        return not missing and error.provider_status not in SAID_BY_SERVERS_WITHOUT
    return operation is Operation.CHAT


def searches(members: Members) -> int:
    """That a reranking may be billed as."""
    return max(1, -(-rerank.documents(members) // DOCUMENTS_A_SEARCH))
