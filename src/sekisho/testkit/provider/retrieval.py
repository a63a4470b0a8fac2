"""Embeddings and reranking, as providers write them.

Embeddings as in openai-python 3.54; reranking as Jina and vLLM write it, as Cohere's second version does, and
as Voyage does (their API references, 2026-11). A text's vector and a document's score come of its letters, so
that the same text always gets the same.
"""

import base64
import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import blake2b
from typing import Any, NoReturn

import msgspec

from sekisho.core.reply import Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider.errors import openai_error
from sekisho.testkit.provider.format import Asked, Format, Path, Refused, Rules, count
from sekisho.testkit.provider.openai_chat import OPENAI_CHAT

_encode = msgspec.json.Encoder().encode
DIMENSIONS = 8
MOST_INPUTS = 2048
DOCUMENTS_A_SEARCH = 100
_EMBEDDINGS_MEMBERS = {"model", "input", "dimensions", "encoding_format", "user"}
_RERANK_MEMBERS = {"model", "query", "documents", "top_n", "return_documents"}
_COHERE_MEMBERS = {"model", "query", "documents", "top_n", "max_tokens_per_doc", "priority"}
_VOYAGE_MEMBERS = {"model", "query", "documents", "top_k", "return_documents", "truncation"}


def _refuse(message: str, param: str | None = None) -> NoReturn:
    raise Refused(400, openai_error("invalid_request_error", message, param=param))


def _members(body: Any, known: set[str], needed: tuple[str, ...], rules: Rules) -> None:
    for name in needed:
        if body.get(name) in (None, ""):
            _refuse(f"you must provide a {name} parameter", name)
    for name in sorted(body.keys() - known):
        if rules.strict:
            _refuse(f"Unrecognized request argument supplied: {name}")


def vector(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """Numbers that 32 bits hold exactly."""
    said = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=32).digest()
    return [(said[at % 32] - 128) / 128 for at in range(dimensions)]


def score(query: str, document: str) -> float:
    """The share of the query's characters that the document has."""
    return sum(character in document for character in query) / len(query)


# --- embeddings -------------------------------------------------------------------------------------


def _check_embeddings(body: Any, rules: Rules) -> None:
    _members(body, _EMBEDDINGS_MEMBERS, ("model", "input"), rules)
    given = body["input"]
    if given == [] or (isinstance(given, list) and "" in given):
        _refuse("'$.input' is invalid. Please check the API reference.")
    if isinstance(given, list) and len(given) > MOST_INPUTS and not isinstance(given[0], int):
        _refuse(f"'$.input' is too long: {MOST_INPUTS} is the most.")


def _ask_embeddings(body: Any, path: Path) -> Asked:  # noqa: ARG001 - one signature for all formats
    given = body["input"]
    if isinstance(given, str) or isinstance(given[0], int):
        given = [given]
    texts = tuple(each if isinstance(each, str) else _encode(each).decode() for each in given)
    return Asked(model=body["model"], stream=False, prompt="".join(texts), prompts=texts, body=body)


def _write_embeddings(reply: Reply, asked: Asked) -> bytes:
    vectors = [vector(text, asked.body.get("dimensions") or DIMENSIONS) for text in asked.prompts]
    coded = asked.body.get("encoding_format") == "base64"
    data = [
        {"object": "embedding", "index": at, "embedding": _base64(each) if coded else each}
        for at, each in enumerate(vectors)
    ]
    tokens = (reply.usage or Usage()).prompt
    counts = {"prompt_tokens": tokens, "total_tokens": tokens}
    return _encode({"object": "list", "data": data, "model": reply.model, "usage": counts})


def _base64(numbers: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


# --- reranking --------------------------------------------------------------------------------------


def _checking(known: set[str], *, objects: bool = True) -> Callable[[Any, Rules], None]:
    def check(body: Any, rules: Rules) -> None:
        _members(body, known, ("model", "query", "documents"), rules)
        if not objects and not all(isinstance(each, str) for each in body["documents"]):
            _refuse("invalid type: documents must be a list of strings")

    return check


def _ask_rerank(body: Any, path: Path) -> Asked:  # noqa: ARG001 - one signature for all formats
    texts = [each if isinstance(each, str) else each.get("text", "") for each in body["documents"]]
    prompt = body["query"] * len(texts) + "".join(texts)
    return Asked(model=body["model"], stream=False, prompt=prompt, prompts=tuple(texts), body=body)


def _ranked(asked: Asked, top: str) -> list[dict[str, Any]]:
    scores = [score(asked.body["query"], text) for text in asked.prompts]
    order = sorted(range(len(scores)), key=lambda at: -scores[at])[: asked.body.get(top) or len(scores)]
    return [{"index": at, "relevance_score": scores[at]} for at in order]


def _write_rerank(reply: Reply, asked: Asked) -> bytes:
    tokens = (reply.usage or Usage()).prompt
    results = [
        {**each, "document": {"text": asked.prompts[each["index"]]}} for each in _ranked(asked, "top_n")
    ]
    return _encode(
        {"id": reply.id, "model": reply.model, "usage": {"total_tokens": tokens}, "results": results}
    )


def _write_cohere(reply: Reply, asked: Asked) -> bytes:
    units = -(-len(asked.prompts) // DOCUMENTS_A_SEARCH)
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": units}}
    return _encode({"id": reply.id, "results": _ranked(asked, "top_n"), "meta": meta})


def _write_voyage(reply: Reply, asked: Asked) -> bytes:
    counts = {"total_tokens": count(asked.prompt)}
    data = _ranked(asked, "top_k")
    return _encode({"object": "list", "data": data, "model": reply.model, "usage": counts})


def _no_output(usage: Usage) -> Usage:
    return msgspec.structs.replace(usage, output=0, reasoning=0)


OPENAI_EMBEDDINGS = replace(
    OPENAI_CHAT,
    id_form="embd-{run}{number:08d}",
    check=_check_embeddings,
    ask=_ask_embeddings,
    unary=_write_embeddings,
    booked=_no_output,
)
_RERANKS: Mapping[str, tuple[Callable[[Any, Rules], None], Callable[[Reply, Asked], bytes]]] = {
    "jina": (_checking(_RERANK_MEMBERS), _write_rerank),
    "cohere": (_checking(_COHERE_MEMBERS, objects=False), _write_cohere),
    "voyage": (_checking(_VOYAGE_MEMBERS, objects=False), _write_voyage),
}
RERANKS: Mapping[str, Format] = {
    name: replace(
        OPENAI_CHAT,
        id_form="rerank-{run}{number:08d}",
        check=check,
        ask=_ask_rerank,
        unary=write,
        booked=_no_output,
    )
    for name, (check, write) in _RERANKS.items()
}
