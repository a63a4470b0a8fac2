"""Prompts count as their model counts them: exactly where its vocabulary is published, closely elsewhere."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from sekisho.core.contract import Facts, Members
from sekisho.core.provider import Auth, Endpoint, Provider
from sekisho.metering.most import prompt_by_length
from sekisho.metering.prompt import MOST_VALUES
from sekisho.metering.tokens import MOST_COUNTED, MOST_ESTIMATED, Tokens
from sekisho.metering.vocabulary import PIECE, Vocabularies, Vocabulary
from sekisho.wire import json

GOLDEN = Path(__file__).parents[1] / "golden" / "tokens"
TEXTS = {path.stem: path.read_text() for path in sorted((GOLDEN / "text").glob("*.txt"))}
RECORDED: dict[str, Any] = json.decode((GOLDEN / "counts.json").read_bytes())
DECLARATION: dict[str, Any] = json.decode((GOLDEN / "declaration" / "counts.json").read_bytes())
PROVIDER = Provider(
    name="p", row="p", label="p", dialect="openai_chat", base_url="http://p.test", auth=Auth("none")
)
EXACT = {
    "cl100k_base": "openai/gpt-4",
    "o200k_base": "openai/gpt-5.1",
    "llama2": "meta-llama/llama-2-70b-chat",
    "llama3": "meta-llama/llama-3.3-70b-instruct",
    "qwen3": "qwen/qwen3-32b",
    "deepseek_v3": "deepseek/deepseek-v4-pro",
    "mistral_v1": "mistralai/mistral-7b-instruct-v0.2",
    "mistral_v2": "mistralai/mixtral-8x22b-instruct",
    "mistral_v3": "mistralai/mistral-small-3.2-24b-instruct",
    "gemma4": "google/gemini-2.5-pro",
}
CLOSED = {
    "claude-4.5": "anthropic/claude-sonnet-4.5",
    "claude-4.7": "anthropic/claude-opus-4.7",
    "qwen-3.5": "qwen/qwen3.5-27b",
}
GPT, CLAUDE, GEMINI = "openai/gpt-4o", "anthropic/claude-opus-4.5", "google/gemini-3-pro-preview"


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens()


def endpoint(model: str) -> Endpoint:
    return Endpoint(model=model, provider=PROVIDER, upstream_model=model.partition("/")[2])


def members(**values: Any) -> Members:
    return {name: Raw(json.encode(value)) for name, value in values.items()}


def said(text: Any) -> Members:
    return members(messages=[{"role": "user", "content": text}])


def of_text(tokens: Tokens, model: str, text: str) -> int:
    at = endpoint(model)
    return tokens.count(said(text), at) - tokens.count(said(""), at)


@pytest.mark.parametrize("vocabulary", EXACT)
def test_text_of_a_model_with_a_published_vocabulary_is_counted_exactly(
    tokens: Tokens, vocabulary: str
) -> None:
    counts = {name: of_text(tokens, EXACT[vocabulary], text) for name, text in TEXTS.items()}
    assert counts == RECORDED[vocabulary]["counts"]


@pytest.mark.parametrize("family", CLOSED)
def test_text_of_a_closed_model_is_estimated_within_15_percent(tokens: Tokens, family: str) -> None:
    for name, text in TEXTS.items():
        right = RECORDED[family]["counts"][name]
        assert of_text(tokens, CLOSED[family], text) == pytest.approx(right, rel=0.15), name


@pytest.mark.parametrize("model", DECLARATION["counts"])
@pytest.mark.parametrize("language", ["jpn", "eng", "cmn_hans", "kor"])
def test_what_anthropic_itself_counted_is_met_within_15_percent(
    tokens: Tokens, model: str, language: str
) -> None:
    text = (GOLDEN / "declaration" / f"{language}.txt").read_text()
    right = DECLARATION["counts"][model][language]
    assert tokens.count(said(text), endpoint(f"anthropic/{model}")) == pytest.approx(right, rel=0.15)


def test_the_counts_that_anthropic_prints_are_met(tokens: Tokens) -> None:
    # https://platform.claude.com/docs/en/build-with-claude/token-counting (2026-11)
    plain = members(system="You are a scientist", messages=[{"role": "user", "content": "Hello, Claude"}])
    assert tokens.count(plain, endpoint(CLAUDE)) == pytest.approx(14, abs=2)
    location = {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
    schema = {"type": "object", "properties": {"location": location}, "required": ["location"]}
    tool = {
        "name": "get_weather",
        "description": "Get the current weather in a given location",
        "input_schema": schema,
    }
    asked = [{"role": "user", "content": "What's the weather like in San Francisco?"}]
    prompt = members(messages=asked, tools=[tool])
    assert tokens.count(prompt, endpoint("anthropic/claude-sonnet-4")) == pytest.approx(403, rel=0.1)


def test_the_count_that_openai_prints_for_a_prompt_with_a_tool_is_met_exactly(tokens: Tokens) -> None:
    # https://github.com/openai/openai-cookbook, "How to count tokens with tiktoken", GPT-4o (2026-11)
    properties = {
        "location": {"type": "string", "description": "The city and state, e.g. San Francisco, CA"},
        "unit": {
            "type": "string",
            "description": "The unit of temperature to return",
            "enum": ["celsius", "fahrenheit"],
        },
    }
    function = {
        "name": "get_current_weather",
        "description": "Get the current weather in a given location",
        "parameters": {"type": "object", "properties": properties, "required": ["location"]},
    }
    prompt = members(
        messages=[
            {
                "role": "system",
                "content": "You are a helpful assistant that can answer to questions about the weather.",
            },
            {"role": "user", "content": "What's the weather like in San Francisco?"},
        ],
        tools=[{"type": "function", "function": function}],
    )
    assert tokens.count(prompt, endpoint(GPT)) == 101


JA = TEXTS["ja-mail"]
CALL = {"city": "箱根", "unit": "celsius"}
ARGUMENTS = json.encode(CALL).decode()


@pytest.mark.parametrize(
    "prompt",
    [
        members(messages=[{"role": "user", "content": [{"type": "text", "text": JA}]}]),
        members(input=JA),
        members(input=[{"role": "user", "content": [{"type": "input_text", "text": JA}]}]),
        members(contents=[{"role": "user", "parts": [{"text": JA}]}]),
        members(messages=[{"role": "user", "content": [{"text": JA}]}]),
        members(prompt=JA),
    ],
    ids=[
        "anthropic_messages",
        "openai_responses",
        "items",
        "gemini_generate",
        "bedrock_converse",
        "completions",
    ],
)
def test_a_prompt_counts_the_same_in_every_dialect(tokens: Tokens, prompt: Members) -> None:
    assert tokens.count(prompt, endpoint(GPT)) == tokens.count(said(JA), endpoint(GPT))


@pytest.mark.parametrize(
    "instructions",
    [
        {"system": JA},
        {"system": [{"type": "text", "text": JA, "cache_control": {"type": "ephemeral"}}]},
        {"instructions": JA},
        {"systemInstruction": {"parts": [{"text": JA}]}},
        {"system": [{"text": JA}, {"cachePoint": {"type": "default"}}]},
    ],
)
def test_instructions_count_like_a_message_wherever_they_stand(
    tokens: Tokens, instructions: dict[str, Any]
) -> None:
    at = endpoint(GPT)
    both = [{"role": "system", "content": JA}, {"role": "user", "content": "はい"}]
    prompt = said("はい") | members(**instructions)
    assert tokens.count(prompt, at) == tokens.count(members(messages=both), at)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": CALL},
        {"functionCall": {"name": "weather", "args": CALL}},
        {"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": CALL}},
        {"type": "function", "id": "call_1", "function": {"name": "weather", "arguments": ARGUMENTS}},
    ],
)  # fmt: skip
def test_a_call_of_a_tool_counts_with_the_names_of_its_arguments(tokens: Tokens, part: Any) -> None:
    call = tokens.count(said([part]), endpoint(GPT)) - tokens.count(said(""), endpoint(GPT))
    words = of_text(tokens, GPT, ARGUMENTS) + of_text(tokens, GPT, "weather")
    assert call == words


def test_marks_references_and_signatures_are_not_text(tokens: Tokens) -> None:
    part = {"type": "text", "text": "関所", "cache_control": {"type": "ephemeral"}, "id": "x" * 500}
    thought = {"type": "thinking", "thinking": "", "signature": "A" * 9_000, "thoughtSignature": "A" * 9_000}
    assert tokens.count(said([part, thought]), endpoint(GPT)) == tokens.count(said("関所"), endpoint(GPT))


def test_special_tokens_that_a_prompt_spells_out_are_text(tokens: Tokens) -> None:
    for model in EXACT.values():
        assert of_text(tokens, model, "<|endoftext|><|im_start|>[INST]<bos><|begin_of_text|>") > 10


def test_a_prompt_of_token_ids_has_as_many(tokens: Tokens) -> None:
    at = endpoint(GPT)
    assert tokens.count(members(prompt=[1] * 50), at) - tokens.count(members(prompt=[]), at) == 50


def test_models_that_must_use_a_tool_are_told_so_at_a_price(tokens: Tokens) -> None:
    tools = members(tools=[{"name": "f"}], messages=[])
    forced = tools | members(tool_choice={"type": "any"})
    at = endpoint("anthropic/claude-opus-4.8")
    assert tokens.count(forced, at) - tokens.count(tools, at) == 410 - 290


# --- estimates --------------------------------------------------------------------------------------


def never(name: str) -> Vocabulary:
    raise AssertionError(f"{name} was read")


@pytest.mark.parametrize("model", [*EXACT.values(), *CLOSED.values(), "nobody/knows"])
def test_an_estimate_reads_no_vocabulary_and_is_close_for_prose(tokens: Tokens, model: str) -> None:
    for name in ("ja-prose", "ja-mail", "ja-news", "en-prose", "en-code"):
        estimate = Tokens(Vocabularies(never)).estimate(said(TEXTS[name]), endpoint(model))
        assert estimate == pytest.approx(tokens.count(said(TEXTS[name]), endpoint(model)), rel=0.3), name


def test_an_estimate_is_a_count_where_the_vocabulary_is_at_hand() -> None:
    tokens = Tokens()
    tokens.load([endpoint(GPT)])
    for text in TEXTS.values():
        assert tokens.estimate(said(text), endpoint(GPT)) == tokens.count(said(text), endpoint(GPT))


def test_an_answer_is_estimated_by_the_characters_that_passed() -> None:
    tokens = Tokens()
    facts = Facts(output_ascii=400, output_wide=100)
    produced = [tokens.produced(facts, endpoint(model)) for model in (GPT, CLAUDE, GEMINI)]
    assert produced == [178, 208, 165]
    assert tokens.produced(facts, None) == 180


# --- bounds -----------------------------------------------------------------------------------------


class Counted:
    """An encoder that notes what it was given: a token for every character."""

    def __init__(self) -> None:
        self.seen: list[int] = []
        self.cleared = 0

    def encode_ordinary(self, text: str) -> list[int]:
        self.seen.append(len(text))
        return [0] * len(text)

    def clear_cache(self) -> None:
        self.cleared += 1


@pytest.fixture
def encoder() -> Counted:
    return Counted()


@pytest.fixture
def counting(encoder: Counted) -> Tokens:
    return Tokens(Vocabularies(lambda _: Vocabulary(encoder, keeps_words=True)))


HOSTILE = ["a", " ", " \n", "関", "é", "0", "\u200d", "한", "<|endoftext|>", "]}"]


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_what_is_encoded_grows_no_faster_than_the_prompt_and_stops_growing(
    counting: Tokens, encoder: Counted, unit: str, model: str
) -> None:
    for size in (1_000, 10_000, 100_000, 1_000_000):
        encoder.seen.clear()
        text = unit * (size // len(unit))
        counting.count(said(text), endpoint(model))
        assert max(encoder.seen) <= PIECE
        assert sum(encoder.seen) <= 3 * min(len(text), MOST_COUNTED + PIECE)
        assert len(encoder.seen) <= 3 * (2 + 2 * min(len(text), MOST_COUNTED) // PIECE)


def test_an_estimate_looks_at_less_than_a_count_and_scales(counting: Tokens, encoder: Counted) -> None:
    at = endpoint(GPT)
    counting.load([at])
    texts = [{"role": "user", "content": "関" * 1_000} for _ in range(1_000)]
    estimate = counting.estimate(members(messages=texts), at)
    assert sum(encoder.seen) <= MOST_ESTIMATED + PIECE
    assert estimate == pytest.approx(1_000 * 1_004, rel=0.001)


def test_words_are_not_remembered_for_ever(counting: Tokens, encoder: Counted) -> None:
    for _ in range(50):
        counting.count(said("a" * MOST_COUNTED), endpoint(GPT))
    assert encoder.cleared == pytest.approx(50 * MOST_COUNTED / 8_000_000, abs=1)


def test_no_depth_of_nesting_and_no_wrong_shape_breaks_a_count(tokens: Tokens) -> None:
    limit = sys.getrecursionlimit()
    for depth in (*range(1, limit, 97), *range(limit - 120, limit + 20)):
        nested = b'{"input":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        for name in ("messages", "tools", "system", "response_format"):
            assert tokens.estimate({name: Raw(b"[" + nested + b"]")}, endpoint(CLAUDE)) > 0


@pytest.mark.parametrize(
    "odd",
    [
        {"type": ["image"]},
        {"type": {"type": "image"}},
        {"type": None},
        [[[]]],
        7,
        None,
        {"role": []},
        {"name": 3, "role": "user"},
        {"inlineData": 5},
        {"inlineData": {"data": 5, "mimeType": 7}},
        {"image": {"source": []}},
        {"image_url": {"url": 7}, "type": "image_url"},
        {"source": {"type": "text"}, "type": "document"},
    ],
)
def test_odd_shapes_count_as_little_and_break_nothing(tokens: Tokens, odd: Any) -> None:
    assert 0 <= tokens.estimate(said([odd]), endpoint(GPT)) < 1_200
    assert 0 <= tokens.estimate(members(tools=[odd], input=odd, system=odd), endpoint(GPT)) < 4_000


@pytest.mark.parametrize("shape", ["[],", "0,", "[" * 200 + "]" * 200 + ","])
def test_a_body_of_nothing_but_json_is_measured_by_its_length(counting: Tokens, shape: str) -> None:
    values = shape * (2_000_000 // len(shape)) + "0"
    assert sum(map(values.count, ",[{")) > MOST_VALUES
    body = f"[{values}]".encode()
    at = endpoint("nobody/knows")
    assert counting.estimate({"messages": Raw(body)}, at) == pytest.approx(len(body) / 4, rel=0.001)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b'"\\ud83d"', b"{", b'[{"role":"user","content":"\\ud83d"}]'])
def test_what_is_no_json_counts_by_its_length(tokens: Tokens, raw: bytes) -> None:
    assert 0 < tokens.count({"messages": Raw(raw)}, endpoint(GPT)) < 50


@settings(max_examples=200, deadline=None, database=None)
@given(st.sampled_from(sorted(EXACT)), st.lists(st.text(max_size=80), min_size=1, max_size=8))
def test_no_prompt_of_text_has_more_tokens_than_its_request_has_bytes(
    tokens: Tokens, vocabulary: str, texts: list[str]
) -> None:
    body = {"messages": [{"role": "user", "content": text} for text in texts]}
    counted = tokens.count(members(**body), endpoint(EXACT[vocabulary]))
    assert counted <= prompt_by_length(len(json.encode(body)))
