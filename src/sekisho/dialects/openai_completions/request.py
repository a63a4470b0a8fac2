"""A request body, read into the hub's request. `request_write` is the other direction.

A single prompt in words is what a user says to a chat model. Several prompts, token ids, a text to end with
(`suffix`) and an answer that begins with the prompt (`echo`) are another request without their member: they
are `required`, so that only this dialect takes them. `max_tokens` stays as the client says it; the API's own
default of 16 is the provider's to apply, for a thinking model would never get to its answer within it.

Notes in the request's vendor members say how it was spelled: `_prompt_list`, `_top_k` (OpenAI's own API has
none).
"""

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import Message, Text
from sekisho.core.request import Request, Sampling
from sekisho.dialects.openai_completions.schema import WireRequest, vendor_of
from sekisho.wire import json, openai_streaming
from sekisho.wire.shape import BROKEN, Shape, bad_request, missing_member, refuse_bad_text

PROMPT_LIST = "_prompt_list"
TOP_K = "_top_k"

_request = Shape(WireRequest)
_texts = msgspec.json.Decoder(list[str])
_tokens = msgspec.json.Decoder(list[int])
_token_lists = msgspec.json.Decoder(list[list[int]])


def read(body: bytes) -> Request:
    """Raises BadRequest naming the field."""
    try:
        refuse_bad_text(body)
        return _read(body)
    except BROKEN as error:
        raise bad_request(error, "") from None


def _read(body: bytes) -> Request:
    wire = _request.read(body, "")
    if not wire.model:
        raise BadRequest("model: empty. Name a model.", param="model")
    vendor = _request.rest(body)
    messages = _read_prompt(wire.prompt, vendor)
    _read_own(wire, vendor)
    return Request(
        model=wire.model,
        messages=messages,
        max_tokens=wire.max_tokens,
        stop=(wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ()),
        choices=wire.n,
        sampling=_read_sampling(wire, vendor),
        user=wire.user,
        stream=bool(wire.stream),
        include_usage=openai_streaming.read(wire.stream_options, vendor, stream=bool(wire.stream)),
        required=tuple(name for name in ("prompt", "suffix", "echo") if name in vendor),
        vendor=vendor_of(vendor),
    )


def _read_prompt(prompt: str | list[msgspec.Raw] | None, vendor: Members) -> tuple[Message, ...]:
    if prompt is None:
        raise missing_member("prompt")
    if isinstance(prompt, list):
        said = _read_list(prompt)
        if len(said) != 1:
            vendor["prompt"] = json.raw(prompt)
            return ()
        vendor[PROMPT_LIST] = json.raw(value=True)
        prompt = said[0]
    return (Message(role="user", parts=(Text(text=prompt),)),)


def _read_list(prompt: list[msgspec.Raw]) -> list[str]:
    """The prompts that are in words; none where they are tokens. Raises BadRequest for anything else."""
    if not prompt:
        raise BadRequest("prompt: empty. Send at least one prompt.", param="prompt")
    raw, first = json.encode(prompt), bytes(prompt[0])[:1]
    try:
        if first == b"[":
            _token_lists.decode(raw)
        elif first.isdigit():
            _tokens.decode(raw)
        else:
            return _texts.decode(raw)
    except BROKEN as error:
        raise bad_request(error, "prompt") from None
    return []


def _read_own(wire: WireRequest, vendor: Members) -> None:
    """What only this API has, where it says something."""
    if wire.suffix:
        vendor["suffix"] = json.raw(wire.suffix)
    if wire.echo:
        vendor["echo"] = json.raw(value=True)
    if wire.best_of is not None and wire.best_of != (wire.n or 1):
        vendor["best_of"] = json.raw(wire.best_of)


def _read_sampling(wire: WireRequest, vendor: Members) -> Sampling:
    if wire.top_k is not None:
        vendor[TOP_K] = json.raw(value=True)
    return Sampling(
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        seed=wire.seed,
        presence_penalty=wire.presence_penalty,
        frequency_penalty=wire.frequency_penalty,
        logit_bias=None if wire.logit_bias is None else json.raw(wire.logit_bias),
        logprobs=None if wire.logprobs is None else True,
        top_logprobs=wire.logprobs,
    )
