"""What clients of Google's API send."""

import msgspec
import pytest

from sekisho.core.error import BadRequest
from sekisho.core.message import Document, FileRef, Image, Inline, Link, Text, ToolCall, ToolResult, Video
from sekisho.core.request import FunctionTool, OutputFormat, Request, ToolChoice
from sekisho.dialects.gemini_generate import DIALECT
from sekisho.wire.json import encode

PNG = "iVBORw0KGgo="


def read(**members: object) -> Request:
    members.setdefault("contents", [{"role": "user", "parts": [{"text": "Hi"}]}])
    return DIALECT.read_request(encode(members))


def refusal(body: object) -> BadRequest:
    with pytest.raises(BadRequest) as raised:
        DIALECT.read_request(encode(body))
    return raised.value


def contents(*parts: object, role: str = "user") -> dict[str, object]:
    return {"role": role, "parts": list(parts)}


def test_both_spellings_mean_the_same_and_leave_arguments_and_schemas_alone() -> None:
    tool = {"name": "f", "parameters_json_schema": {"type": "object", "properties": {"snake_case": {}}}}
    snake = read(
        system_instruction={"parts": {"text": "Be brief."}},
        contents=[
            contents({"inline_data": {"mime_type": "image/png", "data": PNG}}),
            contents({"function_call": {"name": "f", "args": {"max_output_tokens": 1}}}, role="model"),
        ],
        tools=[{"function_declarations": [tool]}],
        generation_config={"max_output_tokens": 9, "thinking_config": {"thinking_budget": 5}},
    )
    camel = read(
        systemInstruction={"parts": [{"text": "Be brief."}]},
        contents=[
            contents({"inlineData": {"mimeType": "image/png", "data": PNG}}),
            contents({"functionCall": {"name": "f", "args": {"max_output_tokens": 1}}}, role="model"),
        ],
        tools=[
            {"functionDeclarations": [{"name": "f", "parametersJsonSchema": tool["parameters_json_schema"]}]}
        ],
        generationConfig={"maxOutputTokens": 9, "thinkingConfig": {"thinkingBudget": 5}},
    )
    assert snake == camel
    assert camel.max_tokens == 9
    call = camel.messages[2].parts[0]
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"max_output_tokens":1}'


def test_where_media_come_from_says_what_they_are() -> None:
    google = "https://generativelanguage.googleapis.com/v1beta/files/abc"
    found = read(
        contents=[
            contents(
                {"inlineData": {"mimeType": "image/png", "data": "_-8"}},
                {"fileData": {"fileUri": google, "mimeType": "application/pdf"}},
                {"fileData": {"fileUri": "https://example.com/a.webp?x=1"}},
                {"fileData": {"fileUri": "https://youtu.be/x", "mimeType": "video/mp4"}},
                {"fileData": {"fileUri": "gs://bucket/cat.jpg"}},
            )
        ]
    )
    kinds = [(type(part), getattr(part, "source", None)) for part in found.messages[0].parts]
    assert kinds == [
        (Image, Inline(media_type="image/png", data="/+8=")),
        (Document, FileRef(id=google)),
        (Image, Link(url="https://example.com/a.webp?x=1")),
        (Video, Link(url="https://youtu.be/x")),
        (Image, FileRef(id="gs://bucket/cat.jpg")),
    ]


def test_calls_without_ids_get_their_place_as_one_and_results_find_them_by_name_and_order() -> None:
    call = {"functionCall": {"name": "a", "args": {"n": 1}}}
    other = {"functionCall": {"name": "b"}}
    result = {"functionResponse": {"name": "a", "response": {"result": "x"}}}
    for_other = {"functionResponse": {"name": "b", "response": {"error": "no"}}}
    made_by_model = contents(call, other, call, role="model")
    answers = contents(for_other, {"text": "see"}, result, result)
    found = read(contents=[made_by_model, answers])
    made = [part for part in found.messages[0].parts if isinstance(part, ToolCall)]
    assert [part.id for part in made] == ["call_0_0", "call_0_1", "call_0_2"]
    assert [part.arguments for part in made] == ['{"n":1}', "{}", '{"n":1}']
    answered = [part for part in found.messages[1].parts if isinstance(part, ToolResult)]
    assert [(part.call_id, part.is_error) for part in answered] == [
        ("call_0_1", True),
        ("call_0_0", False),
        ("call_0_2", False),
    ]
    assert isinstance(found.messages[1].parts[-1], Text), "results stand first"


def test_a_schema_in_googles_words_becomes_json_schema() -> None:
    schema = {
        "type": "OBJECT",
        "nullable": True,
        "properties": {
            "type": {"type": "STRING", "enum": ["a"], "nullable": True},
            "list": {"type": "ARRAY", "items": {"type": "INTEGER"}, "maxItems": "3"},
            "either": {"anyOf": [{"type": "NUMBER"}, {"type": "BOOLEAN"}]},
        },
        "propertyOrdering": ["type", "list"],
    }
    found = read(tools=[{"functionDeclarations": [{"name": "f", "parameters": schema}]}])
    tool = found.tools[0]
    assert isinstance(tool, FunctionTool)
    assert tool.schema is not None
    assert msgspec.json.decode(tool.schema) == {
        "type": ["object", "null"],
        "properties": {
            "type": {"type": ["string", "null"], "enum": ["a", None]},
            "list": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
            "either": {"anyOf": [{"type": "number"}, {"type": "boolean"}]},
        },
    }


@pytest.mark.parametrize(
    ("config", "choice", "kept"),
    [
        ({"mode": "AUTO"}, ToolChoice(mode="auto"), False),
        ({"mode": "ANY"}, ToolChoice(mode="required"), False),
        ({"mode": "NONE"}, ToolChoice(mode="none"), False),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice(mode="named", name="f"), False),
        ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, ToolChoice(mode="required"), True),
        ({"mode": "VALIDATED"}, ToolChoice(mode="auto"), True),
        ({}, None, True),
    ],
)
def test_which_functions_may_be_called(
    config: dict[str, object],
    choice: ToolChoice | None,
    kept: bool,
) -> None:
    found = read(toolConfig={"functionCallingConfig": config})
    assert found.tool_choice == choice
    assert ("toolConfig" in (found.vendor or {}).get("gemini_generate", {})) == kept


def test_the_form_of_an_answer_that_only_google_knows_is_content() -> None:
    enum = read(generationConfig={"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING"}})
    assert (enum.output, enum.required) == (None, ("generationConfig",))
    cached = read(cachedContent="cachedContents/1")
    assert cached.required == ("cachedContent",)
    assert read(generationConfig={"responseMimeType": "application/json"}).output == OutputFormat(
        kind="json_object"
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": "Hi"}, "contents"),
        ({"contents": [{"role": "system", "parts": [{"text": "x"}]}]}, "contents.0.role"),
        ({"contents": [contents({"text": 1})]}, "contents.0.parts.0.text"),
        ({"contents": [contents({"functionCall": {"args": {}}})]}, "contents.0.parts.0.functionCall.name"),
        (
            {"contents": [contents({"functionCall": {"name": "f", "args": []}})]},
            "contents.0.parts.0.functionCall.args",
        ),
        (
            {"contents": [contents({"functionResponse": {"name": "f"}})]},
            "contents.0.parts.0.functionResponse.response",
        ),
        (
            {"contents": [contents({"inlineData": {"mimeType": "image/png", "data": "@@"}})]},
            "contents.0.parts.0.inlineData.data",
        ),
        (
            {"contents": [contents("x")], "generationConfig": {"temperature": "hot"}},
            "contents.0.parts.0",
        ),
        (
            {"contents": [contents({"text": "x"})], "generationConfig": {"temperature": "hot"}},
            "generationConfig.temperature",
        ),
        (
            {
                "contents": [contents({"text": "x"})],
                "toolConfig": {"functionCallingConfig": {"mode": "SOME"}},
            },
            "toolConfig.functionCallingConfig.mode",
        ),
    ],
)
def test_a_mistake_is_named_by_its_place(body: object, param: str) -> None:
    error = refusal(body)
    assert error.param == param
    assert param in error.message


def test_a_count_may_hold_a_whole_request() -> None:
    whole = b'{"generateContentRequest":{"model":"models/m","contents":[]}}'
    inner = b'{"model":"models/m","contents":[]}'
    counting = DIALECT.token_counting
    assert counting.unwrap(whole) == inner
    assert counting.wrap(inner) == whole
    assert counting.wrap(counting.unwrap(b'{"contents":[]}')) == b'{"contents":[]}'
    assert counting.read(counting.write(31)) == 31
