"""What tests ask of a client and what they get, in no SDK's words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

THINKING_BUDGET = 1024


@dataclass(frozen=True)
class Access:
    """One key, and how it signs."""

    url: str
    key: str
    access_key_id: str
    secret_access_key: str


@dataclass(frozen=True)
class Tool:
    name: str
    properties: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """Of its arguments: texts."""
        return schema(**dict.fromkeys(self.properties, "string"))


def schema(**members: str) -> dict[str, Any]:
    """An object with members of these types, all of them required."""
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in members.items()},
        "required": list(members),
        "additionalProperties": False,
    }


@dataclass(frozen=True)
class User:
    text: str
    image: bytes | None = None
    """A PNG."""


@dataclass(frozen=True)
class Called:
    id: str
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Results:
    """Of all calls of the turn before, in their order."""

    of: tuple[tuple[Called, str], ...]


@dataclass(frozen=True, kw_only=True)
class Answer:
    text: str
    finish: str
    """In the SDK's own word."""
    calls: tuple[Called, ...] = ()
    thinking: str = ""
    prompt: int
    output: int
    turn: Any
    """What the SDK's users send back as the assistant's turn."""


@dataclass(frozen=True, kw_only=True)
class Ask:
    model: str
    turns: tuple[User | Answer | Results, ...]
    system: str = ""
    tools: tuple[Tool, ...] = ()
    max_tokens: int = 500
    stop: tuple[str, ...] = ()
    thinking: bool = False
    schema: dict[str, Any] | None = None
    stream: bool = False


@dataclass(frozen=True)
class Told:
    """What an SDK's error says."""

    status: int | None
    message: str
    retry_after: str | None


class Client(Protocol):
    """One SDK. Whatever it raises comes through as it is."""

    own: ClassVar[frozenset[str]]
    """Names of the providers that can express what `ask_beyond` asks."""
    words: ClassVar[Mapping[str, str]]
    """The hub's finish reason -> the SDK's word. What is not in it is said as `stop`."""
    errors: ClassVar[Mapping[int, type[Exception]]]
    """Status -> the SDK's class."""
    broken: ClassVar[type[Exception]]
    """Raised where a stream ends in an error."""
    shows_thinking: ClassVar[bool]
    returns_signatures: ClassVar[bool]
    stops: ClassVar[bool]
    """Has stop sequences."""

    async def ask(self, ask: Ask) -> Answer: ...

    async def ask_beyond(self, model: str) -> None:
        """Something that only the client's own API can say."""
        ...

    async def count(self, ask: Ask) -> int | None:
        """The prompt's tokens; None where the SDK does not ask for them."""
        ...

    def told(self, error: Any) -> Told: ...

    async def close(self) -> None: ...


def arguments(text: str) -> dict[str, Any]:
    read = json.loads(text)
    assert isinstance(read, dict)
    return read


def http_told(error: Any) -> Told:
    """Of SDKs whose errors hold the HTTP response."""
    return Told(error.status_code, str(error), error.response.headers.get("retry-after"))
