"""What providers of Google's API are sent."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sekisho.core.contract import TargetFacts, Written
from sekisho.core.message import (
    FileRef,
    Image,
    Inline,
    Link,
    Message,
    Part,
    Text,
    ToolCall,
    ToolResult,
)
from sekisho.core.request import CustomTool, ReasoningSettings, Request
from sekisho.dialects.gemini_generate import DIALECT, results
from sekisho.dialects.gemini_generate.parts import SKIP

PICTURE = Image(source=Inline(media_type="image/png", data="aGk="))


def said(*parts: Part, role: Any = "user") -> Message:
    return Message(role=role, parts=parts)


def write(*messages: Message, model: str = "gemini-3-pro-preview", **members: Any) -> tuple[Any, Written]:
    written = DIALECT.write_request(
        Request(model="m", messages=messages or (said(Text(text="Hi")),), **members), TargetFacts(model=model)
    )
    return msgspec.json.decode(written.body), written


def lost(written: Written) -> dict[str, bool]:
    return {loss.field: loss.content for loss in written.losses}


def test_instructions_stand_apart_wherever_they_were_said() -> None:
    body, written = write(
        said(Text(text="Be brief."), role="system"),
        said(Text(text="Hi")),
        said(Text(text="Be kind."), role="developer"),
        said(Text(text="Hello."), role="assistant"),
    )
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    assert [content["role"] for content in body["contents"]] == ["user", "model"]
    assert not written.losses


@pytest.mark.parametrize("role", ["system", "assistant"])
def test_the_user_has_the_first_word(role: str) -> None:
    body, _ = write(said(Text(text="So."), role=role))
    assert body["contents"][0] == {"role": "user", "parts": [{"text": " "}]}


def test_results_of_one_turn_stand_together_and_have_their_functions_names() -> None:
    body, _ = write(
        said(Text(text="Go")),
        said(
            ToolCall(id="1", name="a", arguments="{}"),
            ToolCall(id="2", name="b", arguments=""),
            role="assistant",
        ),
        said(ToolResult(call_id="2", parts=(Text(text='{"ok":true}'),))),
        said(ToolResult(call_id="1", parts=(Text(text="boom"),), is_error=True)),
    )
    assert len(body["contents"]) == 3
    assert [part["functionResponse"] for part in body["contents"][2]["parts"]] == [
        {"id": "2", "name": "b", "response": {"ok": True}},
        {"id": "1", "name": "a", "response": {"error": "boom"}},
    ]


@pytest.mark.parametrize(
    ("model", "inside", "beside"), [("gemini-3-pro-preview", 1, 0), ("gemini-2.5-flash", 0, 1)]
)
def test_a_picture_in_a_result_goes_where_the_model_looks_for_it(
    model: str, inside: int, beside: int
) -> None:
    body, written = write(
        said(Text(text="Go")),
        said(ToolCall(id="1", name="a", arguments="{}"), role="assistant"),
        said(ToolResult(call_id="1", parts=(Text(text="see"), PICTURE))),
        model=model,
    )
    first, *rest = body["contents"][2]["parts"]
    assert len(first["functionResponse"].get("parts", [])) == inside
    assert [part for part in rest if "inlineData" in part] == rest
    assert len(rest) == beside
    assert not written.losses


def test_calls_that_another_model_made_pass_the_check_of_signatures() -> None:
    conversation = (
        said(Text(text="Go")),
        said(
            ToolCall(id="1", name="a", arguments="{}"),
            ToolCall(id="2", name="a", arguments="{}"),
            role="assistant",
        ),
        said(ToolResult(call_id="1", parts=()), ToolResult(call_id="2", parts=())),
        said(ToolCall(id="3", name="a", arguments="{}", signature="c2ln"), role="assistant"),
        said(ToolResult(call_id="3", parts=())),
    )
    body, _ = write(*conversation)
    signatures = [part.get("thoughtSignature") for at in (1, 3) for part in body["contents"][at]["parts"]]
    assert signatures == [SKIP, None, "c2ln"]
    older, _ = write(*conversation, model="gemini-2.5-pro")
    assert "thoughtSignature" not in older["contents"][1]["parts"][0]
    again = DIALECT.read_request(msgspec.json.encode(body)).messages[1].parts[0]
    assert isinstance(again, ToolCall)
    assert again.signature is None, "the stand-in is nobody's signature"


def test_what_no_model_of_googles_takes_is_named() -> None:
    custom = said(ToolCall(id="1", name="c", arguments="free", custom=True), role="assistant")
    _, written = write(
        said(
            Image(source=Link(url="http://example.com/a.png")),
            Image(source=FileRef(id="file-abc"), detail="high"),
        ),
        custom,
        said(ToolResult(call_id="1", parts=(Text(text="x"),))),
        tools=(CustomTool(name="c"),),
        stop=tuple("abcdef"),
        user="u",
        parallel_tool_calls=False,
    )
    assert lost(written) == {
        "messages.0.parts.0": True,
        "messages.0.parts.1": True,
        "messages.0.parts.1.detail": False,
        "messages.1.parts.0": True,
        "messages.2.parts.0": True,
        "tools.0": True,
        "stop": False,
        "user": False,
        "parallel_tool_calls": False,
    }


OLD, BUDGET, PRO, FLASH = "gemini-2.0-flash", "gemini-2.5-flash", "gemini-3-pro-preview", "gemini-3.5-flash"


@pytest.mark.parametrize(
    ("model", "wanted", "config", "losses"),
    [
        (BUDGET, {"effort": "low"}, {"thinkingBudget": 1024, "includeThoughts": True}, []),
        (BUDGET, {"effort": "max"}, {"thinkingBudget": 24576, "includeThoughts": True}, []),
        (BUDGET, {"enabled": False}, {"thinkingBudget": 0}, []),
        (BUDGET, {"enabled": True}, {"thinkingBudget": -1, "includeThoughts": True}, []),
        (
            BUDGET,
            {"enabled": True, "budget_tokens": 31999},
            {"thinkingBudget": 24576, "includeThoughts": True},
            ["reasoning.budget_tokens"],
        ),
        ("gemini-2.5-pro", {"effort": "none"}, {"thinkingBudget": 128}, ["reasoning.enabled"]),
        (PRO, {"effort": "high"}, {"thinkingLevel": "high", "includeThoughts": True}, []),
        (
            PRO,
            {"effort": "medium"},
            {"thinkingLevel": "low", "includeThoughts": True},
            ["reasoning.effort"],
        ),
        (FLASH, {"effort": "minimal"}, {"thinkingLevel": "minimal", "includeThoughts": True}, []),
        (
            FLASH,
            {"effort": "xhigh"},
            {"thinkingLevel": "high", "includeThoughts": True},
            ["reasoning.effort"],
        ),
        (
            FLASH,
            {"enabled": True, "budget_tokens": 9000},
            {"thinkingLevel": "medium", "includeThoughts": True},
            ["reasoning.budget_tokens"],
        ),
        (FLASH, {"enabled": False}, {"thinkingLevel": "minimal"}, ["reasoning.enabled"]),
        (FLASH, {"enabled": True, "adaptive": True}, {"includeThoughts": True}, ["reasoning"]),
        (OLD, {"effort": "high"}, None, ["reasoning"]),
    ],
)
def test_how_much_to_think_is_said_in_the_words_of_the_models_generation(
    model: str, wanted: dict[str, Any], config: dict[str, Any] | None, losses: list[str]
) -> None:
    body, written = write(model=model, reasoning=ReasoningSettings(**wanted))
    assert body.get("generationConfig", {}).get("thinkingConfig") == config
    assert [loss.field for loss in written.losses] == losses


@given(
    st.text()
    | st.recursive(
        st.none() | st.integers(-9, 9) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["output", "error", "result", "x"]), inner, max_size=2)
        ),
        max_leaves=4,
    ).map(lambda value: msgspec.json.encode(value).decode()),
    st.booleans(),
    st.booleans(),
)
def test_what_a_function_gave_back_is_the_same_text_whatever_it_holds(
    text: str,
    failed: bool,
    noted: bool,
) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    response = results.write(text, failed=failed, noted=noted and not failed)
    assert bytes(response).startswith(b"{")
    assert results.read(response)[:2] == (text, failed)
