"""What a scorer sees of a request, found in its members in any dialect without reading it into the hub.

Of a long conversation only the end is read, until the user has said something. Everything else stays bytes.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress

import msgspec

from sekisho.core.contract import Members
from sekisho.core.tier import Sample
from sekisho.metering.prompt import INSTRUCTION_MEMBERS
from sekisho.pipeline.ask import BYTES_A_TOKEN
from sekisho.wire.shape import BROKEN

LONGEST = 2048
"""Characters of a text that are given from its beginning, and as many from its end."""
MOST_BYTES = 6 * LONGEST
"""Of JSON, that as many characters take at most where Japanese is escaped."""
LONGEST_ESCAPE = 12
"""Bytes: two halves of a character, `\\ud83d\\ude00`."""
SHORT = 40
"""Characters. Who says less goes on with what was said before: `and in Japanese?`."""
CONVERSATIONS = ("messages", "input", "contents")
TEXTS = ("prompt", "input")
"""Members that may be the prompt itself, as one text or a list of texts."""
INSTRUCTORS = frozenset(("system", "developer"))
USERS = ("user", None)
MOST_READ = 64
"""Messages that are read from the end: in a long run of tool calls the user's words may lie further back."""


_IMAGES = re.compile(
    rb"""
    "type"\s*+:\s*+"(?:input_)?(?:image|video)(?:_url)?"        # OpenAI, Anthropic
    | "mime_?[tT]ype"\s*+:\s*+"(?:image|video)/                 # Gemini
    | "(?:image|video)"\s*+:\s*+\{\s*+"(?:format|source)"       # Bedrock
    """,
    re.VERBOSE,
)
"""Parts that are images, as the dialects write them. Within a text the marks of quotation are escaped."""


class _Message(msgspec.Struct):
    """A message in any dialect, as far as it matters here."""

    role: str | None = "user"
    content: msgspec.Raw = msgspec.Raw(b"null")
    parts: msgspec.Raw = msgspec.Raw(b"null")


class _Part(msgspec.Struct):
    text: msgspec.Raw = msgspec.Raw(b"null")


_message = msgspec.json.Decoder(_Message)
_messages = msgspec.json.Decoder(list[_Message])
_parts = msgspec.json.Decoder(list[_Part | str])
_string = msgspec.json.Decoder(str)


def sample(body: bytes, members: Members) -> Sample:
    """Of a request's body, whose members these are. Never fails: of what nobody can read, nothing is seen."""
    system = next((_told(members[name]) for name in INSTRUCTION_MEMBERS if name in members), "")
    conversation = _conversation(members)
    if conversation:
        system = system or _instruction(conversation[0])
        text, turns = _said(conversation)
    else:
        text, turns = "\n".join([_text(members[name]) for name in TEXTS if name in members]), 0
    return Sample(
        text=text,
        system=system,
        turns=turns,
        tokens=len(body) // BYTES_A_TOKEN,
        images=any(name in members and _IMAGES.search(members[name]) for name in CONVERSATIONS),
        tools="tools" in members or "toolConfig" in members,
    )


def _conversation(members: Members) -> list[_Message]:
    """The messages; none where the prompt is a text."""
    for name in CONVERSATIONS:
        if name in members:
            with suppress(*BROKEN):
                if _begins(members[name], b"["):
                    return _messages.decode(members[name])
                if _begins(members[name], b"{"):
                    return [_message.decode(members[name])]
    return []


def _told(instructions: msgspec.Raw) -> str:
    """What instructions beside the messages say: a text, parts, or at Gemini an object of parts."""
    if not _begins(instructions, b"{"):
        return _text(instructions)
    try:
        return _words(_message.decode(instructions))
    except BROKEN:
        return ""


def _instruction(message: _Message) -> str:
    """What a first message says that gives instructions."""
    return _words(message) if message.role in INSTRUCTORS else ""


def _said(messages: list[_Message]) -> tuple[str, int]:
    """(what the user says last, messages before it). With what was said before where that is short."""
    text, turns = "", 0
    for at in range(len(messages) - 1, max(-1, len(messages) - 1 - MOST_READ), -1):
        message = messages[at]
        words = _words(message) if message.role in USERS else ""
        if text and words:
            return f"{words}\n{text}", turns
        if words:
            text, turns = words, at
        if len(text) >= SHORT:
            break
    return text, turns


def _words(message: _Message) -> str:
    return _text(message.content) or _text(message.parts)


def _text(raw: msgspec.Raw) -> str:
    """A text, or the texts of a list of parts; of what else a part may be (an image, a tool's result),
    nothing. Looks no deeper than that."""
    try:
        if not _begins(raw, b"["):
            return _ends(raw)
        texts = [part if isinstance(part, str) else _ends(part.text) for part in _parts.decode(raw)]
        return _shortened("\n".join([text for text in texts if text]))
    except BROKEN:
        return ""


def _begins(raw: msgspec.Raw, mark: bytes) -> bool:
    return bytes(memoryview(raw)[:1]) == mark


def _ends(raw: msgspec.Raw) -> str:
    """A JSON string; of a long one its beginning and its end, and the rest is not read. Of what is none,
    nothing. Raises what `BROKEN` names."""
    if not _begins(raw, b'"'):
        return ""
    if len(memoryview(raw)) <= 4 * MOST_BYTES:
        return _shortened(_string.decode(raw))
    view = memoryview(raw)
    first, last = bytes(view[1:MOST_BYTES]), bytes(view[-MOST_BYTES:])
    beginning = next(_readable(b'"%b"' % first[: len(first) - cut] for cut in range(LONGEST_ESCAPE)), "")
    end = next(_readable(b'"%b' % last[cut:] for cut in range(LONGEST_ESCAPE)), "")
    return f"{beginning[:LONGEST]}\n{end[-LONGEST:]}"


def _readable(pieces: Iterable[bytes]) -> Iterator[str]:
    """Those that were not cut in the middle of a character or of an escape."""
    for piece in pieces:
        with suppress(*BROKEN):
            yield _string.decode(piece)


def _shortened(text: str) -> str:
    return text if len(text) <= 2 * LONGEST else f"{text[:LONGEST]}\n{text[-LONGEST:]}"
