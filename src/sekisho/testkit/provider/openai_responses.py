"""OpenAI's responses, as the provider writes them.

Shapes as in the types of openai-python 3.54 (2026-11), generated from OpenAI's own specification.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from sekisho.core.message import Part, Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider.errors import openai_body, openai_error, retry_after
from sekisho.testkit.provider.format import Asked, Counting, Format, OfferedTool, Path, Refused
from sekisho.testkit.provider.openai_chat import SAID, authorize, not_json
from sekisho.testkit.provider.openai_responses_checks import check, check_prompt
from sekisho.testkit.provider.openai_responses_items import items, text_of
from sekisho.testkit.provider.performance import Faults
from sekisho.testkit.provider.script import Script
from sekisho.testkit.provider.seals import seal

_encode = msgspec.json.Encoder().encode
_INCOMPLETE: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
_OUTPUTS = ("function_call_output", "custom_tool_call_output")
_CONTEXT = "Your input exceeds the context window of this model. Please adjust your input and try again."


# --- the request ---


def ask(body: Any, path: Path) -> Asked:  # noqa: ARG001 - one signature for all formats
    asked = items(body)
    users = [item for item in asked if item.get("role") == "user"]
    last = asked[-1] if asked else {}
    return Asked(
        model=body.get("model") or "",
        stream=bool(body.get("stream")),
        include_usage=True,
        user_text=text_of(users[-1]["content"]) if users else "",
        prompt=(body.get("instructions") or "") + "".join(_said(item) for item in asked),
        tool_result=text_of(last["output"]) if last.get("type") in _OUTPUTS else None,
        tools=tuple(
            OfferedTool(tool["name"], tool.get("parameters"), custom=tool["type"] == "custom")
            for tool in body.get("tools") or ()
            if tool["type"] in ("function", "custom")
        ),
        schema=((body.get("text") or {}).get("format") or {}).get("schema"),
        logprobs="message.output_text.logprobs" in (body.get("include") or ()),
        body=body,
    )


def _said(item: Mapping[str, Any]) -> str:
    return text_of(item.get("content")) + text_of(item.get("output"))


# --- the answer ---


def output(reply: Reply, asked: Asked) -> list[dict[str, Any]]:
    """The items of an answer, each with an id of its own."""
    suffix = reply.id.rpartition("_")[2]
    return [_item(part, f"{suffix}{index:02d}", asked) for index, part in enumerate(reply.choices[0].parts)]


def _item(part: Part, suffix: str, asked: Asked) -> dict[str, Any]:
    match part:
        case Text(text=text):
            return message(suffix, [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}])
        case Refusal(text=text):
            return message(suffix, [{"type": "refusal", "refusal": text}])
        case Reasoning(text=text):
            return _reasoning(suffix, [{"type": "summary_text", "text": text}], text, asked)
        case RedactedReasoning(data=data):
            return _reasoning(suffix, [], data, asked)
        case ToolCall(id=id_, name=name, arguments=arguments, custom=custom):
            call = {"status": "completed", "call_id": f"call_{id_}", "name": name}
            if custom:
                return {"id": f"ctc_{suffix}", "type": "custom_tool_call", "input": arguments, **call}
            return {"id": f"fc_{suffix}", "type": "function_call", "arguments": arguments, **call}
        case _:
            raise ValueError(f"the scripted provider writes no {type(part).__name__}")


def message(suffix: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"msg_{suffix}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": content,
    }


def _reasoning(suffix: str, summary: list[Any], thought: str, asked: Asked) -> dict[str, Any]:
    item: dict[str, Any] = {"id": f"rs_{suffix}", "type": "reasoning", "summary": summary}
    if "reasoning.encrypted_content" in (asked.body.get("include") or ()):
        item["encrypted_content"] = seal("openai", thought)
    return item


def usage(used: Usage) -> dict[str, Any]:
    return {
        "input_tokens": used.prompt,
        "input_tokens_details": {
            "cached_tokens": used.cache_read,
            "cache_write_tokens": used.cache_write + used.cache_write_1h,
        },
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.total,
    }


def response(reply: Reply, asked: Asked) -> dict[str, Any]:
    """The finished answer; settings that the request left out have the provider's defaults."""
    reason = _INCOMPLETE.get(reply.choices[0].finish.reason)
    done = output(reply, asked)
    if reason is not None and done[-1]["type"] == "message":
        done[-1]["status"] = "incomplete"
    return {
        **begun(reply, asked),
        "status": "completed" if reason is None else "incomplete",
        "completed_at": reply.created if reason is None else None,
        "incomplete_details": None if reason is None else {"reason": reason},
        "output": done,
        "usage": usage(reply.usage or Usage()),
    }


def begun(reply: Reply, asked: Asked, status: str = "in_progress") -> dict[str, Any]:
    """The answer before any of it is there."""
    asked_for = asked.body
    text = {"format": {"type": "text"}, "verbosity": "medium", **(asked_for.get("text") or {})}
    return {
        "id": reply.id,
        "object": "response",
        "created_at": reply.created,
        "status": status,
        "background": bool(asked_for.get("background")),
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": asked_for.get("instructions"),
        "max_output_tokens": asked_for.get("max_output_tokens"),
        "max_tool_calls": asked_for.get("max_tool_calls"),
        "model": reply.model,
        "output": [],
        "parallel_tool_calls": _chosen(asked_for, "parallel_tool_calls", default=True),
        "previous_response_id": asked_for.get("previous_response_id"),
        "prompt_cache_key": asked_for.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None, **(asked_for.get("reasoning") or {})},
        "safety_identifier": asked_for.get("safety_identifier"),
        "service_tier": "default",
        "store": _chosen(asked_for, "store", default=True),
        "temperature": _chosen(asked_for, "temperature", default=1.0),
        "text": text,
        "tool_choice": _chosen(asked_for, "tool_choice", default="auto"),
        "tools": asked_for.get("tools") or [],
        "top_logprobs": asked_for.get("top_logprobs") or 0,
        "top_p": _chosen(asked_for, "top_p", default=1.0),
        "truncation": _chosen(asked_for, "truncation", default="disabled"),
        "usage": None,
        "user": asked_for.get("user"),
        "metadata": asked_for.get("metadata") or {},
    }


def _chosen(body: Mapping[str, Any], name: str, *, default: Any) -> Any:
    value = body.get(name)
    return default if value is None else value


def unary(reply: Reply, asked: Asked) -> bytes:
    if asked.body.get("background"):
        return _encode(begun(reply, asked, "queued"))
    return _encode(response(reply, asked))


# --- the stream ---


def frame(kind: str, number: int, members: Mapping[str, Any]) -> bytes:
    body = {"type": kind, "sequence_number": number, **members}
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(body))


def frames(reply: Reply, asked: Asked, script: Script) -> list[bytes]:
    """Numbered from 0; each item of the output is opened, filled and closed before the next."""
    done = response(reply, asked)
    told: list[tuple[str, dict[str, Any]]] = [("response.created", {"response": begun(reply, asked)})]
    if asked.body.get("background"):
        told.append(("response.queued", {"response": begun(reply, asked, "queued")}))
    told.append(("response.in_progress", {"response": begun(reply, asked)}))
    for index, item in enumerate(done["output"]):
        told.extend(_item_events(index, item, script.chunk_size))
    told.append((f"response.{done['status']}", {"response": done}))
    return [frame(kind, number, members) for number, (kind, members) in enumerate(told)]


_Events = list[tuple[str, dict[str, Any]]]


def _item_events(index: int, item: dict[str, Any], size: int) -> _Events:
    at = {"output_index": index}
    of = {"item_id": item["id"], **at}
    match item["type"]:
        case "message":
            opened = {**item, "status": "in_progress", "content": []}
            filled = _content_events({**of, "content_index": 0}, item["content"][0], size)
        case "reasoning":
            opened = {**item, "summary": []}
            filled = _summary_events(of, item["summary"], size)
        case "function_call":
            opened = {**item, "status": "in_progress", "arguments": ""}
            filled = _filled("response.function_call_arguments", of, ("arguments", item["arguments"]), size)
        case _:
            opened = {**item, "status": "in_progress", "input": ""}
            filled = _filled("response.custom_tool_call_input", of, ("input", item["input"]), size)
    return [
        ("response.output_item.added", {**at, "item": opened}),
        *filled,
        ("response.output_item.done", {**at, "item": item}),
    ]


def _content_events(of: dict[str, Any], part: dict[str, Any], size: int) -> _Events:
    if part["type"] == "refusal":
        opened = {**part, "refusal": ""}
        filled = _filled("response.refusal", of, ("refusal", part["refusal"]), size)
    else:
        opened = {**part, "text": ""}
        filled = _filled("response.output_text", {**of, "logprobs": []}, ("text", part["text"]), size)
    return [
        ("response.content_part.added", {**of, "part": opened}),
        *filled,
        ("response.content_part.done", {**of, "part": part}),
    ]


def _summary_events(of: dict[str, Any], summary: list[dict[str, Any]], size: int) -> _Events:
    told: _Events = []
    for index, part in enumerate(summary):
        at = {**of, "summary_index": index}
        told.append(("response.reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}))
        told.extend(_filled("response.reasoning_summary_text", at, ("text", part["text"]), size))
        told.append(("response.reasoning_summary_part.done", {**at, "part": part}))
    return told


def _filled(kind: str, of: dict[str, Any], member: tuple[str, str], size: int) -> _Events:
    name, text = member
    deltas = [text[start : start + size] for start in range(0, len(text), size)]
    return [
        *((f"{kind}.delta", {**of, "delta": delta}) for delta in deltas),
        (f"{kind}.done", {**of, name: text}),
    ]


# --- errors ---


def error(script: Script, asked: Asked) -> Refused:
    body = openai_body(script.status, script.error, asked.model)
    if (script.status, script.error) == (400, "context"):
        body = openai_error("invalid_request_error", _CONTEXT, param="input", code="context_length_exceeded")
    return Refused(script.status, body, retry_after(script.retry_after))


def faults(reply: Reply, asked: Asked, script: Script) -> Faults:
    """An `error` event, its details in a member `error`, as production writes them; or at the top as the
    reference documents them, where the script says `flat` (openai/openai-dotnet 881, 2025-12). Where it says
    `failed`, the answer itself with what went wrong in it."""
    number = script.error_after_events or 0
    told = {
        "code": "server_error",
        "message": "The server had an error while processing your request. Sorry about that!",
    }
    if script.error == "failed":
        failed = {**begun(reply, asked, "failed"), "error": told}
        return Faults(error=frame("response.failed", number, {"response": failed}))
    if script.error == "flat":
        return Faults(error=frame("error", number, {**told, "param": None}))
    nested = {"type": "server_error", **told, "param": None}
    return Faults(error=frame("error", number, {"error": nested}))


def _count(tokens: int) -> bytes:
    return _encode({"object": "response.input_tokens", "input_tokens": tokens})


OPENAI_RESPONSES = Format(
    dialect="openai_responses",
    id_form="resp_{run}{number:08d}",
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
    counting=Counting(check_prompt, _count),
    remembers=True,
)
