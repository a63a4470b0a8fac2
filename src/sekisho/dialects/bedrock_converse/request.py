"""Reading Bedrock's request into the hub. Model and whether to stream stand in the path, not in the body."""

import msgspec

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import CacheMark, Message, Vendor
from sekisho.core.request import OutputFormat, Request
from sekisho.core.turns import results_first
from sekisho.dialects.bedrock_converse import additional, schema, tools
from sekisho.dialects.bedrock_converse.blocks import CACHE_POINT, read_content
from sekisho.dialects.bedrock_converse.schema import vendor_of
from sekisho.wire import json
from sekisho.wire.shape import BROKEN, Shape, bad_request, refuse_bad_text

ADDITIONAL = "additionalModelRequestFields"
REQUIRED = ("guardrailConfig", "promptVariables")
"""A guard must not be lost, nor what is filled into a prompt."""
TURN = "_turn"
"""Instructions that came as a turn of their own (models that take them: 2026-11), not before all turns."""

_request = Shape(schema.RequestIn)
_message = Shape(schema.MessageIn)
_inference = Shape(schema.InferenceIn)
_tool_config = Shape(schema.ToolConfigIn)
_output_config = Shape(schema.OutputIn)


def read(body: bytes) -> Request:
    """The call that a body asks for. Raises BadRequest naming the field in Bedrock's words."""
    try:
        refuse_bad_text(body)
        return _read(body)
    except BROKEN as error:
        raise bad_request(error, "") from None


def _read(body: bytes) -> Request:
    asked, vendor = _request.read_all(body, "")
    if not asked.messages:
        raise BadRequest("messages: empty. Send at least one message.", param="messages")
    fields = additional.read(asked.additional_model_request_fields or {})
    inference = _inference.read_member(asked.inference_config, "inferenceConfig", vendor)
    settings = inference or schema.InferenceIn()
    config = _tool_config.read_member(asked.tool_config, "toolConfig", vendor)
    output = _output_config.read_member(asked.output_config, "outputConfig", vendor)
    if fields.rest:
        vendor[ADDITIONAL] = json.raw(fields.rest)
    return Request(
        model="",
        messages=_messages(asked),
        tools=tools.read(config),
        tool_choice=tools.read_choice(config),
        max_tokens=settings.max_tokens,
        stop=tuple(settings.stop_sequences or ()),
        sampling=msgspec.structs.replace(
            fields.sampling, temperature=settings.temperature, top_p=settings.top_p
        ),
        output=_output(output),
        reasoning=fields.with_effort(output.effort if output else None),
        service_tier=asked.service_tier.type if asked.service_tier else None,
        include_usage=True,  # streams of this dialect always end with it
        required=tuple(name for name in REQUIRED if name in vendor),
        vendor=vendor_of(vendor, fields.notes),
    )


def _messages(asked: schema.RequestIn) -> tuple[Message, ...]:
    messages = tuple(_read_message(raw, f"messages.{index}") for index, raw in enumerate(asked.messages))
    if not asked.system:
        return messages
    parts, leading = read_content(asked.system, "system")
    return (Message(role="system", parts=parts, vendor=_marked(leading, {})), *messages)


def _read_message(raw: msgspec.Raw, path: str) -> Message:
    wire, rest = _message.read_all(raw, path)
    parts, leading = read_content(wire.content, f"{path}.content")
    if wire.role == "system":
        rest[TURN] = msgspec.Raw(b"true")
    return Message(role=wire.role, parts=results_first(parts), vendor=_marked(leading, rest))


def _marked(leading: CacheMark | None, rest: Members) -> Vendor | None:
    """A point before all of a turn marks what came before that turn."""
    if leading is not None:
        rest[CACHE_POINT] = json.raw(
            {"type": "default"} if leading.ttl is None else {"type": "default", "ttl": leading.ttl}
        )
    return vendor_of(rest)


def _output(config: schema.OutputIn | None) -> OutputFormat | None:
    if config is None or config.text_format is None:
        return None
    wanted = config.text_format.structure.json_schema
    try:
        msgspec.json.decode(wanted.schema.encode(), type=msgspec.Raw)
    except BROKEN as error:
        raise bad_request(error, "outputConfig.textFormat.structure.jsonSchema.schema") from None
    return OutputFormat(
        kind="json_schema",
        name=wanted.name,
        description=wanted.description,
        schema=msgspec.Raw(wanted.schema.encode()),
    )
