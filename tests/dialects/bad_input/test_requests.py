"""What clients get wrong: results of no call, content that is not base64 or of a type that nobody takes,
words that no enum has, text that is not UTF-8."""

from typing import Any

import pytest
from tests.dialects.bad_input.shapes import CONVERSING, asking, conversing, each, image, orphan, text

from sekisho.core.contract import Dialect
from sekisho.core.error import BadRequest
from sekisho.core.message import Image, Inline, Message, ToolResult
from sekisho.core.request import Request
from sekisho.testkit.laws import conservation, requests
from sekisho.wire.json import decode, encode

PNG = "iVBORw0KGgo="
pairs = pytest.mark.parametrize("target", CONVERSING, ids=lambda dialect: dialect.name)


def refusal(dialect: Dialect, body: bytes) -> BadRequest:
    with pytest.raises(BadRequest) as raised:
        dialect.read_request(body)
    return raised.value


@conversing
@pairs
def test_a_result_of_no_call_arrives_or_is_named(dialect: Dialect, target: Dialect) -> None:
    asked = requests.read(dialect, orphan(dialect))
    assert isinstance(asked.messages[0].parts[0], ToolResult)
    conservation.request(dialect, target, orphan(dialect))


@conversing
@pytest.mark.parametrize(
    "data", ["", "iVBORw0KGgo", "iVBO Rw0KGgo=", "iVBOR!0KGgo=", "iVBORw0KGgo=\n", "関所"]
)
def test_broken_base64_is_named_by_its_field(dialect: Dialect, data: str) -> None:
    if dialect.name == "gemini_generate" and data == "iVBORw0KGgo":
        pytest.skip("Google takes base64 without padding")
    error = refusal(dialect, asking(dialect, text(dialect, "Look:"), image(dialect, "image/png", data)))
    assert error.param is not None
    assert ".1" in error.param
    assert error.param in error.message


@conversing
@pairs
@pytest.mark.parametrize("media_type", ["image/tiff", "image/x-icon", "image/svg+xml"])
def test_an_image_of_a_type_that_not_all_take_arrives_or_is_named(
    dialect: Dialect, target: Dialect, media_type: str
) -> None:
    body = asking(dialect, text(dialect, "Look:"), image(dialect, media_type, PNG))
    try:
        requests.read(dialect, body)
    except BadRequest as error:
        assert error.param is not None  # noqa: PT017 - not to take it is as good
        return
    conservation.request(dialect, target, body)


@pairs
def test_an_image_of_a_type_that_a_provider_lacks_is_content_or_goes_as_it_is(target: Dialect) -> None:
    tiff = Image(source=Inline(media_type="image/tiff", data=PNG))
    asked = Request(model="m", messages=(Message(role="user", parts=(tiff,)),))
    losses = requests.write(target, asked).losses
    takes_any = target.name in ("openai_chat", "openai_responses", "gemini_generate")
    assert [loss.field for loss in losses if loss.content] == ([] if takes_any else ["messages.0.parts.0"])


ROLES = {
    "openai_chat": "messages",
    "openai_responses": "input",
    "anthropic_messages": "messages",
    "gemini_generate": "contents",
    "bedrock_converse": "messages",
}


@conversing
def test_an_unknown_role_is_named(dialect: Dialect) -> None:
    member = ROLES[dialect.name]
    body = decode(asking(dialect, text(dialect, "x")))
    body[member][0]["role"] = "king"
    assert refusal(dialect, encode(body)).param == f"{member}.0.role"


UNKNOWN_WORDS: dict[str, tuple[dict[str, Any], ...]] = {
    "openai_chat": (
        {"reasoning_effort": "heroic"},
        {"service_tier": "imperial"},
        {"verbosity": "epic"},
        {"tool_choice": "perhaps"},
        {"response_format": {"type": "poem"}},
        {"tools": [{"type": "oracle"}]},
    ),
    "openai_responses": (
        {"reasoning": {"effort": "heroic", "summary": "long"}},
        {"service_tier": "imperial"},
        {"text": {"verbosity": "epic", "format": {"type": "poem"}}},
        {"tool_choice": "perhaps"},
        {"truncation": "some"},
        {"tools": [{"type": "oracle"}]},
    ),
    "anthropic_messages": (
        {"thinking": {"type": "heroic"}},
        {"service_tier": "imperial"},
        {"output_config": {"effort": "epic"}},
        {"tool_choice": {"type": "perhaps"}},
        {"cache_control": {"type": "eternal"}},
        {"tools": [{"type": "oracle_20261101", "name": "oracle"}]},
    ),
    "gemini_generate": (
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HEROIC"}}},
        {"serviceTier": "imperial"},
        {"generationConfig": {"responseMimeType": "text/poem"}},
        {"toolConfig": {"functionCallingConfig": {"mode": "PERHAPS"}}},
        {"safetySettings": [{"category": "HARM_CATEGORY_NEW", "threshold": "BLOCK_SOME"}]},
        {"tools": [{"oracle": {}}]},
    ),
    "bedrock_converse": (
        {"serviceTier": {"type": "imperial"}},
        {"performanceConfig": {"latency": "negative"}},
        {"toolConfig": {"tools": [], "toolChoice": {"perhaps": {}}}},
        {"toolConfig": {"tools": [{"oracle": {}}]}},
        {"outputConfig": {"textFormat": {"type": "poem"}}},
        {"system": [{"cachePoint": {"type": "eternal"}}]},
    ),
}


@conversing
@pairs
def test_an_unknown_word_is_refused_or_arrives_or_is_named(dialect: Dialect, target: Dialect) -> None:
    for members in UNKNOWN_WORDS[dialect.name]:
        body = encode({**decode(asking(dialect, text(dialect, "x"))), **members})
        try:
            asked = requests.read(dialect, body)
        except BadRequest as error:
            assert error.message  # noqa: PT017 - to know it as unknown is as good
            continue
        requests.honest(target, asked)


@each
@pytest.mark.parametrize("broken", [b"\xff", b"\xed\xa0\x80", b"\xe9\x96", b"\xc0\xaf"])
def test_text_that_is_not_utf_8_is_the_clients_mistake(dialect: Dialect, broken: bytes) -> None:
    body = asking(dialect, text(dialect, "x")).replace(b'"x"', b'"x' + broken + b'"')
    assert broken in body
    refusal(dialect, body)
