"""The hub's conversation as Google's `contents` and `systemInstruction`.

Google's rules (https://ai.google.dev/gemini-api/docs/function-calling, 2026-11): contents alternate between
`user` and `model`, begin with the user's, and are never empty; the results of calls that were made together
stand together. A content is written from itself and the names of earlier calls alone, so that a longer
conversation starts with the same bytes.

Instructions go into `systemInstruction`, wherever they stood: a content has no role for them.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.message import Audio, Document, Image, Message, PlainText, ToolCall, ToolResult, Video
from sekisho.core.turns import INSTRUCTIONS, join_results
from sekisho.dialects.gemini_generate import results
from sekisho.dialects.gemini_generate.contents import CALLED
from sekisho.dialects.gemini_generate.parts import NO_ID, SIGNATURE, SKIP
from sekisho.dialects.gemini_generate.parts_write import Item, Writing, write
from sekisho.dialects.gemini_generate.schema import own, spread
from sekisho.wire.json import decode, members_of

_NOTHING_SAID: Item = {"role": "user", "parts": [{"text": " "}]}
"""What a conversation begins with that the model began, or that is all instructions."""

Items = list[Item | msgspec.Raw]
Names = dict[str, str | None]
"""The function that every call so far named, by the call's id; None where the call could not be written."""


def write_instruction(messages: Sequence[Message], writing: Writing) -> Item | None:
    """The `systemInstruction`, or None where there are no instructions."""
    found: Items = []
    vendor: Item = {}
    for at, message in enumerate(messages):
        if message.role not in INSTRUCTIONS:
            continue
        _describe(at, message, writing)
        vendor |= spread(message.vendor)
        for number, part in enumerate(message.parts):
            path = f"messages.{at}.parts.{number}"
            if isinstance(part, Image | Document | Audio | Video) and not isinstance(part.source, PlainText):
                writing.content(path, "Gemini's instructions are text only")
                continue
            item = write(part, path, writing)
            found += [] if item is None else [item]
    return {"parts": found, **vendor} if found else None


def write_contents(messages: Sequence[Message], writing: Writing) -> list[Item]:
    """The `contents`."""
    numbered = [(at, message) for at, message in enumerate(messages) if message.role not in INSTRUCTIONS]
    names: Names = {}
    written: list[Item] = []
    for group in join_results(numbered):
        role = "model" if group[0][1].role == "assistant" else "user"
        items: Items = []
        vendor: Item = {}
        for at, message in group:
            _describe(at, message, writing)
            vendor |= spread(message.vendor)
            items += _content(message, f"messages.{at}", names, writing)
        if role == "model" and writing.rules.signatures:
            _sign_first_call(items)
        if items:
            written.append({"role": role, "parts": items, **vendor})
    if not written or written[0]["role"] == "model":
        written.insert(0, _NOTHING_SAID)
    return written


def _describe(at: int, message: Message, writing: Writing) -> None:
    if message.name is not None:
        writing.knob(f"messages.{at}.name", "Gemini's contents have no names")
    writing.foreign(f"messages.{at}", message.vendor)


def _content(message: Message, path: str, names: Names, writing: Writing) -> Items:
    items: Items = []
    behind: Items = []
    for number, part in enumerate(message.parts):
        at = f"{path}.parts.{number}"
        if isinstance(part, ToolCall):
            names[part.id] = None if part.custom else part.name
        if isinstance(part, ToolResult) and message.role != "assistant":
            if names.get(part.call_id, "") is None:
                writing.content(at, "its call could not be written")
            else:
                items.append(_result(part, at, names, behind, writing))
            continue
        item = write(part, at, writing)
        behind += [] if item is None else [item]
    return items + behind


def _result(part: ToolResult, path: str, names: Names, behind: Items, writing: Writing) -> Item:
    """A `functionResponse`. What its model takes only beside it, goes `behind` all results."""
    notes = own(part.vendor)
    noted = notes.get(CALLED)
    response: Item = {} if NO_ID in notes else {"id": part.call_id}
    # Every result has a name, though dialects with ids have none to tell: Google says what it makes of this.
    response["name"] = decode(noted) if noted is not None else names.get(part.call_id) or part.call_id
    texts, media = _inner(part, path, writing)
    noted_key = len(texts) == 1 and any(results.NOTE in own(inner.vendor) for inner in part.parts)
    response["response"] = results.write("\n".join(texts), failed=part.is_error, noted=noted_key)
    if media and writing.rules.results_with_media:
        response["parts"] = media
    else:
        behind += media
    if part.cache is not None:
        writing.knob(f"{path}.cache", "Gemini caches prefixes by itself")
    writing.foreign(path, part.vendor)
    rest = spread(part.vendor)
    inner = rest.pop("functionResponse", None)
    if inner is not None:
        response |= members_of(inner)
    return {"functionResponse": response, **rest}


def _inner(part: ToolResult, path: str, writing: Writing) -> tuple[list[str], Items]:
    """(texts, which go into the `response`, everything else)."""
    texts: list[str] = []
    media: Items = []
    for number, inner in enumerate(part.parts):
        item = write(inner, f"{path}.parts.{number}", writing)
        text = item.get("text") if isinstance(item, dict) else None
        if isinstance(text, str):
            texts.append(text)
        elif item is not None:
            media.append(item)
    return texts, media


def _sign_first_call(items: Items) -> None:
    """Calls that another model made have no signature of Gemini's: without any, the request is refused."""
    for item in items:
        if isinstance(item, dict) and "functionCall" in item:
            item.setdefault(SIGNATURE, SKIP)
            return
