"""Log probabilities: parallel lists here, a list of tokens in Chat Completions' shape in the hub.

Where a token begins (`text_offset`) has no place in the hub's shape, and stays in it as a member that
others ignore; without it the place is counted from the answer's beginning.
"""

import msgspec

from sekisho.dialects.openai_completions.schema import WireLogprobs
from sekisho.wire import json
from sekisho.wire.shape import Wire

_NULL = msgspec.Raw(b"null")


class _Likely(Wire):
    token: str = ""
    logprob: msgspec.Raw = _NULL


class _Token(Wire):
    token: str = ""
    logprob: msgspec.Raw = _NULL
    top_logprobs: list[_Likely] | None = None
    text_offset: int | None = None


class _Tokens(Wire):
    content: list[_Token] | None = None


_tokens = msgspec.json.Decoder(_Tokens)


def read(wire: WireLogprobs | None) -> msgspec.Raw | None:
    """The hub's log probabilities: `{"content": [{"token", "logprob", "top_logprobs", "text_offset"}]}`."""
    if wire is None or wire.tokens is None:
        return None
    return json.raw({"content": [_token(wire, at) for at in range(len(wire.tokens))]})


def _token(wire: WireLogprobs, at: int) -> dict[str, object]:
    tokens, chosen, likely, offsets = wire.tokens, wire.token_logprobs, wire.top_logprobs, wire.text_offset
    found: dict[str, object] = {
        "token": tokens[at] if tokens else "",
        "logprob": chosen[at] if chosen and at < len(chosen) else _NULL,
    }
    top = likely[at] if likely and at < len(likely) else None
    found["top_logprobs"] = [{"token": token, "logprob": value} for token, value in (top or {}).items()]
    if offsets and at < len(offsets):
        found["text_offset"] = offsets[at]
    return found


def write(raw: msgspec.Raw, begin: int) -> tuple[dict[str, object] | None, int]:
    """(`logprobs` of a choice, where the next token begins), the first token beginning at `begin`. None where
    they are in no known shape."""
    try:
        found = _tokens.decode(raw).content
    except msgspec.ValidationError:
        return None, begin
    if found is None:
        return None, begin
    offsets: list[int] = []
    for token in found:
        begin = begin if token.text_offset is None else token.text_offset
        offsets.append(begin)
        begin += len(token.token)
    likely = [{top.token: top.logprob for top in token.top_logprobs or ()} for token in found]
    return {
        "tokens": [token.token for token in found],
        "token_logprobs": [token.logprob for token in found],
        "top_logprobs": likely if any(likely) else None,
        "text_offset": offsets,
    }, begin
