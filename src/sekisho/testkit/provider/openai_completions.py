"""OpenAI's legacy completions, as the provider writes them.

Shapes as in the types of openai-python 3.54 (2026-11).
"""

from collections.abc import Mapping
from typing import Any, NoReturn

import msgspec

from sekisho.core.message import Refusal, Text
from sekisho.core.reply import Choice, Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider.errors import openai_error
from sekisho.testkit.provider.format import Asked, Format, Path, Refused, Rules, pieces
from sekisho.testkit.provider.openai_chat import SAID, authorize, error, faults, not_json, usage
from sekisho.testkit.provider.script import Script

_encode = msgspec.json.Encoder().encode
_FINISH: Mapping[str, str] = {"length": "length", "content_filter": "content_filter"}
_MEMBERS: Mapping[str, tuple[type, ...]] = {
    "model": (str,),
    "prompt": (str, list),
    "best_of": (int,),
    "echo": (bool,),
    "frequency_penalty": (float, int),
    "logit_bias": (dict,),
    "logprobs": (int,),
    "max_tokens": (int,),
    "n": (int,),
    "presence_penalty": (float, int),
    "seed": (int,),
    "stop": (str, list),
    "stream": (bool,),
    "stream_options": (dict,),
    "suffix": (str,),
    "temperature": (float, int),
    "top_p": (float, int),
    "user": (str,),
}


def _refuse(message: str, param: str | None = None, code: str | None = None) -> NoReturn:
    raise Refused(400, openai_error("invalid_request_error", message, param=param, code=code))


def check(body: Any, rules: Rules) -> None:
    if not isinstance(body, dict):
        _refuse("Invalid type: expected an object.", code="invalid_type")
    if not isinstance(body.get("model"), str) or not body["model"]:
        _refuse("you must provide a model parameter")
    for name, value in sorted(body.items()):
        kinds = _MEMBERS.get(name)
        if kinds is None:
            if rules.strict:
                _refuse(f"Unrecognized request argument supplied: {name}")
        elif value is not None and type(value) not in kinds:
            _refuse(f"Invalid type for '{name}'.", name, "invalid_type")
    _check_prompt(body.get("prompt"))
    if (body.get("best_of") or 1) < (body.get("n") or 1) and "best_of" in body:
        _refuse("You requested that the server return more choices than it will generate (HINT: `best_of`).")


def _check_prompt(prompt: Any) -> None:
    if not isinstance(prompt, list):
        return
    kinds = {type(item) for item in prompt}
    if not prompt or kinds not in ({str}, {int}, {list}):
        _refuse(
            "'$.prompt' is invalid. Please check the API reference: "
            "https://platform.openai.com/docs/api-reference."
        )


def _prompts(prompt: Any) -> tuple[str, ...]:
    """Tokens are read as if each were a character."""
    if prompt is None:
        return ("",)
    if isinstance(prompt, str):
        return (prompt,)
    if isinstance(prompt[0], int):
        return (_characters(prompt),)
    return tuple(item if isinstance(item, str) else _characters(item) for item in prompt)


def _characters(tokens: list[int]) -> str:
    return "".join(chr(token % 0xD800) for token in tokens)


def ask(body: Any, path: Path) -> Asked:  # noqa: ARG001 - one signature for all formats
    prompts = _prompts(body.get("prompt"))
    return Asked(
        model=body["model"],
        stream=bool(body.get("stream")),
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        prompt="".join(prompts),
        prompts=prompts,
        choices=body.get("n") or 1,
        logprobs=body.get("logprobs") is not None,
        body=body,
    )


def _stem(reply: Reply) -> dict[str, Any]:
    return {
        "id": reply.id,
        "object": "text_completion",
        "created": reply.created,
        "model": reply.model,
        "system_fingerprint": "fp_scripted",
    }


def _spoken(choice: Choice) -> str:
    """Tool calls and reasoning cannot be said here."""
    return "".join(part.text for part in choice.parts if isinstance(part, Text | Refusal))


def _echoed(index: int, asked: Asked) -> str:
    return asked.prompts[index // asked.choices] if asked.body.get("echo") else ""


def _choice(index: int, text: str, asked: Asked, offset: int, finish: str | None) -> dict[str, Any]:
    logprobs = _logprobs(text, offset) if asked.logprobs else None
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}


def _logprobs(text: str, offset: int) -> dict[str, Any]:
    tokens = [token for token in pieces(text, 4) if token]
    return {
        "tokens": tokens,
        "token_logprobs": [-0.25] * len(tokens),
        "top_logprobs": [{token: -0.25} for token in tokens],
        "text_offset": [offset + 4 * place for place in range(len(tokens))],
    }


def _finish(choice: Choice) -> str:
    return _FINISH.get(choice.finish.reason, "stop")


def unary(reply: Reply, asked: Asked) -> bytes:
    choices = [
        _choice(index, _echoed(index, asked) + _spoken(choice), asked, 0, _finish(choice))
        for index, choice in enumerate(reply.choices)
    ]
    return _encode({**_stem(reply), "choices": choices, "usage": usage(reply.usage or Usage())})


def frames(reply: Reply, asked: Asked, script: Script) -> list[bytes]:
    """The prompt's echo first, in one chunk; `usage` stands in each chunk only where it was asked for."""
    tail: dict[str, Any] = {"usage": None} if asked.include_usage else {}
    stem = _stem(reply)
    chunks: list[dict[str, Any]] = []
    for index, choice in enumerate(reply.choices):
        echoed = _echoed(index, asked)
        offset = 0
        for piece in (*([echoed] if echoed else ()), *pieces(_spoken(choice), script.chunk_size)):
            chunks.append({**stem, "choices": [_choice(index, piece, asked, offset, None)], **tail})
            offset += len(piece)
        chunks.append({**stem, "choices": [_choice(index, "", asked, offset, _finish(choice))], **tail})
    if asked.include_usage:
        chunks.append({**stem, "choices": [], "usage": usage(reply.usage or Usage())})
    return [*(b"data: " + _encode(chunk) + b"\n\n" for chunk in chunks), b"data: [DONE]\n\n"]


OPENAI_COMPLETIONS = Format(
    dialect="openai_completions",
    id_form="cmpl-{run}{number:08d}",
    request_id_header="x-request-id",
    said=SAID,
    authorize=authorize,
    check=check,
    not_json=not_json,
    ask=ask,
    unary=unary,
    frames=frames,
    faults=faults,
    error=error,
)
