"""OpenAI's chat completions, as the provider writes them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from sekisho.core.message import Part, Reasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider.connection import Received
from sekisho.testkit.provider.errors import openai_body, openai_error, retry_after
from sekisho.testkit.provider.format import Asked, Credentials, Format, OfferedTool, Path, Refused, pieces
from sekisho.testkit.provider.openai_checks import check
from sekisho.testkit.provider.performance import Faults
from sekisho.testkit.provider.script import Script

_encode = msgspec.json.Encoder().encode
_FINISH: Mapping[str, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "stop",
    "pause": "stop",
}


def authorize(request: Received, credentials: Credentials) -> None:
    scheme, _, given = (request.header("authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise Refused(
            401,
            openai_error(
                "invalid_request_error",
                "You didn't provide an API key. You need to provide your API key in an Authorization header "
                "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with "
                "blank username) if you're accessing the API from your browser and are prompted for a "
                "username and password. You can obtain an API key from "
                "https://platform.openai.com/account/api-keys.",
            ),
        )
    if credentials.api_key not in (None, given):
        raise Refused(401, openai_body(401, None, ""))


def not_json() -> Refused:
    return Refused(
        400,
        openai_error(
            "invalid_request_error",
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
            "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
            "valid JSON. If you have trouble figuring out how to fix this, please contact us through our "
            "help center at help.openai.com.)",
        ),
    )


def ask(body: Any, path: Path) -> Asked:  # noqa: ARG001 - one signature for all formats
    messages = body["messages"]
    users = [message for message in messages if message["role"] == "user"]
    last = messages[-1]
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    return Asked(
        model=body["model"],
        stream=bool(body.get("stream")),
        include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        user_text=_text(users[-1].get("content")) if users else "",
        prompt="".join(_text(message.get("content")) for message in messages),
        tool_result=_text(last.get("content")) if last["role"] == "tool" else None,
        tools=tuple(
            OfferedTool(tool["function"]["name"], tool["function"].get("parameters"))
            for tool in body.get("tools") or ()
            if tool.get("type") == "function"
        ),
        schema=schema,
        choices=body.get("n") or 1,
        logprobs=bool(body.get("logprobs")),
    )


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or () if part.get("type") == "text")


def usage(used: Usage) -> dict[str, Any]:
    prompt: dict[str, int] = {"cached_tokens": used.cache_read, "audio_tokens": used.input_audio}
    if used.cache_write or used.cache_write_1h:
        prompt["cache_write_tokens"] = used.cache_write + used.cache_write_1h
    return {
        "prompt_tokens": used.prompt,
        "completion_tokens": used.output,
        "total_tokens": used.total,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning,
            "audio_tokens": used.output_audio,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def unary(reply: Reply, asked: Asked) -> bytes:
    return _encode(
        {
            "id": reply.id,
            "object": "chat.completion",
            "created": reply.created,
            "model": reply.model,
            "choices": [_choice(index, choice, asked) for index, choice in enumerate(reply.choices)],
            "usage": usage(reply.usage or Usage()),
            "service_tier": "default",
            "system_fingerprint": "fp_scripted",
        }
    )


def _choice(index: int, choice: Choice, asked: Asked) -> dict[str, Any]:
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    refusals = [part.text for part in choice.parts if isinstance(part, Refusal)]
    thoughts = [part.text for part in choice.parts if isinstance(part, Reasoning)]
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
        "annotations": [],
    }
    if thoughts:
        message["reasoning_content"] = "".join(thoughts)  # DeepSeek's member; OpenAI itself shows no thinking
    if calls:
        message["tool_calls"] = [_call(part) for part in calls]
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs("".join(texts)) if asked.logprobs else None,
        "finish_reason": _finish(choice.finish),
    }


def _finish(finish: Finish) -> str:
    return _FINISH[finish.reason]


def _call(part: ToolCall) -> dict[str, Any]:
    function = {"name": part.name, "arguments": part.arguments}
    return {"id": f"call_{part.id}", "type": "function", "function": function}


def _logprobs(text: str) -> dict[str, Any]:
    tokens = [
        {"token": token, "logprob": -0.25, "bytes": list(token.encode()), "top_logprobs": []}
        for token in pieces(text, 4)
        if token
    ]
    return {"content": tokens, "refusal": None}


def frames(reply: Reply, asked: Asked, script: Script) -> list[bytes]:
    """The stream's events; `usage` stands in each chunk (as null) only where it was asked for."""
    stem: dict[str, Any] = {
        "id": reply.id,
        "object": "chat.completion.chunk",
        "created": reply.created,
        "model": reply.model,
        "service_tier": "default",
        "system_fingerprint": "fp_scripted",
    }
    tail: dict[str, Any] = {"usage": None} if asked.include_usage else {}

    def chunk(choice: int, delta: dict[str, Any], finish: str | None = None, logprobs: Any = None) -> bytes:
        body = {"index": choice, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return b"data: " + _encode({**stem, "choices": [body], **tail}) + b"\n\n"

    made: list[bytes] = []
    for index, choice in enumerate(reply.choices):
        made.append(chunk(index, {"role": "assistant", "content": "", "refusal": None}))
        calls = 0
        for part in choice.parts:
            for delta in _deltas(part, calls, script.chunk_size):
                spoken = delta.get("content")
                logprobs = _logprobs(spoken) if asked.logprobs and spoken else None
                made.append(chunk(index, delta, logprobs=logprobs))
            calls += isinstance(part, ToolCall)
        made.append(chunk(index, {}, _finish(choice.finish)))
    if asked.include_usage:
        last = {**stem, "choices": [], "usage": usage(reply.usage or Usage())}
        made.append(b"data: " + _encode(last) + b"\n\n")
    made.append(b"data: [DONE]\n\n")
    return made


def _deltas(part: Part, index: int, size: int) -> list[dict[str, Any]]:
    match part:
        case Text(text=text):
            return [{"content": piece} for piece in pieces(text, size)]
        case Refusal(text=text):
            return [{"refusal": piece} for piece in pieces(text, size)]
        case Reasoning(text=text):
            return [{"reasoning_content": piece} for piece in pieces(text, size)]
        case ToolCall(id=id_, name=name, arguments=arguments):
            function = {"name": name, "arguments": ""}
            first = {"index": index, "id": f"call_{id_}", "type": "function", "function": function}
            rest = [{"index": index, "function": {"arguments": piece}} for piece in pieces(arguments, size)]
            return [{"tool_calls": [call]} for call in (first, *rest)]
        case _:
            return []


def error(script: Script, asked: Asked) -> Refused:
    body = openai_body(script.status, script.error, asked.model)
    return Refused(script.status, body, retry_after(script.retry_after))


def faults(reply: Reply, asked: Asked, script: Script) -> Faults:  # noqa: ARG001 - as `ask`
    return Faults(error=b"data: " + _encode(msgspec.json.decode(openai_body(500, None, ""))) + b"\n\n")


SAID = (
    ("openai-organization", "org-scripted"),
    ("openai-version", "2020-10-01"),
    ("openai-processing-ms", "1"),
)


OPENAI_CHAT = Format(
    dialect="openai_chat",
    id_form="chatcmpl-{run}{number:08d}",
    request_id_header="x-request-id",
    said=SAID,
    authorize=authorize,
    check=check,
    not_json=not_json,
    ask=ask,
    unary=unary,
    frames=frames,
    error=error,
    faults=faults,
)
