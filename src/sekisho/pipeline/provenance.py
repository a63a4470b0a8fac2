"""Who made a signature, carried through clients that know nothing of it.

Thinking signatures, encrypted reasoning and the signatures of tool calls mean something only to the provider
that made them, while a client sends back whatever it got. So what is translated for a client is *sealed*:
the text says which dialect it came by. What comes back is *opened*; what another dialect made is left out.

    a text    MARK, then base64 of `dialect.signature`: base64 as a whole, for clients that decode it to bytes
    a call    its id, MARK, then base64url of `dialect.signature`: the characters that every API takes in ids

A seal is no proof, and needs none: the provider checks its own signatures. One that cannot be opened is
foreign to everybody. Why it is done like this: docs/decisions/0004-signatures-are-sealed.md
"""

import base64
from collections.abc import Sequence

from msgspec.structs import replace

from sekisho.core.contract import Loss
from sekisho.core.event import Event, PartEnd, PartStart, SignatureDelta
from sekisho.core.message import Message, Part, Reasoning, RedactedReasoning, ToolCall, ToolResult
from sekisho.core.reply import Reply
from sekisho.core.request import Request

MARK = "SEKISHOSEAL1"
"""Letters and digits, a multiple of four, so that it can be part of any base64 and of any id. Capitals, for
the search through a prompt is then ten times as fast as with the letters that prompts are made of."""
_MARK_BYTES = MARK.encode()
_NOBODY = ""
_STANDARD = str.maketrans("-_", "+/")
_SIGNED = (ToolCall, ToolResult, Reasoning, RedactedReasoning)
"""Parts that may hold a signature, or the id of a call that does."""
_REASON = "only the API that made it can read it"


def holds_seals(body: bytes) -> bool:
    """Whether a request may hold anything sealed."""
    return _MARK_BYTES in body


# --- single values --------------------------------------------------------------------------------


def seal_text(signature: str, dialect: str) -> str:
    return MARK + base64.b64encode(f"{dialect}.{signature}".encode()).decode()


def open_text(text: str) -> tuple[str, str] | None:
    """(dialect, signature) of a sealed text; None: it is not sealed."""
    if not text.startswith(MARK):
        return None
    found = _decode(text[len(MARK) :])
    return found if found and found[1] else (_NOBODY, text)


def seal_id(call_id: str, signature: str, dialect: str) -> str:
    sealed = base64.urlsafe_b64encode(f"{dialect}.{signature}".encode()).decode().rstrip("=")
    return f"{call_id}{MARK}{sealed}"


def open_id(sealed: str) -> tuple[str, str, str] | None:
    """(id, dialect, signature) of a sealed id; None: it is not sealed."""
    call_id, mark, payload = sealed.rpartition(MARK)
    found = _decode(payload) if mark else None
    return None if found is None else (call_id, *found)


def _decode(payload: str) -> tuple[str, str] | None:
    """Either alphabet, with or without padding: a client that decodes to bytes may write another one."""
    digits = payload.translate(_STANDARD).rstrip("=")
    try:
        plain = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True).decode()
    except ValueError:
        return None
    dialect, dot, signature = plain.partition(".")
    return (dialect, signature) if dialect and dot else None


# --- answers --------------------------------------------------------------------------------------


def seal_reply(reply: Reply, dialect: str) -> Reply:
    """The reply of a provider of `dialect`, for a client of another."""
    choices = tuple(
        replace(choice, parts=tuple(_sealed(part, dialect) for part in choice.parts))
        for choice in reply.choices
    )
    return replace(reply, choices=choices)


def _sealed(part: Part, dialect: str) -> Part:
    if isinstance(part, Reasoning) and part.signature:
        return replace(part, signature=seal_text(part.signature, dialect))
    if isinstance(part, RedactedReasoning) and part.data:
        return replace(part, data=seal_text(part.data, dialect))
    if isinstance(part, ToolCall) and (part.signature or MARK in part.id):
        # An id that a gateway further on has sealed must come back to it as it is.
        return replace(part, id=seal_id(part.id, part.signature or "", dialect), signature=None)
    return part


class StreamSealer:
    """The same for one stream: what it gives folds into the sealed reply.

    A signature may come in pieces, and base64 cannot be cut anywhere, so that it goes out when its part ends.
    """

    __slots__ = ("_dialect", "_held")

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._held: dict[int, str] = {}
        """Signatures so far, of open parts."""

    def seal(self, events: Sequence[Event]) -> list[Event]:
        out: list[Event] = []
        for event in events:
            if isinstance(event, SignatureDelta):
                self._held[event.index] = self._held.get(event.index, "") + event.signature
                continue
            if isinstance(event, PartStart):
                out.append(self._start(event))
                continue
            if isinstance(event, PartEnd) and (signature := self._held.pop(event.index, "")):
                sealed = seal_text(signature, self._dialect)
                out.append(SignatureDelta(index=event.index, signature=sealed))
            out.append(event)
        return out

    def _start(self, event: PartStart) -> PartStart:
        part = event.part
        if isinstance(part, Reasoning) and part.signature:
            self._held[event.index] = part.signature
            return replace(event, part=replace(part, signature=None))
        sealed = _sealed(part, self._dialect)
        return event if sealed is part else replace(event, part=sealed)


# --- requests -------------------------------------------------------------------------------------


def open_request(request: Request, client: str, target: str) -> tuple[Request, tuple[Loss, ...]]:
    """The request of a client of one dialect for a target of another (or of the same), and the signatures
    that it lost. What is not sealed is of the client's own dialect.

    The losses' paths are the client's; a writer's paths count without encrypted reasoning that was left out,
    and without messages that held nothing else.
    """
    opening = _Opening(client, target)
    if not any(isinstance(part, _SIGNED) for message in request.messages for part in message.parts):
        return request, ()
    messages = tuple(
        opened
        for number, message in enumerate(request.messages)
        if (opened := opening.message(message, number)) is not None
    )
    return replace(request, messages=messages), tuple(opening.losses)


class _Opening:
    def __init__(self, client: str, target: str) -> None:
        self.losses: list[Loss] = []
        self._client = client
        self._target = target

    def message(self, message: Message, number: int) -> Message | None:
        """None: nothing is left of it."""
        parts = [
            opened
            for index, part in enumerate(message.parts)
            if (opened := self._part(part, f"messages.{number}.parts.{index}")) is not None
        ]
        if len(parts) == len(message.parts) and all(map(_same, parts, message.parts)):
            return message
        return replace(message, parts=tuple(parts)) if parts else None

    def _part(self, part: Part, path: str) -> Part | None:
        """None: it means nothing to the target."""
        if isinstance(part, ToolCall):
            return self._call(part, path)
        if isinstance(part, ToolResult):
            found = open_id(part.call_id)
            return part if found is None else replace(part, call_id=found[0])
        if isinstance(part, Reasoning) and part.signature:
            signature = self._own(part.signature, path)
            return part if signature == part.signature else replace(part, signature=signature)
        if isinstance(part, RedactedReasoning):
            data = self._own(part.data, path)
            return None if data is None else replace(part, data=data)
        return part

    def _call(self, part: ToolCall, path: str) -> ToolCall:
        found = open_id(part.id)
        if found is None:
            call_id, maker, signature = part.id, self._client, part.signature or ""
        else:
            call_id, maker, signature = found
        if signature and maker != self._target:
            self._lose(path)
            signature = ""
        if found is None and signature == (part.signature or ""):
            return part
        return replace(part, id=call_id, signature=signature or None)

    def _own(self, text: str, path: str) -> str | None:
        """What the target's own dialect made; None, and a loss, for anything else."""
        maker, signature = open_text(text) or (self._client, text)
        if maker == self._target:
            return signature
        self._lose(path)
        return None

    def _lose(self, path: str) -> None:
        self.losses.append(Loss(f"{path}.signature", _REASON, content=False))


def _same(one: Part, other: Part) -> bool:
    return one is other
