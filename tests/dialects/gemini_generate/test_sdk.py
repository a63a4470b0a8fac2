"""What is written is what Google's own SDK takes: its types refuse whatever they do not know."""

from pathlib import Path

import msgspec
import pytest
from google.genai import types

from sekisho.core.contract import Dialect, TargetFacts
from sekisho.dialects import anthropic_messages, gemini_generate, openai_chat
from sekisho.testkit import golden
from sekisho.testkit.laws import replies, requests, streams
from sekisho.wire.sse import FrameDecoder

ROOT = Path(__file__).parents[2] / "golden"
GEMINI = gemini_generate.DIALECT
SOURCES = (openai_chat.DIALECT, anthropic_messages.DIALECT, GEMINI)
MODELS = ("gemini-3-pro-preview", "gemini-2.5-flash", "gemini-2.0-flash")


def cases(file: str) -> list[object]:
    return [
        pytest.param(dialect, data, id=f"{dialect.name}-{case.name}")
        for dialect in SOURCES
        for case in golden.cases(ROOT, dialect.name)
        if (data := getattr(case, file)) is not None and case.name != "unknown_members"
    ]


@pytest.mark.parametrize(("dialect", "body"), cases("reply"))
def test_the_sdk_takes_every_answer(dialect: Dialect, body: bytes) -> None:
    written = GEMINI.write_reply(dialect.read_reply(body), replies.AS_IT_CAME)
    types.GenerateContentResponse.model_validate_json(written)


@pytest.mark.parametrize(("dialect", "data"), cases("stream"))
def test_the_sdk_takes_every_event(dialect: Dialect, data: bytes) -> None:
    written = streams.write(GEMINI, streams.read(dialect, [data]))
    for frame in FrameDecoder().feed(written):
        types.GenerateContentResponse.model_validate_json(frame.data)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("dialect", "body"), cases("request"))
def test_the_sdk_could_have_sent_every_request(dialect: Dialect, body: bytes, model: str) -> None:
    request = requests.read(dialect, body)
    sent = msgspec.json.decode(GEMINI.write_request(request, TargetFacts(model=model)).body)
    for content in sent["contents"]:
        assert content["parts"], "Google refuses empty contents"
        types.Content.model_validate(content)
    types.Content.model_validate(sent.get("systemInstruction", {}))
    types.GenerateContentConfig.model_validate(sent.get("generationConfig", {}))
    types.ToolConfig.model_validate(sent.get("toolConfig", {}))
    for tool in sent.get("tools", []):
        types.Tool.model_validate(tool)
