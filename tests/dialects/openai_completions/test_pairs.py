"""Completions beside dialects that hold conversations: what arrives, and what is refused by its name."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from sekisho.core.contract import Dialect, ReplyOptions, TargetFacts
from sekisho.core.error import BadRequest
from sekisho.core.message import Image, Inline, Message, Text
from sekisho.core.request import OutputFormat, Request, Sampling
from sekisho.dialects import anthropic_messages, openai_chat
from sekisho.dialects.openai_completions import DIALECT
from sekisho.testkit import golden
from sekisho.testkit.laws import conservation, requests
from sekisho.wire.json import encode

ROOT = Path(__file__).parents[2] / "golden"
CASES = golden.cases(ROOT, DIALECT.name)
REFUSED = {
    "several_prompts": ["prompt"],
    "token_ids": ["prompt"],
    "lists_of_token_ids": ["prompt"],
    "suffix": ["suffix"],
    "echo": ["echo"],
}
"""Cases that only this dialect can say, and by what."""
TARGET = TargetFacts(model="m", max_output=64, count_stream_usage=False)
OTHERS = pytest.mark.parametrize(
    "other", [openai_chat.DIALECT, anthropic_messages.DIALECT], ids=lambda dialect: dialect.name
)


def having(file: str) -> list[object]:
    return [pytest.param(case, id=case.name) for case in CASES if getattr(case, file) is not None]


def content(written: Any) -> list[str]:
    return [loss.field for loss in written.losses if loss.content]


@pytest.mark.parametrize("case", having("request"))
def test_a_prompt_becomes_what_a_user_says_or_is_refused(case: golden.Case) -> None:
    assert case.request is not None
    asked = DIALECT.read_request(case.request)
    lost = content(openai_chat.DIALECT.write_request(asked, TARGET))
    assert lost == [f"vendor.openai_completions.{name}" for name in REFUSED.get(case.name, [])]
    if not lost:
        requests.honest(openai_chat.DIALECT, asked)


@OTHERS
@pytest.mark.parametrize("case", having("reply"))
def test_an_answer_says_the_same_in_a_conversation(other: Dialect, case: golden.Case) -> None:
    assert case.reply is not None
    conservation.reply(DIALECT, other, case.reply)


@OTHERS
@pytest.mark.parametrize("case", having("stream"))
def test_a_stream_says_the_same_in_a_conversation(other: Dialect, case: golden.Case) -> None:
    assert case.stream is not None
    conservation.stream(DIALECT, other, case.stream)


def test_a_conversation_is_refused_but_for_what_the_user_says_last() -> None:
    asked = Request(
        model="m",
        messages=(
            Message(role="system", parts=(Text(text="Be brief."),)),
            Message(role="user", parts=(Text(text="Hello"),)),
            Message(role="assistant", parts=(Text(text="Hi"),)),
            Message(
                role="user",
                parts=(
                    Text(text="What is this?"),
                    Image(source=Inline(media_type="image/png", data="aGk=")),
                    Text(text="Say it shortly."),
                ),
            ),
        ),
        output=OutputFormat(kind="json_object"),
        sampling=Sampling(verbosity="low"),
    )
    written = DIALECT.write_request(asked, TARGET)
    lost = ["messages.0", "messages.1", "messages.2", "messages.3.parts.1", "output"]
    assert content(written) == lost
    assert [loss.field for loss in written.losses if not loss.content] == ["sampling.verbosity"]
    assert msgspec.json.decode(written.body)["prompt"] == "What is this?\nSay it shortly."


def test_probabilities_are_said_in_each_others_shape() -> None:
    case = next(case for case in golden.cases(ROOT, "openai_chat") if case.name == "logprobs")
    assert case.reply is not None
    assert case.request is not None
    asked = openai_chat.DIALECT.read_request(case.request)
    assert msgspec.json.decode(DIALECT.write_request(asked, TARGET).body)["logprobs"] == 2
    reply = openai_chat.DIALECT.read_reply(case.reply)
    told = msgspec.json.decode(DIALECT.write_reply(reply, ReplyOptions()))["choices"][0]["logprobs"]
    assert told == {
        "tokens": ["Yes", "。"],
        "token_logprobs": [-0.0032, -0.4121],
        "top_logprobs": [{"Yes": -0.0032, "No": -5.75}, {"。": -0.4121, ".": -1.0871}],
        "text_offset": [0, 3],
    }


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [1, "x"]}, "prompt.1"),
        ({"prompt": ["x", 1]}, "prompt.1"),
        ({"prompt": [[1], ["x"]]}, "prompt.1.0"),
        ({"prompt": {"text": "x"}}, "prompt"),
        ({"prompt": "x", "logprobs": True}, "logprobs"),
        ({"prompt": "x", "stop": 1}, "stop"),
        ({"prompt": "x", "model": ""}, "model"),
    ],
)
def test_a_refusal_names_the_field(members: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as caught:
        DIALECT.read_request(encode({"model": "m", **members}))
    assert caught.value.param == param
    assert caught.value.message.startswith(f"{param}: ")
