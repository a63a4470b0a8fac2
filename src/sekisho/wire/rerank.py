"""Reranking: a query, documents, and how well each fits.

There is no one API for it. OpenRouter's contract, Jina, vLLM, llama.cpp and Together speak nearly the same;
Cohere's second version takes texts alone, bills by searches and says so in `meta`; Voyage answers in `data`.
What a client gets has the contract's shape, whoever answered (docs.cohere.com/reference/rerank,
api.jina.ai/redoc, docs.voyageai.com/reference/reranker-api, docs.vllm.ai/en/stable/serving, 2026-11).
"""

from typing import Any

import msgspec

from sekisho.core.contract import Facts, Members, ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest, Malformed
from sekisho.core.usage import Usage
from sekisho.wire import json, kinds, openai_errors
from sekisho.wire.counts import count
from sekisho.wire.openai_usage import money
from sekisho.wire.shape import BROKEN, Wire, given

MOST_DOCUMENTS = 10_000
"""Of one request: Cohere's bound, the highest."""
_KINDS = {
    "model": kinds.STRING,
    "query": kinds.STRING,
    "documents": kinds.ARRAY,
    "top_n": kinds.NUMBER,
    "return_documents": kinds.BOOLEAN,
}
_TRUE = msgspec.Raw(b"true")


class _Document(msgspec.Struct, omit_defaults=True):
    text: str | None = None
    image: str | None = None


class _Billed(Wire):
    search_units: int | float | None = None
    input_tokens: int | float | None = None


class _Meta(Wire):
    billed_units: _Billed | None = None
    tokens: _Billed | None = None


class _Usage(Wire):
    prompt_tokens: int | None = None
    total_tokens: int | None = None
    search_units: int | None = None


class _Result(Wire):
    index: int
    relevance_score: float


class _Answer(Wire):
    results: list[_Result] | None = None
    data: list[_Result] | None = None
    id: str | None = None
    model: str | None = None
    usage: _Usage | None = None
    meta: _Meta | None = None
    error: msgspec.Raw = msgspec.Raw()


_answer = msgspec.json.Decoder(_Answer)
_documents = msgspec.json.Decoder(list[str | _Document])
_number = msgspec.json.Decoder(int)


def check(members: Members) -> None:
    """Raises BadRequest naming the member."""
    kinds.check(members, _KINDS, ("model", "query", "documents"))
    if bytes(members["query"]) == b'""':
        raise BadRequest("query: empty. Send at least one character.", param="query")
    if kinds.empty(members, "documents"):
        raise BadRequest("documents: empty. Send at least one document.", param="documents")
    found = _read_documents(members)
    if len(found) > MOST_DOCUMENTS:
        raise BadRequest(
            f"documents: {len(found)} documents. Send at most {MOST_DOCUMENTS} in one request.",
            param="documents",
        )
    for at, each in enumerate(found):
        if not isinstance(each, str) and each.text is None and each.image is None:
            raise BadRequest(f"documents.{at}: neither `text` nor `image`.", param=f"documents.{at}")
    if not kinds.absent(members, "top_n"):
        _check_top(members["top_n"])


def documents(members: Members) -> int:
    """How many documents a request has that was checked."""
    return len(json.items_of(members["documents"]))


def write(members: Members, target: TargetFacts) -> Members:
    """A document of a text alone goes as that text, which everybody takes. The documents come back from
    nobody: the answer's are the client's own."""
    written = {**members, "model": json.raw(target.model)}
    written.pop("return_documents", None)
    found = _read_documents(members)
    if not all(isinstance(each, str) for each in found):
        written["documents"] = json.raw([_plain(each) for each in found])
    return written


def read(body: bytes, asked: Members, options: ReplyOptions) -> tuple[Facts, bytes]:
    """See `core.contract.Retrieval`."""
    try:
        answer = _answer.decode(body)
    except BROKEN as error:
        raise Malformed(f"no reranking: {error}") from None
    results = answer.data if answer.results is None else answer.results
    if results is None:
        raise openai_errors.in_answer(body)
    usage = _usage(answer)
    facts = Facts(usage=usage, model=answer.model, upstream_id=answer.id)
    shown = options.cost is not None or asked.get("return_documents") == _TRUE
    said: dict[str, Any] = {
        "id": answer.id or options.id,
        "model": answer.model or options.asked,
        "results": _results(results, asked, shown=shown),
    }
    if usage is not None:
        counted = {"total_tokens": usage.total, "search_units": usage.searches}
        said["usage"] = {name: count for name, count in counted.items() if count}
        said["usage"] |= money(usage, None, options)
    if given(answer_meta := json.members_of(body).get("meta", msgspec.Raw())) is not None:
        said["meta"] = answer_meta
    return facts, json.encode(said)


def _results(results: list[_Result], asked: Members, *, shown: bool) -> list[dict[str, Any]]:
    found = _read_documents(asked)
    if any(not 0 <= each.index < len(found) for each in results):
        raise Malformed("it ranked a document that is none of the request's")
    ranked: list[dict[str, Any]] = [
        {"index": each.index, "relevance_score": each.relevance_score} for each in results
    ]
    if shown:
        for each in ranked:
            document = found[each["index"]]
            each["document"] = {"text": document} if isinstance(document, str) else document
    return ranked


def _usage(answer: _Answer) -> Usage | None:
    meta, said = answer.meta or _Meta(), answer.usage or _Usage()
    billed, counted = meta.billed_units or _Billed(), meta.tokens or _Billed()
    tokens = [said.prompt_tokens, said.total_tokens, counted.input_tokens, billed.input_tokens]
    known = next((each for each in tokens if each is not None), None)
    searches = count(billed.search_units or said.search_units)
    if known is None and not searches:
        return None
    return Usage(input=count(known), searches=searches)


def _read_documents(members: Members) -> list[str | _Document]:
    try:
        return _documents.decode(members["documents"])
    except BROKEN:
        raise BadRequest(
            "documents: expected texts, or objects with `text` or `image`.", param="documents"
        ) from None


def _plain(document: str | _Document) -> str | _Document:
    if isinstance(document, str) or document.image is not None or document.text is None:
        return document
    return document.text


def _check_top(raw: msgspec.Raw) -> None:
    try:
        if _number.decode(raw) >= 1:
            return
    except BROKEN:
        pass
    raise BadRequest("top_n: expected a whole number of 1 or more.", param="top_n")
