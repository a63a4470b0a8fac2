"""Embeddings in OpenAI's API (https://platform.openai.com/docs/api-reference/embeddings, 2026-11), in which
everybody asks for them.

Requests and answers pass through as they came, but for the model's name and, where it is shown, the cost.
"""

import msgspec

from sekisho.core.contract import Facts, Members, ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest, Malformed
from sekisho.core.usage import Usage
from sekisho.wire import json, kinds, openai_errors, openai_usage
from sekisho.wire.shape import BROKEN, Wire

MOST_INPUTS = 2_048
"""Of one request: OpenAI's bound. Some providers take fewer, and say so."""
_KINDS = {
    "model": kinds.STRING,
    "input": kinds.TEXTS,
    "dimensions": kinds.NUMBER,
    "encoding_format": kinds.STRING,
    "user": kinds.STRING,
}
Input = str | int | list[int] | dict[str, msgspec.Raw]
"""A text, a token of the only input, an input in tokens, an object of several media."""


class WireUsage(Wire):
    prompt_tokens: int | None = None
    total_tokens: int | None = None


class _Answer(Wire):
    data: list[msgspec.Raw] | None = None
    id: str | None = None
    model: str | None = None
    usage: WireUsage | None = None
    error: msgspec.Raw = msgspec.Raw()


_answer = msgspec.json.Decoder(_Answer)
_input: msgspec.json.Decoder[str | list[Input]] = msgspec.json.Decoder(str | list[Input])


def check(members: Members) -> None:
    """Raises BadRequest naming the member."""
    kinds.check(members, _KINDS, ("model", "input"))
    inputs = read_input(members)
    if len(inputs) > MOST_INPUTS:
        raise BadRequest(
            f"input: {len(inputs)} inputs. Send at most {MOST_INPUTS} in one request.", param="input"
        )
    for at, each in enumerate(inputs):
        if each in ("", [], {}):
            where = f"input.{at}" if bytes(members["input"]).startswith(b"[") else "input"
            raise BadRequest(f"{where}: empty. Send at least one character or token.", param=where)


def read_input(members: Members) -> list[Input]:
    """Each input; one in tokens alone is one. Raises BadRequest."""
    try:
        given = _input.decode(members["input"])
    except BROKEN:
        raise _unknown() from None
    if isinstance(given, str):
        return [given]
    if not given:
        raise BadRequest("input: empty. Send at least one input.", param="input")
    found = {type(each) for each in given}
    if len(found) > 1:
        raise _unknown()
    if found == {int}:
        return [[each for each in given if isinstance(each, int)]]
    return given


def write(members: Members, target: TargetFacts) -> Members:
    return {**members, "model": json.raw(target.model)}


def read(body: bytes, asked: Members, options: ReplyOptions) -> tuple[Facts, bytes]:
    """See `core.contract.Retrieval`."""
    try:
        answer = _answer.decode(body)
    except BROKEN as error:
        raise Malformed(f"no embeddings: {error}") from None
    if answer.data is None:
        raise openai_errors.in_answer(body)
    wanted = len(read_input(asked))
    if len(answer.data) != wanted:
        raise Malformed(f"{len(answer.data)} embeddings came for {wanted} inputs")
    facts = Facts(usage=_usage(answer.usage), model=answer.model, upstream_id=answer.id)
    if facts.usage is None or options.cost is None:
        return facts, body
    said = json.members_of(body)
    said["usage"] = json.raw(openai_usage.with_money(said["usage"], facts.usage, None, options))
    return facts, json.encode(said)


def _usage(said: WireUsage | None) -> Usage | None:
    if said is None:
        return None
    tokens = said.prompt_tokens if said.prompt_tokens is not None else said.total_tokens
    return None if tokens is None else Usage(input=openai_usage.within(tokens))


def _unknown() -> BadRequest:
    return BadRequest(
        "input: expected a text, or a list of texts, of tokens, of lists of tokens or of objects, all of one "
        "kind.",
        param="input",
    )
