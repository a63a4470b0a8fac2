"""What the scripted provider does with one request, as data.

A script is chosen, in this order: from the queue that a test filled, from the request's `x-script` header
(JSON), from the model's name, or it is the server's default. Through a gateway only the body arrives, so
every behaviour can be named there: `echo`, `status-503`, `cut-after-3`, `slow?chunk_gap=0.5&chunk_count=10`.
"""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import parse_qsl

import msgspec

from sekisho.core.reply import FinishReason
from sekisho.core.usage import Usage

BeforeHeaders = Literal["stall", "reset", "close"]


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    arguments: str = "{}"
    """JSON text as the model wrote it; it may be broken."""


class Script(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One answer's content, timing and faults. Times are seconds."""

    # --- content ---
    text: str | None = None
    """None: the last user text is repeated."""
    thinking: str | None = None
    signature: str | None = None
    """None: the provider's own, which it checks when it comes back."""
    redacted: str | None = None
    """Thinking that goes out encrypted; formats that cannot say it leave it out."""
    refusal: str | None = None
    tool_calls: tuple[ToolUse, ...] = ()
    once: bool = False
    """The calls are made only where the request does not end in a tool's result already: what follows is the
    text."""
    use_tools: Literal["first", "all"] | None = None
    """Call the tools that the request offers with arguments that fit their schemas; once their results
    have come back, answer with the last result's text."""
    structured: bool = False
    """The text is a JSON value that fits the schema which the request asks for."""
    finish: FinishReason | None = None
    stop_sequence: str | None = None
    usage: Usage | None = None
    """None: counted from the texts."""

    # --- timing ---
    delay_before_headers: float = 0.0
    first_token_delay: float = 0.0
    chunk_gap: float = 0.0
    chunk_size: int = 12
    """Characters of content in one event."""
    chunk_count: int | None = None
    """So many content events exactly: the text is repeated or cut to fill them."""
    trickle_bytes: int | None = None
    """So many bytes a write, regardless of events, HTTP chunks and characters."""
    trickle_gap: float = 0.001

    # --- faults ---
    before_headers: BeforeHeaders | None = None
    cut_after_events: int | None = None
    """The connection closes after so many events, the HTTP body unfinished. Unary: after half the body."""
    cut_after_bytes: int | None = None
    """The same, after so many bytes of the body."""
    stall_after_events: int | None = None
    """Nothing more comes, and the connection stays open."""
    reset_after_events: int | None = None
    """As a cut, but with a TCP reset."""
    error_after_events: int | None = None
    """The provider's own error event, then a clean end of the body."""
    malformed_after_events: int | None = None
    """One event with broken JSON; the stream goes on."""
    corrupt_after_events: int | None = None
    """One event whose checksum is wrong; where events have none, as `malformed_after_events`."""
    missing_terminator: bool = False
    """A clean HTTP body without the event that says the stream is complete."""

    # --- instead of an answer ---
    status: int = 200
    error: str | None = None
    """A variant of the status' error body, see `errors`: `quota`, `context`, `filter`, ..."""
    retry_after: float | None = None
    html: bool = False
    """The page of a proxy in front of the provider, not the provider's own error."""


_COUNTED = {
    "status": "status",
    "cut-after": "cut_after_events",
    "cut-after-bytes": "cut_after_bytes",
    "stall-after": "stall_after_events",
    "reset-after": "reset_after_events",
    "error-after": "error_after_events",
    "malformed-after": "malformed_after_events",
    "corrupt-after": "corrupt_after_events",
}
_NUMBERED = re.compile(r"([a-z-]+)-(\d+)")
_LONG = (
    "関所は旅人と荷を検め、道中の安全を守った。 The checkpoint inspected every traveller and every parcel. "
)

SCRIPTS: Mapping[str, Script] = {
    "echo": Script(),
    "hello": Script(text="Hello! How can I help you today?"),
    "japanese": Script(text="こんにちは。関所へようこそ。🏯 本日はどのようなご用件でしょうか。"),
    "empty": Script(text=""),
    "long": Script(text=_LONG * 40),
    "big": Script(text=_LONG * 10_000, chunk_size=4096),
    "slow": Script(text=_LONG, first_token_delay=0.2, chunk_gap=0.1),
    "trickle": Script(text=_LONG, trickle_bytes=7),
    "thinking": Script(thinking="The user greets me. I greet back.", text="Hello there!"),
    "redacted": Script(redacted="What I thought must not be seen.", text="Hello there!"),
    "tool": Script(use_tools="first"),
    "parallel-tools": Script(use_tools="all"),
    "json": Script(structured=True),
    "refusal": Script(refusal="I can't help with that request.", finish="refusal"),
    "filtered": Script(text="I was about to say", finish="content_filter"),
    "cut-short": Script(text="As I was saying before the limit", finish="length"),
    "cached": Script(
        text="I have read this before.",
        usage=Usage(input=20, cache_read=1000, cache_write=300, cache_write_1h=40, output=60, reasoning=12),
    ),
    "stall": Script(before_headers="stall"),
    "reset": Script(before_headers="reset"),
    "close": Script(before_headers="close"),
    "malformed": Script(text=_LONG, malformed_after_events=2),
    "no-end": Script(text=_LONG, missing_terminator=True),
    "html": Script(status=502, html=True),
    "throttled": Script(status=429, retry_after=1),
    "overloaded": Script(status=503),
    "quota": Script(status=429, error="quota"),
    "too-long": Script(status=400, error="context"),
    "unsafe": Script(status=400, error="filter"),
}


def named(model: str, scripts: Mapping[str, Script] = SCRIPTS) -> Script | None:
    """The script that a model's name asks for; None where it is the name of a model.

    Raises msgspec.ValidationError for a name whose settings do not fit.
    """
    name, _, settings = model.removeprefix("scripted/").partition("?")
    script = scripts.get(name)
    if script is None:
        match = _NUMBERED.fullmatch(name)
        field = _COUNTED.get(match[1]) if match else None
        if match is None or field is None:
            return None
        number = int(match[2])
        script = Script(status=number) if field == "status" else _with(Script(text=_LONG), {field: number})
    return _with(script, dict(parse_qsl(settings))) if settings else script


def _with(script: Script, settings: Mapping[str, object]) -> Script:
    members = {**msgspec.to_builtins(script), **settings}
    if "usage" in settings:
        members["usage"] = msgspec.json.decode(str(settings["usage"]))
    return msgspec.convert(members, Script, strict=False)
