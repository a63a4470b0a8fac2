"""A request body, read into the hub's request. `request_write` is the other direction.

The path names the model and says whether to stream, so that both are left to who knows it.
"""

from sekisho.core.contract import Members
from sekisho.core.error import BadRequest
from sekisho.core.message import Message
from sekisho.core.request import OutputFormat, ReasoningSettings, Request, Sampling
from sekisho.dialects.gemini_generate import contents, json_schema, schema, spelling, thinking, tools
from sekisho.dialects.gemini_generate.schema import vendor_of
from sekisho.wire.json import members_of, raw
from sekisho.wire.shape import BROKEN, bad_request, given, refuse_bad_text

CONFIG = "generationConfig"
SCHEMA = "_response_schema"
"""Note: the schema of the answer in Google's own form, as it came."""
CACHED = "cachedContent"
TIERS = {"standard": "default"}
"""Google's word for a service tier -> OpenAI's, where they differ."""
_JSON = "application/json"
_FORMS = frozenset(("responseMimeType", "responseModalities", "responseFormat"))
"""Members of `generationConfig` that the answer's form depends on: to lose one is to lose content."""


def read(body: bytes) -> Request:
    """Raises BadRequest naming the field in Google's words (`contents.2.parts.0.text`)."""
    try:
        refuse_bad_text(body)
        return _read(spelling.camel(body))
    except BROKEN as error:
        raise bad_request(error, "") from None


def _read(body: bytes) -> Request:
    wire, vendor = schema.request.read_all(body, "")
    messages = contents.read(wire.contents)
    if not messages:
        raise BadRequest("contents: missing or empty. Send at least one content.", param="contents")
    config = schema.GenerationConfig()
    reasoning: ReasoningSettings | None = None
    output: OutputFormat | None = None
    if given(wire.generation_config) is not None:
        config, rest = schema.generation_config.read_all(wire.generation_config, CONFIG)
        if given(config.thinking_config) is not None:
            reasoning = thinking.read(config.thinking_config, f"{CONFIG}.thinkingConfig", vendor)
        output = _output(config, rest, vendor)
        if rest:
            vendor[CONFIG] = raw(rest)
    choice = None
    if given(wire.tool_config) is not None:
        choice = tools.read_choice(wire.tool_config, vendor)
    return Request(
        model="",
        messages=(*_instruction(wire), *messages),
        tools=tools.read(wire.tools),
        tool_choice=choice,
        max_tokens=config.max_output_tokens,
        stop=tuple(config.stop_sequences or ()),
        choices=config.candidate_count,
        sampling=_sampling(config),
        output=output,
        reasoning=reasoning,
        service_tier=_tier(wire.service_tier),
        include_usage=True,  # Google's streams always show it
        required=_required(vendor),
        vendor=vendor_of(vendor),
    )


def _instruction(wire: schema.Request) -> tuple[Message, ...]:
    if given(wire.system_instruction) is None:
        return ()
    message = contents.read_instruction(wire.system_instruction)
    return (message,) if message.parts else ()


def _tier(word: str | None) -> str | None:
    tier = (word or "").lower().removeprefix("service_tier_")
    return None if tier in ("", "unspecified") else TIERS.get(tier, tier)


def _sampling(config: schema.GenerationConfig) -> Sampling:
    return Sampling(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=None if config.top_k is None else round(config.top_k),
        seed=config.seed,
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        logprobs=config.response_logprobs,
        top_logprobs=config.logprobs,
    )


def _output(config: schema.GenerationConfig, rest: Members, vendor: Members) -> OutputFormat | None:
    """The form of the answer. Other forms than JSON and text are only Google's, and go into `rest`."""
    plain, openapi = given(config.response_json_schema), given(config.response_schema)
    kind = config.response_mime_type
    if kind == _JSON:
        if plain is not None:
            return OutputFormat(kind="json_schema", schema=plain)
        if openapi is not None:
            vendor[SCHEMA] = openapi
            return OutputFormat(kind="json_schema", schema=json_schema.from_openapi(openapi))
        return OutputFormat(kind="json_object")
    if kind == "text/plain" and plain is None and openapi is None:
        return OutputFormat(kind="text")
    for name, value in (("responseJsonSchema", plain), ("responseSchema", openapi)):
        if value is not None:
            rest[name] = value
    if kind is not None:
        rest["responseMimeType"] = raw(kind)
    return None


def _required(vendor: Members) -> tuple[str, ...]:
    """Without the content that was cached, or in another form than asked for, it would be another request."""
    named = [CACHED] if CACHED in vendor else []
    config = vendor.get(CONFIG)
    if config is not None and _FORMS & members_of(config).keys():
        named.append(CONFIG)
    return tuple(named)
