"""What OpenAI refuses in a chat request, in its own words."""

from typing import Any, NoReturn

from sekisho.testkit.provider.errors import openai_error
from sekisho.testkit.provider.format import Refused, Rules

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = frozenset({"text", "image_url", "input_audio", "file", "refusal"})
_MEMBERS = frozenset(
    {
        "model",
        "messages",
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "metadata",
        "modalities",
        "n",
        "parallel_tool_calls",
        "prediction",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "user",
        "verbosity",
        "web_search_options",
    }
)


def _refuse(message: str, param: str | None = None, code: str | None = None) -> NoReturn:
    raise Refused(400, openai_error("invalid_request_error", message, param=param, code=code))


def check(body: Any, rules: Rules) -> None:
    if not isinstance(body, dict):
        _refuse("Invalid type: expected an object.", code="invalid_type")
    if not isinstance(body.get("model"), str) or not body["model"]:
        _refuse("you must provide a model parameter")
    if "messages" not in body:
        _refuse("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    messages = body["messages"]
    if not isinstance(messages, list):
        _invalid_type("messages", "an array of objects", messages)
    if not messages:
        _refuse(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty "
            "array instead.",
            "messages",
            "empty_array",
        )
    for index, message in enumerate(messages):
        _check_message(index, message)
    _check_tool_turns(messages)
    if rules.strict:
        for name in sorted(body.keys() - _MEMBERS):
            _refuse(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    if body.get("stream_options") is not None and not body.get("stream"):
        _refuse(
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
            "stream_options",
        )


def _invalid_type(path: str, expected: str, value: Any) -> NoReturn:
    names = {str: "a string", int: "an integer", float: "a decimal", list: "an array", dict: "an object"}
    got = "null" if value is None else names.get(type(value), "a boolean")
    _refuse(f"Invalid type for '{path}': expected {expected}, but got {got} instead.", path, "invalid_type")


def _check_message(index: int, message: Any) -> None:
    path = f"messages[{index}]"
    if not isinstance(message, dict):
        _invalid_type(path, "an object", message)
    role = message.get("role")
    if role is None:
        _refuse(f"Missing required parameter: '{path}.role'.", f"{path}.role", "missing_required_parameter")
    if role not in _ROLES:
        known = ", ".join(f"'{name}'" for name in _ROLES[:-1])
        _refuse(
            f"Invalid value: '{role}'. Supported values are: {known}, and '{_ROLES[-1]}'.",
            f"{path}.role",
            "invalid_value",
        )
    content = message.get("content")
    if content is None:
        if role != "assistant":
            _invalid_type(f"{path}.content", "one of a string or array of objects", None)
    elif isinstance(content, list):
        _check_parts(path, content)
    elif not isinstance(content, str):
        _invalid_type(f"{path}.content", "one of a string or array of objects", content)


def _check_parts(path: str, content: list[Any]) -> None:
    for index, part in enumerate(content):
        where = f"{path}.content[{index}]"
        if not isinstance(part, dict):
            _invalid_type(where, "an object", part)
        if part.get("type") not in _PARTS:
            known = "'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'"
            _refuse(
                f"Invalid value: '{part.get('type')}'. Supported values are: {known}.",
                f"{where}.type",
                "invalid_value",
            )


def _check_tool_turns(messages: list[Any]) -> None:
    open_calls: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message.get("tool_call_id") not in open_calls:
                _refuse(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message "
                    "with 'tool_calls'.",
                    f"messages.[{index}].role",
                )
            open_calls.remove(message["tool_call_id"])
            continue
        _check_answered(open_calls, index)
        open_calls = [call["id"] for call in message.get("tool_calls") or ()]
    _check_answered(open_calls, len(messages))


def _check_answered(open_calls: list[str], index: int) -> None:
    if open_calls:
        _refuse(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(open_calls),
            f"messages.[{index}].role",
        )
