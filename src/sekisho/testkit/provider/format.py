"""What the scripted provider needs of an API's format: how it reads a request and how it writes answers.

Written apart from the gateway's own codecs and from the providers' published pages, so that a fault in a
codec cannot hide behind the same fault here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sekisho.core.reply import Reply
from sekisho.core.usage import Usage
from sekisho.testkit.provider.connection import Received
from sekisho.testkit.provider.performance import Faults
from sekisho.testkit.provider.script import Script

ACCESS_KEY_ID = "AKIASCRIPTEDPROVIDER"
SECRET_ACCESS_KEY = "scripted/secret+access+key/for+tests/alone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Whom the server lets in."""

    api_key: str | None = None
    """Key or bearer token; None: any."""
    access_key_id: str = ACCESS_KEY_ID
    """For signed requests, together with the secret."""
    secret_access_key: str = SECRET_ACCESS_KEY


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How much is checked."""

    strict: bool = False
    """Members that the API lacks are refused."""
    signatures: bool = True
    """Reasoning that comes back must be what this provider wrote."""


@dataclass(frozen=True, slots=True)
class Path:
    """What the path says, in APIs whose bodies do not."""

    model: str = ""
    """Unescaped."""
    stream: bool = False


@dataclass(frozen=True, slots=True)
class OfferedTool:
    name: str
    schema: Any
    custom: bool = False
    """Its input is free text."""


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
    prompts: tuple[str, ...] = ()
    """Several prompts, each answered by itself, where the API takes them."""
    tool_result: str | None = None
    """The last tool result, where the request ends in one."""
    tools: tuple[OfferedTool, ...] = ()
    schema: Any = None
    """What the answer's text must look like."""
    choices: int = 1
    logprobs: bool = False
    body: Mapping[str, Any] = field(default_factory=dict)
    """The request itself, for APIs that repeat parts of it in their answer."""


class Refused(Exception):
    """The request is answered with the provider's own error."""

    def __init__(
        self,
        status: int,
        body: bytes,
        headers: tuple[tuple[str, str], ...] = (),
        content_type: str = "application/json",
    ):
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers
        self.content_type = content_type


@dataclass(frozen=True, slots=True)
class Counting:
    """The operation that counts a prompt's tokens."""

    unwrap: Callable[[Any, Rules], Any]
    """(body, rules) -> the request whose prompt is meant. Raises Refused."""
    write: Callable[[int], bytes]


def as_said(usage: Usage) -> Usage:
    """For formats that tell every kind of token apart."""
    return usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    dialect: str
    """The gateway's name for it, so that books and ledger speak of the same thing."""
    id_form: str
    """An answer's id, of `run` (eight hexadecimal digits) and `number`."""
    request_id_header: str
    said: tuple[tuple[str, str], ...] = ()
    """Headers beside every answer."""
    id_in_header: bool = False
    """The body names no id, so the request's id stands for the answer."""
    authorize: Callable[[Received, Credentials], None]
    """Raises Refused."""
    check: Callable[[Any, Rules], None]
    """Of the decoded body. Raises Refused as the provider would."""
    not_json: Callable[[], Refused]
    ask: Callable[[Any, Path], Asked]
    unary: Callable[[Reply, Asked], bytes]
    frames: Callable[[Reply, Asked, Script], list[bytes]]
    """The whole stream, one event an element; the last ones say that it is complete."""
    faults: Callable[[Reply, Asked, Script], Faults]
    error: Callable[[Script, Asked], Refused]
    """What the script's status is answered with."""
    counting: Counting | None = None
    stream_type: str = "text/event-stream; charset=utf-8"
    booked: Callable[[Usage], Usage] = as_said
    """What the format's counts come to for whoever reads them; kinds it cannot tell apart are added up."""
    remembers: bool = False
    """Answers are kept, and later requests may refer to them."""


def count(text: str) -> int:
    """Tokens of a text, as this provider counts: one for every four bytes."""
    return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)] or [""]
