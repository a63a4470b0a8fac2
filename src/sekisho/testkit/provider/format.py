"""What the scripted provider needs of an API's format: how it reads a request and how it writes answers.

Written apart from the gateway's own codecs and from the providers' published pages, so that a fault in a
codec cannot hide behind the same fault here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sekisho.core.reply import Reply
from sekisho.testkit.provider.script import Script


@dataclass(frozen=True, slots=True)
class OfferedTool:
    name: str
    schema: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, reduced to what an answer depends on."""

    model: str
    stream: bool
    include_usage: bool = False
    user_text: str = ""
    """The last user message's text."""
    prompt: str = ""
    """All text of the prompt, to count from."""
    tool_result: str | None = None
    """The last tool result, where the request ends in one."""
    tools: tuple[OfferedTool, ...] = ()
    schema: Any = None
    """What the answer's text must look like."""
    choices: int = 1
    logprobs: bool = False


class Refused(Exception):
    """The request is answered with the provider's own error."""

    def __init__(self, status: int, body: bytes):
        super().__init__(status)
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Format:
    dialect: str
    """The gateway's name for it, so that books and ledger speak of the same thing."""
    id_prefix: str
    request_id_header: str
    authorize: Callable[[Mapping[str, str], str | None], None]
    """(headers, the key it must be, None for any). Raises Refused."""
    check: Callable[[Any, bool], None]
    """(the decoded body, strict). Raises Refused as the provider would; strict refuses unknown members."""
    not_json: Callable[[], bytes]
    ask: Callable[[Any], Asked]
    unary: Callable[[Reply, Asked], bytes]
    frames: Callable[[Reply, Asked, Script], list[bytes]]
    """The whole stream, one server-sent event an element; the last one says that it is complete."""
    error: Callable[[Script, str], bytes]
    """(script, model) -> the body for the script's status."""
    error_frame: bytes


def count(text: str) -> int:
    """Tokens of a text, as this provider counts: one for every four bytes."""
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]
