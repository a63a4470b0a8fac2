"""The provider's own SDK reads what the scripted provider writes: legacy completions."""

from typing import Any

import openai
import pytest

from sekisho.testkit.provider import Rules, ScriptedProvider

PROMPTS = ["The first gate stood at ", "The second gate stood at "]


async def folded(openai_client: openai.AsyncOpenAI, **asked: Any) -> tuple[dict[int, Any], Any]:
    """The choices of a stream by index, and its usage."""
    choices: dict[int, Any] = {}
    usage = None
    stream = await openai_client.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )
    async for chunk in stream:
        usage = chunk.usage
        for choice in chunk.choices:
            kept = choices.setdefault(choice.index, {"text": "", "tokens": [], "finish": None})
            kept["text"] += choice.text
            kept["finish"] = choice.finish_reason or kept["finish"]
            kept["tokens"] += choice.logprobs.tokens or [] if choice.logprobs else []
    return choices, usage


async def test_every_prompt_is_answered_as_often_as_asked(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    asked: dict[str, Any] = {"model": "echo", "prompt": PROMPTS, "n": 2, "echo": True, "logprobs": 1}
    answer = await openai_client.completions.create(**asked)
    assert [choice.text for choice in answer.choices] == [prompt * 2 for prompt in PROMPTS for _ in range(2)]
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert "".join(logprobs.tokens or ()) == answer.choices[0].text
    choices, usage = await folded(openai_client, **asked)
    assert {index: kept["text"] for index, kept in choices.items()} == {
        choice.index: choice.text for choice in answer.choices
    }
    assert all("".join(kept["tokens"]) == kept["text"] for kept in choices.values())
    assert usage == answer.usage
    assert [served.dialect for served in provider.served] == ["openai_completions"] * 2
    assert provider.served[0].id == answer.id


@pytest.mark.parametrize(
    ("model", "finish"), [("cut-short", "length"), ("filtered", "content_filter"), ("thinking", "stop")]
)
async def test_answers_end_for_the_reasons_that_the_format_has(
    openai_client: openai.AsyncOpenAI, model: str, finish: str
) -> None:
    answer = await openai_client.completions.create(model=model, prompt=[9, 10, 11])
    choices, _ = await folded(openai_client, model=model, prompt=[[9, 10, 11]])
    assert [choice.finish_reason for choice in answer.choices] == [finish] == [choices[0]["finish"]]


async def test_errors_and_checks_are_the_providers(
    openai_client: openai.AsyncOpenAI, provider: ScriptedProvider
) -> None:
    with pytest.raises(openai.RateLimitError):
        await openai_client.completions.create(model="throttled", prompt="x")
    with pytest.raises(openai.APIError, match="had an error"):
        await folded(openai_client, model="error-after-2", prompt="x")
    provider.responder.rules = Rules(strict=True)
    for change, message in (
        ({"prompt": []}, "is invalid"),
        ({"max_tokens": "x"}, "Invalid type for 'max_tokens'"),
        ({"extra_body": {"top_k": 1}}, "Unrecognized request argument supplied: top_k"),
    ):
        asked: dict[str, Any] = {"model": "echo", "prompt": "x", **change}
        with pytest.raises(openai.BadRequestError, match=message):
            await openai_client.completions.create(**asked)
