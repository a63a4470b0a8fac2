"""A request body, read into the hub's request. `request_write` is the other direction.

Notes in the request's vendor members: `_quiet` holds the members that say no more than a default that other
APIs share (`store: false`), and is there in every request of this dialect; `_user` says that the end user was
named by `safety_identifier`.
"""

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.request import OutputFormat, ReasoningSettings, Request, Sampling
from sekisho.dialects.openai_responses import conversation, tools
from sekisho.dialects.openai_responses.schema import (
    WireFormat,
    WireReasoningSettings,
    WireRequest,
    WireTextSettings,
)
from sekisho.dialects.openai_responses.shape import vendor_of
from sekisho.wire import json
from sekisho.wire.shape import BROKEN, Shape, bad_request, given, missing_member, refuse_bad_text

QUIET = "_quiet"
USER = "_user"
LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"

STATE = ("previous_response_id", "conversation", "prompt")
"""Members that name what the provider keeps, and that may stand for `input`."""

_request = Shape(WireRequest)
_text = Shape(WireTextSettings)
_format = Shape(WireFormat)
_reasoning = Shape(WireReasoningSettings)


def read(body: bytes) -> Request:
    """Raises BadRequest naming the field in OpenAI's words (`input.2.content.0.type`)."""
    try:
        refuse_bad_text(body)
        return _read(body)
    except BROKEN as error:
        raise bad_request(error, "") from None


def _read(body: bytes) -> Request:
    wire, vendor = _request.read_all(body, "")
    if wire.model is None:
        raise missing_member("model")
    if not wire.model:
        raise BadRequest("model: empty. Name a model.", param="model")
    required = [name for name in STATE if name in vendor]
    if not required and wire.input is None:
        raise missing_member("input")
    if not required and wire.input == []:
        raise BadRequest("input: empty. Send at least one item.", param="input")
    sampling, output = _read_sampling(wire), _read_text(wire, vendor, required)
    _read_quiet(wire, vendor, required)
    return Request(
        model=wire.model,
        messages=conversation.read(wire.instructions, wire.input if wire.input is not None else []),
        tools=tools.read(wire.tools or ()),
        tool_choice=tools.read_choice(wire.tool_choice, vendor),
        parallel_tool_calls=wire.parallel_tool_calls,
        max_tokens=wire.max_output_tokens,
        sampling=sampling if output[1] is None else msgspec.structs.replace(sampling, verbosity=output[1]),
        output=output[0],
        reasoning=_read_reasoning(wire.reasoning, vendor),
        service_tier=wire.service_tier,
        user=_read_user(wire, vendor),
        metadata=json.raw(wire.metadata) if wire.metadata else None,
        cache_key=wire.prompt_cache_key,
        stream=bool(wire.stream),
        include_usage=bool(wire.stream),
        required=tuple(required),
        vendor=vendor_of(vendor),
    )


def _read_sampling(wire: WireRequest) -> Sampling:
    return Sampling(
        temperature=wire.temperature,
        top_p=wire.top_p,
        logprobs=True if LOGPROBS in (wire.include or ()) else None,
        top_logprobs=wire.top_logprobs,
    )


def _read_text(
    wire: WireRequest, vendor: Members, required: list[str]
) -> tuple[OutputFormat | None, str | None]:
    """(format, verbosity) of the member `text`."""
    if given(wire.text) is None:
        return None, None
    text, rest = _text.read_all(wire.text, "text")
    output = None
    if given(text.format) is not None:
        output = _read_format(text.format)
        if output is None:  # a shape that only this dialect can ask for
            rest["format"] = text.format
            required.append("text")
    if rest:
        vendor["text"] = json.raw(rest)
    return output, text.verbosity


def _read_format(raw: msgspec.Raw) -> OutputFormat | None:
    wire = _format.read(raw, "text.format")
    if wire.type == "text":
        return OutputFormat(kind="text")
    if wire.type == "json_object":
        return OutputFormat(kind="json_object")
    if wire.type != "json_schema":
        return None
    return OutputFormat(
        kind="json_schema",
        name=wire.name,
        description=wire.description,
        schema=given(wire.schema) or msgspec.Raw(b"{}"),
        strict=wire.strict,
    )


def _read_reasoning(raw: msgspec.Raw, vendor: Members) -> ReasoningSettings | None:
    if given(raw) is None:
        return None
    wire, rest = _reasoning.read_all(raw, "reasoning")
    if rest:
        vendor["reasoning"] = json.raw(rest)
    return reasoning_settings(wire)


def reasoning_settings(wire: WireReasoningSettings) -> ReasoningSettings | None:
    if wire == WireReasoningSettings():
        return None
    enabled = False if wire.effort == "none" else wire.enabled
    return ReasoningSettings(effort=wire.effort, enabled=enabled, budget_tokens=wire.max_tokens)


def _read_user(wire: WireRequest, vendor: Members) -> str | None:
    """The end user; `safety_identifier` replaces `user`, and where both are given they may differ."""
    if wire.safety_identifier is None:
        return wire.user
    if wire.user is not None:
        vendor["safety_identifier"] = json.raw(wire.safety_identifier)
        return wire.user
    vendor[USER] = json.raw("safety_identifier")
    return wire.safety_identifier


def _read_quiet(wire: WireRequest, vendor: Members, required: list[str]) -> None:
    """Members that either change the call or say no more than a default."""
    quiet: Members = {}
    for name, switch in (("store", wire.store), ("background", wire.background)):
        if switch:
            vendor[name] = json.raw(value=True)
            required.append(name)
        elif switch is not None:
            quiet[name] = json.raw(value=False)
    if wire.truncation is not None:
        kept = quiet if wire.truncation == "disabled" else vendor
        kept["truncation"] = json.raw(wire.truncation)
    options = given(wire.stream_options)
    if options is not None and wire.stream:  # without a stream OpenAI refuses them
        quiet["stream_options"] = options
    if wire.include:
        known = all(name in (LOGPROBS, ENCRYPTED) for name in wire.include)
        (quiet if known else vendor)["include"] = json.raw(wire.include)
    vendor[QUIET] = json.raw(quiet)
