"""What a client's request means, and what is said to one that means nothing."""

from typing import Any

import pytest

from sekisho.core.error import BadRequest
from sekisho.core.message import CacheMark, Document, Image, Link, Opaque, PlainText, Text, ToolResult
from sekisho.core.operation import Operation
from sekisho.core.request import ReasoningSettings
from sekisho.dialects.bedrock_converse import DIALECT
from sekisho.wire import json

HI = {"role": "user", "content": [{"text": "Hi"}]}


def read(**members: Any) -> Any:
    return DIALECT.read_request(json.encode({"messages": [HI], **members}))


def said(*blocks: Any, role: str = "user") -> Any:
    return read(messages=[{"role": role, "content": list(blocks)}]).messages[0].parts


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"messages":[]}', "messages"),
        (b"{}", "messages"),
        ({"messages": "Hi"}, "messages"),
        ({"messages": [{"role": "tool", "content": []}]}, "messages.0.role"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": "Hi"}]}, "messages.0.content"),
        ({"messages": [{"role": "user", "content": [{"text": 1}]}]}, "messages.0.content.0.text"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages.0.content.0"),
        ({"messages": [{"role": "user", "content": [{"text": "a", "image": {}}]}]}, "messages.0.content.0"),
        ({"messages": [HI], "inferenceConfig": {"maxTokens": "1"}}, "inferenceConfig.maxTokens"),
        ({"messages": [HI], "toolConfig": {"tools": [{"toolSpec": {}}]}}, "toolConfig.tools.0.toolSpec.name"),
        (
            {"messages": [HI], "toolConfig": {"tools": [], "toolChoice": {"none": {}}}},
            "toolConfig.toolChoice",
        ),
    ],
)
def test_a_wrong_member_is_named(body: Any, param: str | None) -> None:
    with pytest.raises(BadRequest) as caught:
        DIALECT.read_request(body if isinstance(body, bytes) else json.encode(body))
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({"image": {"format": "tiff", "source": {"bytes": "aGk="}}}, "image.format"),
        ({"image": {"format": "png", "source": {"bytes": "not base64!"}}}, "image.source.bytes"),
        ({"image": {"format": "png", "source": {}}}, "image.source.bytes"),
        ({"document": {"format": "exe", "name": "a", "source": {"bytes": "aGk="}}}, "document.format"),
        ({"toolUse": {"toolUseId": "a", "name": "b", "input": [1]}}, "toolUse.input"),
        ({"toolResult": {"toolUseId": "a", "content": [{"text": 1}]}}, "toolResult.content.0.text"),
        ({"cachePoint": {"type": "default", "ttl": "2h"}}, "cachePoint.ttl"),
    ],
)
def test_a_wrong_block_is_named(block: Any, param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        said({"text": "a"}, block)
    assert caught.value.param == f"messages.0.content.1.{param}"


def test_a_cache_point_marks_what_it_follows() -> None:
    point = {"cachePoint": {"type": "default"}}
    request = read(
        system=[{"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}}],
        messages=[{"role": "user", "content": [{"text": "b"}, point, {"text": "c"}]}],
        toolConfig={"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": {}}}}, point]},
    )
    assert request.messages[0].parts == (Text(text="a", cache=CacheMark(ttl="1h")),)
    assert [part.cache for part in request.messages[1].parts] == [CacheMark(), None]
    assert request.tools[0].cache == CacheMark()


def test_results_stand_first_and_json_is_text() -> None:
    parts = said(
        {"text": "go on"},
        {"toolResult": {"toolUseId": "a", "content": [{"json": {"n": 1}}, {"text": "x"}], "status": "error"}},
    )
    result = parts[0]
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.is_error) == ("a", True)
    assert [part.text for part in result.parts if isinstance(part, Text)] == ['{"n":1}', "x"]


def test_content_in_s3_is_a_link_and_a_documents_text_is_plain() -> None:
    parts = said(
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k"}}}},
        {"document": {"name": "a", "source": {"content": [{"text": "one "}, {"text": "two"}]}}},
    )
    assert isinstance(parts[0], Image)
    assert parts[0].source == Link(url="s3://b/k")
    assert isinstance(parts[1], Document)
    assert parts[1].source == PlainText(text="one two")


def test_blocks_that_nobody_else_knows_stay_as_they_came() -> None:
    part = said({"guardContent": {"text": {"text": "Guard me."}}})[0]
    assert isinstance(part, Opaque)
    assert (part.type, bytes(part.raw)) == ("guardContent", b'{"guardContent":{"text":{"text":"Guard me."}}}')


def test_a_guardrail_and_a_prompts_variables_must_not_be_lost() -> None:
    request = read(guardrailConfig={"guardrailIdentifier": "g"}, promptVariables={"a": {"text": "b"}})
    assert set(request.required) == {"guardrailConfig", "promptVariables"}


@pytest.mark.parametrize(
    ("fields", "wish"),
    [
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2048}},
            ReasoningSettings(enabled=True, budget_tokens=2048),
        ),
        (
            {"reasoning_config": {"type": "enabled", "budget_tokens": 1024}},
            ReasoningSettings(enabled=True, budget_tokens=1024),
        ),
        ({"thinking": {"type": "adaptive"}}, ReasoningSettings(enabled=True, adaptive=True)),
        ({"thinking": {"type": "disabled"}}, ReasoningSettings(enabled=False)),
        (
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
            ReasoningSettings(enabled=True, effort="high"),
        ),
        ({"reasoning_effort": "low"}, ReasoningSettings(effort="low")),
        ({"thinking": "a lot"}, None),
        ({"unknown": 1}, None),
    ],
)
def test_models_own_words_for_thinking_are_understood(fields: Any, wish: ReasoningSettings | None) -> None:
    assert read(additionalModelRequestFields=fields).reasoning == wish


def test_models_own_words_for_top_k_are_understood_and_others_kept() -> None:
    assert read(additionalModelRequestFields={"top_k": 5}).sampling.top_k == 5
    request = read(additionalModelRequestFields={"inferenceConfig": {"topK": 7}, "anthropic_beta": ["x"]})
    assert request.sampling.top_k == 7
    kept = request.vendor["bedrock_converse"]["additionalModelRequestFields"]
    assert bytes(kept) == b'{"anthropic_beta":["x"]}'


@pytest.mark.parametrize(
    ("path", "operation", "model", "stream"),
    [
        ("/model/m/converse", Operation.CHAT, "m", False),
        ("/model/us.amazon.nova-pro-v1%3A0/converse-stream", Operation.CHAT, "us.amazon.nova-pro-v1:0", True),
        ("/model/author%2Fslug/converse", Operation.CHAT, "author/slug", False),
        ("/model/author/slug/converse", Operation.CHAT, "author/slug", False),
        ("/model/m/count-tokens", Operation.COUNT_TOKENS, "m", False),
    ],
)
def test_the_path_names_model_and_stream(path: str, operation: Operation, model: str, stream: bool) -> None:
    entry = DIALECT.match_path(path, b"")
    assert entry is not None
    assert (entry.operation, entry.model, entry.stream) == (operation, model, stream)
    assert entry.framing == "eventstream"


@pytest.mark.parametrize("path", ["/model/converse", "/model//converse", "/model/m/invoke", "/models/m"])
def test_other_paths_are_none_of_this_dialects(path: str) -> None:
    assert DIALECT.match_path(path, b"") is None


def test_counting_wraps_the_members_that_make_a_prompt() -> None:
    counting = DIALECT.token_counting
    converse = b'{"messages":[{"role":"user","content":[{"text":"\xe9\x96\xa2"}]}],"system":[{"text":"a"}]}'
    wrapped = counting.wrap(converse[:-1] + b',"inferenceConfig":{"maxTokens":1}}')
    assert wrapped == b'{"input":{"converse":' + converse + b"}}"
    assert counting.unwrap(wrapped) == converse
    assert counting.read(counting.write(7)) == 7
    with pytest.raises(BadRequest, match=r"input\.converse"):
        counting.unwrap(b'{"input":{"invokeModel":{"body":"e30="}}}')
