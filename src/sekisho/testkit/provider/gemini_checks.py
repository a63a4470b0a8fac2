"""What Gemini refuses in a generateContent request, in its own words.

Words as users quote them (read 2026-11): google-gemini/gemini-cli 17208 and 26486, boldsoftware/sketch 68,
lbjlaq/Antigravity-Manager 3202. Signatures as ai.google.dev/gemini-api/docs/thought-signatures has them:
the first function call of every step of the current turn must carry the one it came with; two dummies are
let through for calls that come from elsewhere.
"""

import base64
import binascii
import re
from typing import Any, NoReturn

from sekisho.testkit.provider.format import Refused, Rules
from sekisho.testkit.provider.gemini_fields import DATA, IMAGES
from sekisho.testkit.provider.gemini_shape import read
from sekisho.testkit.provider.google_errors import bad_request
from sekisho.testkit.provider.seals import is_sealed

DUMMIES = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_REQUEST = "GenerateContentRequest"
_UNEQUAL = (
    "Please ensure that the number of function response parts is equal to the number of function call parts "
    "of the function call turn."
)
_MISSING = (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work "
    "correctly, and missing thought_signature may lead to degraded model performance. Additional data, "
    "function call `default_api:{name}` , position {position}. Please refer to "
    "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
)


def _refuse(message: str) -> NoReturn:
    raise Refused(400, bad_request(message))


def _wrong(path: str, message: str) -> NoReturn:
    _refuse(f"* {_REQUEST}.{path}: {message}\n")


def check(body: Any, rules: Rules) -> None:
    request = read(body, _REQUEST, strict=rules.strict)
    _check_contents(request)
    _check_turns(request["contents"])
    _check_config(request.get("generationConfig") or {})
    for index, tool in enumerate(request.get("tools") or ()):
        for at, declared in enumerate(tool.get("functionDeclarations") or ()):
            if not _NAME.fullmatch(declared.get("name") or ""):
                _wrong(
                    f"tools[{index}].function_declarations[{at}].name",
                    "[FIELD_INVALID] Invalid function name. Must start with a letter or an underscore. Must "
                    "be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), "
                    "with a maximum length of 128.",
                )
    if rules.signatures:
        _check_signatures(request["contents"])


def unwrap(body: Any, rules: Rules) -> Any:
    """The request whose tokens are to be counted."""
    asked = read(body, "CountTokensRequest", strict=rules.strict)
    request = asked.get("generateContentRequest") or {"contents": asked.get("contents")}
    _check_contents(request)
    return request


# --- contents ---


def _check_contents(request: dict[str, Any]) -> None:
    contents = request.get("contents")
    if not contents:
        _wrong("contents", "contents is not specified")
    for index, content in enumerate(contents):
        if content.get("role", "user") not in ("user", "model", "function", "tool", ""):
            _refuse("Please use a valid role: user, model.")
        if not content.get("parts"):
            _wrong(f"contents[{index}].parts", "contents.parts must not be empty.")
        for at, part in enumerate(content["parts"]):
            _check_part(f"contents[{index}].parts[{at}]", part)
    for at, part in enumerate((request.get("systemInstruction") or {}).get("parts") or ()):
        _check_part(f"system_instruction.parts[{at}]", part)


def _check_part(path: str, part: dict[str, Any]) -> None:
    data = [name for name in DATA if name in part]
    if not data:
        _wrong(f"{path}.data", "required oneof field 'data' must have one initialized field")
    if len(data) > 1:
        _refuse(
            f"Invalid value at '{path}' (oneof), oneof field 'data' is already set. Cannot set '{data[1]}'"
        )
    if data == ["inlineData"]:
        kind = part["inlineData"].get("mimeType") or ""
        if "/" not in kind or (kind.startswith("image/") and kind not in IMAGES):
            _refuse(f"Unsupported MIME type: {kind}")
    if data == ["fileData"] and not part["fileData"].get("fileUri"):
        _wrong(f"{path}.file_data.file_uri", "file_uri cannot be empty.")
    for name in ("functionCall", "functionResponse"):
        if name in part and not part[name].get("name"):
            said = "function_call" if name == "functionCall" else "function_response"
            _wrong(f"{path}.{said}.name", "Name cannot be empty.")


def _of(content: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [part[kind] for part in content["parts"] if kind in part]


def _check_turns(contents: list[dict[str, Any]]) -> None:
    """A turn of calls is answered by the very next one, call by call."""
    pending: list[dict[str, Any]] = []
    for index, content in enumerate(contents):
        responses = _of(content, "functionResponse")
        if responses and not pending:
            _refuse("Please ensure that function response turn comes immediately after a function call turn.")
        if len(responses) != len(pending):
            _refuse(_UNEQUAL)
        _check_answers(pending, responses)
        pending = _of(content, "functionCall")
        if pending and (index == 0 or contents[index - 1].get("role") == "model"):
            _refuse(
                "Please ensure that function call turn comes immediately after a user turn or after a "
                "function response turn."
            )
    if pending:
        _refuse(_UNEQUAL)


def _check_answers(calls: list[dict[str, Any]], responses: list[dict[str, Any]]) -> None:
    known = {(call.get("id"), call["name"]) for call in calls}
    for response in responses:
        if (response.get("id"), response["name"]) in known:
            continue
        if response.get("id") is not None or response["name"] not in {name for _, name in known}:
            _refuse(
                f"Function response `{response['name']}` does not match a function call of the function call "
                "turn."
            )


def _check_signatures(contents: list[dict[str, Any]]) -> None:
    begins = max(
        (index for index, content in enumerate(contents) if _is_prompt(content)),
        default=0,
    )
    for index, content in enumerate(contents):
        calls = [part for part in content["parts"] if "functionCall" in part]
        for place, part in enumerate(content["parts"]):
            given = part.get("thoughtSignature")
            if given is None and index > begins and calls and part is calls[0]:
                _refuse(_MISSING.format(name=part["functionCall"]["name"], position=index + 1))
            if given is not None and not _is_ours(given):
                _refuse(f"Invalid thought signature in content {index}, part {place}.")


def _is_prompt(content: dict[str, Any]) -> bool:
    """What begins a turn: the user's own words, not the results of calls."""
    return content.get("role") != "model" and not _of(content, "functionResponse")


def _is_ours(signature: str) -> bool:
    if signature in DUMMIES or is_sealed("gemini", signature):
        return True
    try:
        decoded = base64.b64decode(signature.replace("-", "+").replace("_", "/"))
    except (binascii.Error, ValueError):
        return False
    return decoded in {dummy.encode() for dummy in DUMMIES}


# --- settings ---


def _check_config(config: dict[str, Any]) -> None:
    for name, low, high in (
        ("temperature", 0, 2),
        ("topP", 0, 1),
        ("candidateCount", 1, 8),
        ("maxOutputTokens", 1, 1 << 31),
    ):
        value = config.get(name)
        if value is not None and not low <= float(value) <= high:
            _refuse(
                f"Unable to submit request because it has a {name} value of {value} but the supported "
                f"range is from {low} (inclusive) to {high} (inclusive). Update the value and try again."
            )
    if len(config.get("stopSequences") or ()) > 5:
        _wrong("generation_config.stop_sequences", "at most 5 stop sequences are allowed.")
    thinking = config.get("thinkingConfig") or {}
    if "thinkingBudget" in thinking and "thinkingLevel" in thinking:
        _refuse("You can only set only one of thinking budget and thinking level.")
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if name in config]
    if schemas and config.get("responseMimeType") not in ("application/json", "text/x.enum"):
        _refuse("When response_schema is set, response_mime_type must be application/json or text/x.enum.")
