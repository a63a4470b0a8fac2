"""Log probabilities: Google's `logprobsResult` <-> OpenAI's shape, which the hub has.

Google's lists what was chosen and, in a second list, what else was likely at each place. Its numbers of
tokens have no like in OpenAI's, whose bytes of a token are those of its text.
"""

from itertools import zip_longest

import msgspec

from sekisho.wire.json import encode


class _Token(msgspec.Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class _Top(msgspec.Struct):
    candidates: list[_Token] = []


class _Result(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] = []
    top_candidates: list[_Top] = []


class _Likely(msgspec.Struct):
    token: str = ""
    logprob: float = 0.0


class _Said(_Likely):
    top_logprobs: list[_Likely] = []


class _Content(msgspec.Struct):
    content: list[_Said] | None = None
    refusal: list[_Said] | None = None


_result = msgspec.json.Decoder(_Result)
_content = msgspec.json.Decoder(_Content)


def read(raw: msgspec.Raw) -> msgspec.Raw:
    """`{"content": [...]}`. Raises msgspec.DecodeError."""
    found = _result.decode(raw)
    content = [
        {**_entry(chosen), "top_logprobs": [_entry(token) for token in top.candidates]}
        for chosen, top in zip_longest(found.chosen_candidates, found.top_candidates, fillvalue=None)
        if isinstance(chosen, _Token)
        for top in [top if isinstance(top, _Top) else _Top()]
    ]
    return msgspec.Raw(encode({"content": content}))


def write(raw: msgspec.Raw) -> dict[str, object] | None:
    """The `logprobsResult`, or None where nothing in it is known."""
    try:
        found = _content.decode(raw)
    except msgspec.DecodeError:
        return None
    said = found.content or found.refusal or []
    if not said:
        return None
    return {
        "topCandidates": [{"candidates": [_token(token) for token in one.top_logprobs]} for one in said],
        "chosenCandidates": [_token(one) for one in said],
    }


def _entry(found: _Token) -> dict[str, object]:
    octets = list(found.token.encode("utf-8", "surrogatepass"))
    return {"token": found.token, "logprob": found.log_probability, "bytes": octets}


def _token(found: _Likely) -> dict[str, object]:
    return {"token": found.token, "logProbability": found.logprob}
