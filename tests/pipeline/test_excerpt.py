"""What a scorer is shown of a request, in every dialect."""

import json as standard
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from tests.routing.test_scorer import JUDGE

from sekisho.core.tier import Sample
from sekisho.pipeline.excerpt import LONGEST, sample
from sekisho.wire import json

ASKED = (
    "関所はどこにありましたか。地図も見せてください。江戸時代のものを希望します。よろしくお願い申し上げます。"
)
PICTURE = "iVBORw0KGgo="


def seen(**body: Any) -> Sample:
    encoded = json.encode(body)
    return sample(encoded, json.members(encoded))


CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Yes?"},
]
SHAPES: dict[str, dict[str, Any]] = {
    "chat": {"messages": [*CHAT, {"role": "user", "content": ASKED}]},
    "chat, parts": {"messages": [*CHAT, {"role": "user", "content": [{"type": "text", "text": ASKED}]}]},
    "messages": {
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [*CHAT[1:], {"role": "user", "content": [{"type": "text", "text": ASKED}]}],
    },
    "responses": {
        "instructions": "Be brief.",
        "input": [*CHAT[1:], {"role": "user", "content": [{"type": "input_text", "text": ASKED}]}],
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hello"}]},
            {"role": "model", "parts": [{"text": "Yes?"}]},
            {"role": "user", "parts": [{"text": ASKED}]},
        ],
    },
    "converse": {
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "Hello"}]},
            {"role": "assistant", "content": [{"text": "Yes?"}]},
            {"role": "user", "content": [{"text": ASKED}]},
        ],
    },
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_last_words_of_the_user_are_found(shape: str) -> None:
    found = seen(**SHAPES[shape])
    assert (found.text, found.system, found.images) == (ASKED, "Be brief.", False)
    assert found.turns >= 2


@pytest.mark.parametrize(
    "body",
    [{"prompt": ASKED}, {"input": ASKED}, {"prompt": [ASKED]}, {"contents": {"parts": [{"text": ASKED}]}}],
)
def test_a_prompt_may_be_a_text(body: dict[str, Any]) -> None:
    assert seen(**body).text == ASKED


IMAGES: dict[str, dict[str, Any]] = {
    "chat": {
        "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://a"}}]}]
    },
    "messages": {
        "messages": [
            {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://a"}}]}
        ]
    },
    "responses": {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "http://a"}]}]},
    "gemini": {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": PICTURE}}]}]},
    "converse": {
        "messages": [
            {"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": PICTURE}}}]}
        ]
    },
}


@pytest.mark.parametrize("shape", IMAGES)
def test_images_are_seen(shape: str) -> None:
    assert seen(**IMAGES[shape]).images


def test_talk_of_images_is_no_image() -> None:
    text = '{"type": "image"} and "image": {"format": "png"}, "mimeType": "image/png"'
    assert not seen(messages=[{"role": "user", "content": text}]).images


def test_in_a_run_of_tool_calls_the_users_own_words_count() -> None:
    steps = [
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "function": {"name": "f"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "42"},
    ]
    assert seen(messages=[{"role": "user", "content": ASKED}, *steps * 10]).text == ASKED
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "42"}]}
    assert seen(messages=[{"role": "user", "content": ASKED}, result, result]).text == ASKED


def test_a_short_word_goes_on_with_what_was_said_before() -> None:
    messages = [*CHAT, {"role": "user", "content": ASKED}, CHAT[2], {"role": "user", "content": "英語でも"}]
    assert seen(messages=messages).text == f"{ASKED}\n英語でも"


@pytest.mark.parametrize("ascii_only", [False, True])
@pytest.mark.parametrize("unit", ["関所", "gate ", "🏯", '"\\\n'])
def test_of_a_long_text_its_beginning_and_its_end_are_seen(unit: str, ascii_only: bool) -> None:
    text = "Begin. " + unit * 60_000 + " The end."
    body = standard.dumps({"messages": [{"role": "user", "content": text}]}, ensure_ascii=ascii_only).encode()
    found = sample(body, json.members(body)).text
    assert found.startswith(text[:100])
    assert found.endswith(text[-100:])
    assert len(found) <= 2 * LONGEST + 1


UNREADABLE = (
    b'"\xff"',
    b'"\\ud83d"',
    b'[{"text":"\xff"}]',
    b"[" * 5_000 + b"]" * 5_000,
    b'{"content":' * 5_000 + b'"a"' + b"}" * 5_000,
    b'[{"text":' * 5_000 + b'"a"' + b"}]" * 5_000,
)


@pytest.mark.parametrize("content", UNREADABLE, ids=range(len(UNREADABLE)))
def test_of_what_nobody_can_read_nothing_is_seen(content: bytes) -> None:
    body = b'{"system":%b,"messages":[{"role":"user","content":%b}]}' % (content, content)
    assert sample(body, {"system": Raw(content), "messages": Raw(b'[{"content":%b}]' % content)}).text == ""


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["role", "content", "parts", "text", "type", "system", "image"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["messages", "input", "contents", "prompt", "system", "instructions", "tools"]),
        ANYTHING,
    )
)
def test_nothing_upsets_it_or_the_scorer(body: dict[str, Any]) -> None:
    found = seen(**body)
    assert 0 <= JUDGE(found).score <= 1
