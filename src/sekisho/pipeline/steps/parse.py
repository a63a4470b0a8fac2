"""Reads the little that routing needs: model and stream. The rest of the body stays bytes."""

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.exchange import Exchange
from sekisho.core.operation import RETRIEVAL, Operation
from sekisho.core.preset import MARK
from sekisho.wire import json

MODEL_LIMIT = 512
"""Characters. Longer names are refused before they reach a lookup, a log or an error."""

_text = msgspec.json.Decoder(str)


def parse(exchange: Exchange) -> None:
    """Fills members, model and stream. Raises BadRequest naming the field."""
    entry = exchange.entry
    if entry.operation is Operation.COUNT_TOKENS:
        exchange.body = exchange.dialect.token_counting.unwrap(exchange.body)
    members = exchange.members = json.members(exchange.body)
    if "model" not in members and exchange.show_money:
        _name_one(members)
    model = _model(members) if entry.model is None else entry.model
    if not model or len(model) > MODEL_LIMIT:
        raise BadRequest(f"`model` must have 1 to {MODEL_LIMIT} characters", param="model")
    exchange.model = model
    if entry.operation is Operation.CHAT:
        if entry.stream is not None:
            exchange.stream = entry.stream
        elif "stream" in members:
            exchange.stream = _stream(bytes(members["stream"]))
    elif entry.operation in RETRIEVAL:
        exchange.dialect.retrieval[entry.operation].check(members)
        return
    exchange.dialect.check_members(members)


def _name_one(members: Members) -> None:
    """OpenRouter's clients may name a list of models and no other, or a preset."""
    if "models" in members:
        try:
            members["model"] = json.items_of(members["models"])[0]
        except (msgspec.DecodeError, UnicodeDecodeError, IndexError):
            raise BadRequest("`models` must be a list of names", param="models") from None
    elif "preset" in members:
        members["model"] = json.raw(MARK + _named(members["preset"], "preset"))


def _stream(stream: bytes) -> bool:
    if stream not in (b"true", b"false", b"null"):
        raise BadRequest("`stream` must be true or false", param="stream")
    return stream == b"true"


def _model(members: Members) -> str:
    if "model" not in members:
        raise BadRequest("`model` is missing: name one of GET /v1/models", param="model")
    return _named(members["model"], "model")


def _named(raw: msgspec.Raw, member: str) -> str:
    try:
        return _text.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BadRequest(f"`{member}` must be a string", param=member) from None
