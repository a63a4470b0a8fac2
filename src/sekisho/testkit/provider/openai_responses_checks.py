"""What OpenAI refuses in a responses request, in its own words.

The words are the ones that OpenAI's users quote in public issues (read 2026-11): openai/codex 8128,
openai/openai-agents-python 1660, continuedev/continue 11785, BerriAI/litellm 13420.
"""

from typing import Any, NoReturn

from sekisho.testkit.provider.errors import openai_error
from sekisho.testkit.provider.format import Refused, Rules
from sekisho.testkit.provider.openai_responses_items import items
from sekisho.testkit.provider.openai_responses_members import (
    COUNT_MEMBERS,
    ITEM_IDS,
    ITEM_MEMBERS,
    MEMBERS,
    PART_MEMBERS,
    TOOLS,
    PartMembers,
)
from sekisho.testkit.provider.seals import is_sealed

_ROLES = ("assistant", "system", "developer", "user")
_NAMES = {str: "a string", int: "an integer", float: "a decimal", list: "an array", dict: "an object"}
_CALLS = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
_SHORTEST = 16
"""Fewer output tokens than this are refused."""


def _refuse(message: str, param: str | None = None, code: str | None = None) -> NoReturn:
    raise Refused(400, openai_error("invalid_request_error", message, param=param, code=code))


def _invalid_type(path: str, expected: str, value: Any) -> NoReturn:
    got = "null" if value is None else _NAMES.get(type(value), "a boolean")
    _refuse(f"Invalid type for '{path}': expected {expected}, but got {got} instead.", path, "invalid_type")


def _invalid_value(path: str, value: Any, known: tuple[str, ...]) -> NoReturn:
    listed = ", ".join(f"'{name}'" for name in known[:-1])
    listed = f"{listed}, and '{known[-1]}'" if listed else f"'{known[-1]}'"
    _refuse(f"Invalid value: '{value}'. Supported values are: {listed}.", path, "invalid_value")


def _missing(path: str) -> NoReturn:
    _refuse(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")


def _unknown(path: str) -> NoReturn:
    _refuse(f"Unknown parameter: '{path}'.", path, "unknown_parameter")


def check(body: Any, rules: Rules) -> None:
    _check_body(body, MEMBERS, rules)
    if "model" not in body:
        _missing("model")
    limit = body.get("max_output_tokens")
    if isinstance(limit, int) and limit < _SHORTEST:
        _refuse(
            f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {_SHORTEST}, "
            f"but got {limit} instead.",
            "max_output_tokens",
            "integer_below_min_value",
        )
    if body.get("background") and body.get("store") is False:
        _refuse("Background mode requires `store` to be true.", "background")
    if body.get("stream_options") is not None and not body.get("stream"):
        _refuse("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")


def check_prompt(body: Any, rules: Rules) -> Any:
    """What a token count needs; nothing of it is compulsory."""
    _check_body({"input": [], **body} if isinstance(body, dict) else body, COUNT_MEMBERS, rules)
    return body


def _check_body(body: Any, members: "dict[str, tuple[type, ...]]", rules: Rules) -> None:
    if not isinstance(body, dict):
        _refuse("Invalid type: expected an object.", code="invalid_type")
    if rules.strict:
        for name in sorted(body.keys() - members.keys()):
            _unknown(name)
    for name, value in body.items():
        kinds = members.get(name)
        if kinds is not None and value is not None and type(value) not in kinds:
            _invalid_type(
                name, "one of " + " or ".join(_NAMES.get(kind, "a boolean") for kind in kinds), value
            )
    if "input" not in body:
        _missing("input")
    for index, item in enumerate(items(body)):
        _check_item(f"input[{index}]", item, rules)
    _check_calls(items(body))
    _check_reasoning(items(body), rules)
    for index, tool in enumerate(body.get("tools") or ()):
        _check_tool(f"tools[{index}]", tool)
    _check_format((body.get("text") or {}).get("format"))


# --- items ---


def _check_item(path: str, item: Any, rules: Rules) -> None:
    if not isinstance(item, dict):
        _invalid_type(path, "an object", item)
    kind = item.get("type") or ("message" if "role" in item else None)
    if kind is None:
        _missing(f"{path}.type")
    if kind not in ITEM_MEMBERS:
        _invalid_value(f"{path}.type", kind, tuple(sorted(ITEM_MEMBERS)))
    members = ITEM_MEMBERS[kind]
    if members is None:
        return
    required, allowed = members
    for name in required:
        if item.get(name) is None:
            _missing(f"{path}.{name}")
    if rules.strict:
        for name in sorted(item.keys() - required - allowed - {"type", "id"}):
            _unknown(f"{path}.{name}")
    _check_id(path, kind, item.get("id"))
    if kind == "message":
        _check_message(path, item, rules)


def _check_id(path: str, kind: str, given: Any) -> None:
    prefix = ITEM_IDS.get(kind)
    if prefix is None or given is None:
        return
    if not isinstance(given, str):
        _invalid_type(f"{path}.id", "a string", given)
    if not given.startswith(prefix):
        _refuse(
            f"Invalid '{path}.id': '{given}'. Expected an ID that begins with '{prefix}'.",
            f"{path}.id",
            "invalid_value",
        )


def _check_message(path: str, item: dict[str, Any], rules: Rules) -> None:
    if item["role"] not in _ROLES:
        _invalid_value(path, item["role"], _ROLES)
    content = item["content"]
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        _invalid_type(f"{path}.content", "one of an array of objects or string", content)
    known = PART_MEMBERS["output" if item["role"] == "assistant" else "input"]
    for index, part in enumerate(content):
        _check_part(f"{path}.content[{index}]", part, known, rules)


def _check_part(path: str, part: Any, known: PartMembers, rules: Rules) -> None:
    if not isinstance(part, dict):
        _invalid_type(path, "an object", part)
    kind = part.get("type")
    if not isinstance(kind, str) or kind not in known:
        _invalid_value(path, kind, tuple(known))
    required, allowed = known[kind]
    for name in required:
        if not isinstance(part.get(name), str):
            _missing(f"{path}.{name}")
    if rules.strict:
        for name in sorted(part.keys() - required - allowed - {"type"}):
            _unknown(f"{path}.{name}")


def _check_calls(asked: list[Any]) -> None:
    """Outputs answer calls by their id, wherever in the input the two stand."""
    for call, output in _CALLS.items():
        called = [item["call_id"] for item in asked if item.get("type") == call]
        answered = [item["call_id"] for item in asked if item.get("type") == output]
        said = call.removesuffix("_call").replace("_tool", " tool")
        for call_id in answered:
            if call_id not in called:
                _refuse(f"No tool call found for {said} call output with call_id {call_id}.", "input")
        for call_id in called:
            if call_id not in answered:
                _refuse(f"No tool output found for {said} call {call_id}.", "input")


def _check_reasoning(asked: list[Any], rules: Rules) -> None:
    for index, item in enumerate(asked):
        if item.get("type") != "reasoning":
            continue
        following = asked[index + 1] if index + 1 < len(asked) else {}
        ours = following.get("role") == "assistant" or following.get("type") in (*_CALLS, "reasoning")
        if not ours and following.get("type", "message") in ("message", *_CALLS.values()):
            _refuse(
                f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following "
                "item.",
                "input",
            )
        content = item.get("encrypted_content")
        if rules.signatures and content is not None and not is_sealed("openai", content):
            _refuse(
                f"The encrypted content {str(content)[:4]}...{str(content)[-4:]} could not be verified. "
                "Reason: Encrypted content could not be decrypted or parsed.",
                code="invalid_encrypted_content",
            )


# --- tools and formats ---


def _check_tool(path: str, tool: Any) -> None:
    if not isinstance(tool, dict):
        _invalid_type(path, "an object", tool)
    kind = tool.get("type")
    if kind is None:
        _missing(f"{path}.type")
    if kind not in TOOLS:
        _invalid_value(f"{path}.type", kind, TOOLS)
    if kind in ("function", "custom") and not isinstance(tool.get("name"), str):
        _missing(f"{path}.name")


def _check_format(wanted: Any) -> None:
    if not isinstance(wanted, dict):
        return
    kind = wanted.get("type")
    if kind not in ("text", "json_object", "json_schema"):
        _invalid_value("text.format.type", kind, ("json_object", "json_schema", "text"))
    if kind == "json_schema":
        for name in ("name", "schema"):
            if name not in wanted:
                _missing(f"text.format.{name}")
