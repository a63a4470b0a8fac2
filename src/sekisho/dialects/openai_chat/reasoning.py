"""What a model thought, in the members that compatible providers have for it.

OpenAI's own Chat Completions has none. DeepSeek, Qwen and vLLM say `reasoning_content`; Groq, Ollama and
OpenRouter say `reasoning`; OpenRouter's `reasoning_details` also hold signatures and encrypted thinking,
which must come back unchanged. Which member a part came by is noted in its vendor members:

    _member   `reasoning_content` or `reasoning`: the part is that member's text
    _detail   an entry of `reasoning_details`, without its text, data and signature; true where the part is
              the whole entry, of a type that the hub does not know

Parts with such a note are written as they came. Clients get other dialects' thinking as `reasoning` and
`reasoning_content` (whichever they read; vLLM wrote both, too) and as `reasoning_details`, so that a client
that sends the message back sends the signatures back.
"""

from collections.abc import Sequence

import msgspec

from sekisho.core.message import Opaque, Part, Reasoning, RedactedReasoning
from sekisho.dialects.openai_chat.schema import WireDetail
from sekisho.dialects.openai_chat.shape import NAME, own
from sekisho.wire import json
from sekisho.wire.json import members_of
from sekisho.wire.shape import Shape

MEMBER = "_member"
DETAIL = "_detail"
TEXT = "reasoning.text"
SUMMARY = "reasoning.summary"
ENCRYPTED = "reasoning.encrypted"

detail_shape = Shape(WireDetail)

Entry = dict[str, object]


def by_member(member: str, text: str = "") -> Reasoning:
    return Reasoning(text=text, vendor={NAME: {MEMBER: json.raw(member)}})


def of_message(
    content: str | None, reasoning: str | None, details: Sequence[tuple[msgspec.Raw, WireDetail]]
) -> list[Part]:
    """The parts of a whole message's reasoning members. The plain texts repeat the details' texts, and
    count only where those have none."""
    parts: list[Part] = []
    if not any(text_of(detail) for _, detail in details):
        if content:
            parts.append(by_member("reasoning_content", content))
        elif reasoning:
            parts.append(by_member("reasoning", reasoning))
    parts += [part_of(raw, detail) for raw, detail in details]
    return parts


def text_of(detail: WireDetail) -> str:
    return detail.text or detail.summary or ""


def part_of(raw: msgspec.Raw, detail: WireDetail) -> Part:
    """One entry of `reasoning_details` as a part."""
    if detail.type in (TEXT, SUMMARY):
        note = _note(raw, detail)
        return Reasoning(text=text_of(detail), signature=detail.signature or None, vendor={NAME: note})
    if detail.type == ENCRYPTED and detail.data is not None:
        return RedactedReasoning(data=detail.data, vendor={NAME: _note(raw, detail)})
    return Opaque(dialect=NAME, type=detail.type, raw=raw, vendor={NAME: {DETAIL: json.raw(value=True)}})


def _note(raw: msgspec.Raw, detail: WireDetail) -> dict[str, msgspec.Raw]:
    return {DETAIL: json.raw({"type": detail.type, **detail_shape.rest(raw)})}


# --- writing ---------------------------------------------------------------------------------------


def member_of(part: Part) -> str | None:
    """The plain member that the part came by, if it did."""
    raw = own(part.vendor).get(MEMBER) if isinstance(part, Reasoning) else None
    return None if raw is None else str(json.decode(raw))


def is_detail(part: Part) -> bool:
    """Whether the part came as an entry of `reasoning_details`."""
    return isinstance(part, Opaque | Reasoning | RedactedReasoning) and DETAIL in own(part.vendor)


def entry(part: Part, number: int) -> Entry:
    """The part's entry in `reasoning_details` without text, data and signature; `number` is its place
    among the message's entries."""
    raw = own(part.vendor).get(DETAIL)
    if raw is not None:
        return dict(members_of(raw))
    return {"type": TEXT if isinstance(part, Reasoning) else ENCRYPTED, "index": number}


def text_name(template: Entry) -> str:
    """The member of an entry that holds its text."""
    kind = template["type"]
    return "summary" if kind == SUMMARY or kind == msgspec.Raw(b'"reasoning.summary"') else "text"


def write(parts: Sequence[Part], *, for_client: bool) -> Entry:
    """A whole message's reasoning members. Providers get no plain texts beside details."""
    plain: dict[str, str] = {}
    details: list[object] = []
    shown: list[str] = []
    for part in parts:
        member = member_of(part)
        if member is not None and isinstance(part, Reasoning):
            plain[member] = plain.get(member, "") + part.text
        elif isinstance(part, Opaque):
            details.append(part.raw)
        elif isinstance(part, Reasoning | RedactedReasoning):
            details.append(_whole(part, len(details)))
            shown.append(part.text if isinstance(part, Reasoning) else "")
    text = "".join(shown)
    if for_client and text and not plain:
        plain = {"reasoning": text, "reasoning_content": text}
    return {**plain, "reasoning_details": details} if details else {**plain}


def _whole(part: Reasoning | RedactedReasoning, number: int) -> Entry:
    template = entry(part, number)
    if isinstance(part, RedactedReasoning):
        return {**template, "data": part.data}
    template[text_name(template)] = part.text
    if part.signature is not None:
        template["signature"] = part.signature
    return template


def belongs(part: Part) -> bool:
    """Whether the part is written into a message's reasoning members."""
    return isinstance(part, Reasoning | RedactedReasoning) or is_detail(part)
