"""What Bedrock refuses in a Converse request, in its own words.

Words as users quote them (read 2026-11): earendil-works/pi 4975, langgenius/dify 17545,
archestra-ai/archestra 4220. Paths of messages count from 0, those of the service model from 1.
"""

import re
from typing import Any

from sekisho.testkit.provider.bedrock_shape import hold, invalid
from sekisho.testkit.provider.format import Rules
from sekisho.testkit.provider.seals import is_sealed, is_signed

_FILE_NAME = re.compile(r"(?!.*\s\s)[a-zA-Z0-9\s()\[\]-]{1,200}")
_TRY = "and try again."


def check(body: Any, rules: Rules) -> None:
    hold(body, "Request", "", strict=rules.strict)
    _check_messages(body, rules)
    _check_choice(body.get("toolConfig"))


def unwrap(body: Any, rules: Rules) -> Any:
    """The request whose tokens are to be counted."""
    hold(body, "CountTokens", "", strict=rules.strict)
    request = body["input"].get("converse")
    if request is None:
        invalid("The scripted provider counts the tokens of Converse requests alone.")
    _check_messages(request, rules)
    return request


def _check_messages(body: Any, rules: Rules) -> None:
    messages = body["messages"]
    if not messages or messages[0]["role"] != "user":
        invalid(
            "A conversation must start with a user message. Try again with a conversation that starts with a "
            "user message."
        )
    for index, message in enumerate(messages):
        if index and message["role"] == messages[index - 1]["role"]:
            invalid(
                "A conversation must alternate between user and assistant roles. Make sure the conversation "
                f"alternates between user and assistant roles {_TRY}"
            )
        _check_message(index, message, rules)
    _check_tool_turns(messages)
    if body.get("toolConfig") is None and any(_of(message, *_TOOL_BLOCKS) for message in messages):
        invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")


_TOOL_BLOCKS = ("toolUse", "toolResult")
_OF_ROLE = {"user": ("toolResult", "document"), "assistant": ("toolUse", "reasoningContent")}


def _of(message: Any, *kinds: str) -> list[Any]:
    return [block[kind] for block in message["content"] for kind in kinds if block.get(kind) is not None]


def _check_message(index: int, message: Any, rules: Rules) -> None:
    if not message["content"]:
        invalid(
            f"The content field in the Message object at messages.{index} is empty. Add a ContentBlock "
            f"object to the content field {_TRY}"
        )
    for role, kinds in _OF_ROLE.items():
        for kind in kinds:
            if message["role"] != role and _of(message, kind):
                invalid(f"The {kind} block at messages.{index} is only allowed in a message of role {role}.")
    for at, block in enumerate(message["content"]):
        _check_text(block, f"messages.{index}.content.{at}")
        for inner, part in enumerate((block.get("toolResult") or {}).get("content") or ()):
            _check_text(part, f"messages.{index}.content.{at}.toolResult.content.{inner}")
        if rules.signatures and block.get("reasoningContent") is not None:
            _check_reasoning(block["reasoningContent"], f"messages.{index}.content.{at}")
    _check_documents(message)


def _check_text(block: Any, path: str) -> None:
    if block.get("text") is not None and not block["text"].strip():
        invalid(
            f"The text field in the ContentBlock object at {path} is blank. Add text to the text field, "
            f"{_TRY}"
        )


def _check_reasoning(block: Any, path: str) -> None:
    thought = block.get("reasoningText")
    if thought is not None:
        if not is_signed("anthropic", thought.get("signature"), thought["text"]):
            invalid(
                f"The model returned the following errors: {path}: Invalid `signature` in `thinking` block"
            )
    elif not is_sealed("anthropic", block["redactedContent"]):
        invalid(
            f"The model returned the following errors: {path}: Invalid `data` in `redacted_thinking` block"
        )


def _check_documents(message: Any) -> None:
    documents = _of(message, "document")
    for document in documents:
        if not _FILE_NAME.fullmatch(document["name"]):
            invalid(
                "The document file name can only contain alphanumeric characters, whitespace characters, "
                "hyphens, parentheses, and square brackets. The name can't contain more than one consecutive "
                "whitespace character."
            )
    names = [document["name"] for document in documents]
    if len(names) != len(set(names)):
        invalid("Messages contain duplicate document names. Remove or rename duplicates and try again.")
    if documents and not _of(message, "text"):
        invalid("A text block must be included when using documents.")


def _check_tool_turns(messages: list[Any]) -> None:
    pending: list[str] = []
    for index, message in enumerate(messages):
        answered = [block["toolUseId"] for block in _of(message, "toolResult")]
        if set(answered) - set(pending):
            invalid(
                f"The number of toolResult blocks at messages.{index}.content exceeds the number of toolUse "
                "blocks of previous turn."
            )
        missing = [call for call in pending if call not in answered]
        if missing:
            invalid(
                f"Expected toolResult blocks at messages.{index}.content for the following Ids: "
                f"{', '.join(missing)}"
            )
        pending = [block["toolUseId"] for block in _of(message, "toolUse")]
        if len(pending) != len(set(pending)):
            invalid(f"The toolUse blocks at messages.{index}.content contain duplicate Ids.")
    if pending:
        invalid(
            f"Expected toolResult blocks at messages.{len(messages)}.content for the following Ids: "
            f"{', '.join(pending)}"
        )


def _check_choice(config: Any) -> None:
    named = ((config or {}).get("toolChoice") or {}).get("tool")
    if named is None:
        return
    offered = [(tool.get("toolSpec") or {}).get("name") for tool in config["tools"]]
    if named["name"] not in offered:
        invalid(f"The toolChoice names the tool {named['name']}, which toolConfig does not have.")
