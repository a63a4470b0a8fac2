"""What a golden request or answer holds, in the words of the compatibility page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from sekisho.core.message import (
    Document,
    FileRef,
    Image,
    Inline,
    Link,
    Message,
    Part,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from sekisho.core.reply import Reply
from sekisho.core.request import FunctionTool, Request
from sekisho.testkit.laws import content
from sekisho.testkit.laws.content import Fact

ORDER = (
    "text",
    "instructions",
    "instructions between turns",
    "names of speakers",
    "images, inline",
    "images by URL",
    "images uploaded before",
    "images' detail",
    "PDF, inline",
    "PDF or file by URL",
    "other documents, inline",
    "documents as text",
    "files uploaded before",
    "documents' titles and context",
    "audio",
    "video",
    "function tools",
    "strict tools",
    "custom tools",
    "provider's own tools",
    "tool choice: auto",
    "tool choice: none",
    "tool choice: required",
    "tool choice: named",
    "no parallel calls",
    "tool calls",
    "parallel calls",
    "calls of custom tools",
    "signatures of calls",
    "tool results",
    "images in results",
    "files in results",
    "failed tools",
    "provider's own parts",
    "reasoning settings",
    "reasoning",
    "signatures of reasoning",
    "encrypted reasoning",
    "JSON schema",
    "JSON object",
    "several choices",
    "log probabilities",
    "max_tokens",
    "stop",
    "temperature",
    "top_p",
    "top_k",
    "seed",
    "penalties",
    "logit_bias",
    "verbosity",
    "cache marks",
    "cache mark on the whole",
    "service tier",
    "end user",
    "metadata",
    "key of the cache",
    "stream",
    "refusals",
    "finish reason",
    "stop sequence that was hit",
    "usage",
    "tokens read from the cache",
    "tokens written to the cache",
    "reasoning tokens",
    "own members",
    "own members that change the answer",
)
"""Of the rows."""

_SETTINGS = {
    "sampling.logprobs": "log probabilities",
    "sampling.top_logprobs": "log probabilities",
    "sampling.presence_penalty": "penalties",
    "sampling.frequency_penalty": "penalties",
    "user": "end user",
    "cache_key": "key of the cache",
    "service_tier": "service tier",
    "reasoning": "reasoning settings",
    "cache": "cache mark on the whole",
    "choices": "several choices",
    "parallel_tool_calls": "no parallel calls",
}
_KINDS = {
    "name": "names of speakers",
    "detail": "images' detail",
    "title": "documents' titles and context",
    "context": "documents' titles and context",
    "failed tool": "failed tools",
    "redacted reasoning": "encrypted reasoning",
    "text reasoning": "reasoning",
    "opaque": "provider's own parts",
    "cache": "cache marks",
    "tool strict": "strict tools",
    "tool result": "tool results",
    "Audio": "audio",
    "transcript": "audio",
    "Video": "video",
}


@dataclass(frozen=True, slots=True)
class Held:
    """One thing that a request or an answer holds."""

    feature: str
    fact: Fact
    own: str = ""
    """Its name, where it is a member that only one dialect knows."""


def of_request(request: Request) -> list[Held]:
    return [*_held(request), *_parallel(request)]


def of_answer(reply: Reply) -> list[Held]:
    """Of the first choice, for who did not ask for more gets no more. Without the members that only one
    dialect knows: of answers nobody else gets them."""
    parts = reply.choices[0].parts if reply.choices else ()
    asked = Request(model="", messages=(Message(role="assistant", parts=parts),))
    plain = msgspec.structs.replace(
        asked, messages=(Message(role="assistant", parts=tuple(map(_as_called, parts))),)
    )
    custom = [Held("calls of custom tools", fact) for fact in _custom_calls(parts)]
    held = [each for each in _held(plain) if not each.own]
    return [*held, *_parallel(plain), *custom, *_around(reply)]


def _held(request: Request) -> Iterator[Held]:
    for fact in content.of_request(request):
        own = fact.path.rpartition(".")[2] if fact.kind == "vendor" else ""
        yield Held(_feature(fact, request), fact, own)


def _feature(fact: Fact, request: Request) -> str:
    if fact.kind == "vendor":
        return "own members that change the answer" if fact.content else "own members"
    if fact.path.startswith("messages."):
        return _of_message(fact, request)
    if fact.path.startswith("tools."):
        return _of_tool(fact, request)
    if fact.kind == "tool choice" and request.tool_choice is not None:
        return f"tool choice: {request.tool_choice.mode}"
    if fact.kind == "output":
        return fact.value.split(" ")[0].replace("json_schema", "JSON schema").replace("json_o", "JSON o")
    return _SETTINGS.get(fact.path, fact.path.rpartition(".")[2])


def _of_tool(fact: Fact, request: Request) -> str:
    tool = request.tools[int(fact.path.split(".")[1])]
    if not isinstance(tool, FunctionTool):
        return "provider's own tools" if hasattr(tool, "raw") else "custom tools"
    return _KINDS.get(fact.kind, "function tools")


def _of_message(fact: Fact, request: Request) -> str:
    if fact.kind in _KINDS:
        return _KINDS[fact.kind]
    path = fact.path.split(".")
    number = int(path[1])
    part = request.messages[number].parts[int(path[3])]
    if fact.kind == "signature":
        return "signatures of calls" if isinstance(part, ToolCall) else "signatures of reasoning"
    match part:
        case ToolResult(parts=parts):
            return _in_result(parts[int(path[5])])
        case ToolCall(custom=custom):
            return "calls of custom tools" if custom else "tool calls"
        case Image() | Document():
            return _of_file(part)
        case Refusal():
            return "refusals"
        case _:
            return _of_text(request.messages, number)


def _of_text(messages: Sequence[Message], number: int) -> str:
    if messages[number].role not in ("system", "developer"):
        return "text"
    spoken = any(message.role in ("user", "assistant") for message in messages[:number])
    return "instructions between turns" if spoken else "instructions"


def _in_result(part: Part) -> str:
    if isinstance(part, Text):
        return "tool results"
    return "images in results" if isinstance(part, Image) else "files in results"


def _of_file(part: Image | Document) -> str:
    source = part.source
    if isinstance(source, FileRef):
        return "images uploaded before" if isinstance(part, Image) else "files uploaded before"
    if isinstance(source, Link):
        return "images by URL" if isinstance(part, Image) else "PDF or file by URL"
    if isinstance(part, Image):
        return "images, inline"
    if isinstance(source, Inline):
        return "PDF, inline" if source.media_type == "application/pdf" else "other documents, inline"
    return "documents as text"


def _parallel(request: Request) -> Iterator[Held]:
    """Calls that were made together, which must arrive together."""
    for number, message in enumerate(request.messages):
        calls = [part for part in message.parts if isinstance(part, ToolCall)]
        if len(calls) > 1:
            said = repr([call.id for call in calls])
            yield Held("parallel calls", Fact(f"messages.{number}", "parallel calls", said))


# --- answers --------------------------------------------------------------------------------------


def _as_called(part: Part) -> Part:
    """Who offered the tool knows whether it is a custom one: not all answers say."""
    if isinstance(part, ToolCall):
        return msgspec.structs.replace(part, custom=False)
    return part


def _custom_calls(parts: Sequence[Part]) -> Iterator[Fact]:
    for part in parts:
        if isinstance(part, ToolCall) and part.custom:
            yield Fact("answer.custom", "custom call", f"{part.name} {part.arguments}")


def _around(reply: Reply) -> Iterator[Held]:
    """What an answer says beside its parts."""
    for choice in reply.choices[:1]:
        yield Held("finish reason", Fact("answer.finish", "finish", choice.finish.reason))
        if choice.finish.stop_sequence is not None:
            yield Held("stop sequence that was hit", Fact("answer.stop", "stop", choice.finish.stop_sequence))
        if choice.logprobs is not None:
            yield Held("log probabilities", Fact("answer.logprobs", "logprobs", ""))
    if reply.service_tier is not None:
        yield Held("service tier", Fact("answer.service_tier", "service tier", ""))
    if reply.usage is not None:
        counts = {
            "usage": (reply.usage.prompt, reply.usage.output),
            "tokens read from the cache": (reply.usage.cache_read,),
            "tokens written to the cache": (reply.usage.cache_write + reply.usage.cache_write_1h,),
            "reasoning tokens": (reply.usage.reasoning,),
        }
        for feature, counted in counts.items():
            if any(counted):
                yield Held(feature, Fact(f"answer.{feature}", feature, repr(counted)))
