"""What Anthropic refuses in a messages request, in its own words."""

from typing import Any, NoReturn

from sekisho.testkit.provider.errors import anthropic_error
from sekisho.testkit.provider.format import Refused, Rules
from sekisho.testkit.provider.seals import is_sealed, is_signed

_MEMBERS = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "cache_control",
        "container",
        "context_management",
        "inference_geo",
        "mcp_servers",
        "metadata",
        "output_config",
        "output_format",
        "service_tier",
        "speed",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
        "user_profile_id",
        "betas",
    }
)


def _refuse(message: str) -> NoReturn:
    raise Refused(400, anthropic_error("invalid_request_error", message))


def check(body: Any, rules: Rules) -> None:
    check_prompt(body, rules)
    if "max_tokens" not in body:
        _refuse("max_tokens: Field required")
    limit = body["max_tokens"]
    if not isinstance(limit, int) or isinstance(limit, bool):
        _refuse("max_tokens: Input should be a valid integer")
    if limit < 1:
        _refuse("max_tokens: Input should be greater than or equal to 1")
    if rules.strict:
        for name in sorted(body.keys() - _MEMBERS):
            _refuse(f"{name}: Extra inputs are not permitted")
    _check_thinking(body, limit)


def check_prompt(body: Any, rules: Rules) -> None:
    """What a token count needs as well."""
    if not isinstance(body, dict):
        _refuse("Input should be a valid dictionary")
    for name in ("model", "messages"):
        if name not in body:
            _refuse(f"{name}: Field required")
    if not isinstance(body["model"], str):
        _refuse("model: Input should be a valid string")
    messages = body["messages"]
    if not isinstance(messages, list):
        _refuse("messages: Input should be a valid list")
    if not messages:
        _refuse("messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(f"messages.{index}", message)
    _check_tool_turns(messages)
    if rules.signatures:
        _check_signatures(messages)


def _check_signatures(messages: list[Any]) -> None:
    for index, message in enumerate(messages):
        for at, block in _blocks(message, "thinking"):
            if not is_signed("anthropic", block.get("signature"), block.get("thinking") or ""):
                _refuse(f"messages.{index}.content.{at}: Invalid `signature` in `thinking` block")
        for at, block in _blocks(message, "redacted_thinking"):
            if not is_sealed("anthropic", block.get("data")):
                _refuse(f"messages.{index}.content.{at}: Invalid `data` in `redacted_thinking` block")


def _check_thinking(body: dict[str, Any], limit: int) -> None:
    thinking = body.get("thinking") or {}
    if thinking.get("type") != "enabled":
        return
    budget = thinking.get("budget_tokens")
    if not isinstance(budget, int):
        _refuse("thinking.enabled.budget_tokens: Field required")
    if budget < 1024:
        _refuse("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024")
    if limit <= budget:
        _refuse("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if body.get("temperature", 1) != 1:
        _refuse("`temperature` may only be set to 1 when thinking is enabled.")


def _check_message(path: str, message: Any) -> None:
    if not isinstance(message, dict):
        _refuse(f"{path}: Input should be a valid dictionary")
    role = message.get("role")
    if role == "system":
        _refuse(
            'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, '
            'not "system" as an input message role.'
        )
    if role not in ("user", "assistant"):
        _refuse(f"{path}.role: Input should be 'user' or 'assistant'")
    content = message.get("content")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        _refuse(
            f"{path}.content: " + ("Field required" if content is None else "Input should be a valid list")
        )
    for index, block in enumerate(content):
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            _refuse(f"{path}.content.{index}.type: Field required")
        if block["type"] == "text" and not block.get("text"):
            _refuse("messages: text content blocks must be non-empty")


def _blocks(message: Any, kind: str) -> list[tuple[int, Any]]:
    content = message["content"]
    if isinstance(content, str):
        return []
    return [(index, block) for index, block in enumerate(content) if block["type"] == kind]


def _check_tool_turns(messages: list[Any]) -> None:
    open_calls: set[str] = set()
    for index, message in enumerate(messages):
        results = _blocks(message, "tool_result")
        for at, block in results:
            if block.get("tool_use_id") not in open_calls:
                _refuse(
                    f"messages.{index}.content.{at}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.get('tool_use_id')}. Each `tool_result` block must have a corresponding "
                    "`tool_use` block in the previous message."
                )
        unanswered = open_calls - {block["tool_use_id"] for _, block in results}
        if unanswered:
            _refuse(
                f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately "
                f"after: {', '.join(sorted(unanswered))}. Each `tool_use` block must have a corresponding "
                "`tool_result` block in the next message."
            )
        open_calls = {block["id"] for _, block in _blocks(message, "tool_use")}
