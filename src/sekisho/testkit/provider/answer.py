"""A script and a request make an answer, in no format yet."""

import msgspec

from sekisho.core.message import Part, Reasoning, RedactedReasoning, Refusal, Text, ToolCall
from sekisho.core.reply import Choice, Finish, FinishReason, Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider.format import Asked, count
from sekisho.testkit.provider.sample import sample
from sekisho.testkit.provider.script import Script, ToolUse

FREE_TEXT = "print(1)"
"""What a tool with free input is called with."""


def build(script: Script, asked: Asked, answer_id: str, created: int) -> Reply:
    """The answer to one request. The same arguments give the same answer."""
    calls = _tool_calls(script, asked)
    suffix = answer_id.rpartition("_")[2].rpartition("-")[2]
    answers = [
        _parts(script, asked, calls, (prompt, suffix)) for prompt in asked.prompts or (asked.user_text,)
    ]
    finish = Finish(reason=script.finish or _reason(script, calls), stop_sequence=script.stop_sequence)
    return Reply(
        id=answer_id,
        model=asked.model,
        created=created,
        choices=tuple(Choice(parts=parts, finish=finish) for parts in answers for _ in range(asked.choices)),
        usage=script.usage or _counted(asked, [part for parts in answers for part in parts]),
    )


def _tool_calls(script: Script, asked: Asked) -> tuple[ToolUse, ...]:
    if asked.tool_result is not None and script.once:
        return ()
    if script.use_tools is None or asked.tool_result is not None:
        return script.tool_calls
    offered = asked.tools[:1] if script.use_tools == "first" else asked.tools
    return script.tool_calls + tuple(
        ToolUse(
            name=tool.name,
            arguments=FREE_TEXT if tool.custom else msgspec.json.encode(sample(tool.schema)).decode(),
        )
        for tool in offered
    )


def _parts(
    script: Script, asked: Asked, calls: tuple[ToolUse, ...], named: tuple[str, str]
) -> tuple[Part, ...]:
    prompt, suffix = named
    parts: list[Part] = []
    if script.redacted is not None:
        parts.append(RedactedReasoning(data=script.redacted))
    if script.thinking is not None:
        parts.append(Reasoning(text=script.thinking, signature=script.signature))
    if script.refusal is not None:
        parts.append(Refusal(text=script.refusal))
    elif not calls or script.text is not None:
        parts.append(Text(text=_text(script, asked, prompt)))
    custom = {tool.name for tool in asked.tools if tool.custom}
    parts.extend(
        ToolCall(
            id=f"{suffix}{index:02d}",
            name=call.name,
            arguments=call.arguments,
            custom=call.name in custom,
        )
        for index, call in enumerate(calls)
    )
    return tuple(parts)


def _text(script: Script, asked: Asked, prompt: str) -> str:
    if script.structured:
        return msgspec.json.encode(sample(asked.schema)).decode()
    text = script.text
    if text is None:
        text = prompt if asked.tool_result is None else asked.tool_result
    if script.chunk_count is None:
        return text
    wanted = script.chunk_count * script.chunk_size
    text = text or "Once more unto the gate. "
    return (text * (wanted // len(text) + 1))[:wanted]


def _reason(script: Script, calls: tuple[ToolUse, ...]) -> FinishReason:
    if calls:
        return "tool_calls"
    return "stop_sequence" if script.stop_sequence is not None else "stop"


def _counted(asked: Asked, parts: list[Part]) -> Usage:
    thought = sum(count(part.text) for part in parts if isinstance(part, Reasoning))
    spoken = sum(count(part.text) for part in parts if isinstance(part, Text | Refusal))
    called = sum(count(part.name) + count(part.arguments) for part in parts if isinstance(part, ToolCall))
    output = (thought + spoken + called) * asked.choices
    return Usage(input=max(1, count(asked.prompt)), output=max(1, output), reasoning=thought * asked.choices)
