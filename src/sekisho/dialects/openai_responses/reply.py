"""A whole answer: `response` <-> the hub's reply."""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from sekisho.core.contract import Members, ReplyOptions
from sekisho.core.error import BadRequest, Malformed
from sekisho.core.message import (
    Audio,
    Image,
    Inline,
    Opaque,
    Part,
    Reasoning,
    RedactedReasoning,
    Refusal,
    Text,
    ToolCall,
)
from sekisho.core.reply import Choice, Finish, Reply
from sekisho.dialects.openai_responses import content, errors, finish, items, usage
from sekisho.dialects.openai_responses.compulsory import ECHOED, OF_OPENROUTER
from sekisho.dialects.openai_responses.items import Item
from sekisho.dialects.openai_responses.schema import WireResponse
from sekisho.dialects.openai_responses.shape import NAME, own, spread, vendor_of
from sekisho.wire import json
from sekisho.wire.counts import in_openai_words
from sekisho.wire.json import items_of, members_of
from sekisho.wire.shape import BROKEN, Shape, given, refuse_bad_text

FAILED = ("failed", "cancelled")
LOGPROBS = "logprobs"

_response = Shape(WireResponse)

_SILENT = {b"{}", b"[]", b'"auto"', b"true"}


def read(body: bytes) -> Reply:
    """Raises Malformed, or the UpstreamError that a body of status 200 carries."""
    try:
        refuse_bad_text(body)
        wire = _response.decode(body)
        refuse_failure(wire, body)
        parts, logprobs = read_output(wire.output or ())
        rest = echo(body)
    except (*BROKEN, BadRequest) as error:
        raise Malformed(f"not a response: {error}") from None
    choice = Choice(parts=parts, finish=finish_of(wire, parts), logprobs=logprobs)
    return Reply(
        id=wire.id or "",
        model=wire.model or "",
        choices=(choice,),
        usage=usage.read(wire.usage),
        created=None if wire.created_at is None else int(wire.created_at),
        service_tier=wire.service_tier,
        vendor=vendor_of(rest),
    )


def refuse_failure(wire: WireResponse, body: bytes | msgspec.Raw) -> None:
    """Raises the error that a response is about."""
    error = given(wire.error)
    if wire.status in FAILED or (error is not None and wire.output is not None):
        raise errors.failed(wire.status, error)
    if error is not None or wire.output is None:
        raise errors.in_answer(body)


def finish_of(wire: WireResponse, parts: Sequence[Part]) -> Finish:
    reason = wire.incomplete_details.reason if wire.incomplete_details else None
    return finish.read(wire.status, reason, called=any(isinstance(part, ToolCall) for part in parts))


def echo(body: bytes | msgspec.Raw) -> Members:
    """The members of a response that the hub does not know, without those that say nothing."""
    return {
        name: raw
        for name, raw in _response.rest(body).items()
        if not (name in ECHOED and bytes(raw) in _SILENT)
    }


def read_output(output: Sequence[msgspec.Raw]) -> tuple[tuple[Part, ...], msgspec.Raw | None]:
    """The parts of a response's items, and the log probabilities of its texts. Raises BadRequest."""
    parts: list[Part] = []
    found: list[msgspec.Raw] = []
    for index, raw in enumerate(output):
        for part in read_item(raw, f"output.{index}"):
            bare, logprobs = without_logprobs(part)
            parts.append(bare)
            found += logprobs
    return tuple(parts), json.raw({"content": found}) if found else None


def read_item(raw: msgspec.Raw, path: str) -> list[Part]:
    """The parts of one item. Reasoning of which nothing is shown stays as it is: it says nothing to anybody
    but its own provider."""
    parts = items.read(raw, path)
    first = parts[0] if len(parts) == 1 else None
    if isinstance(first, Reasoning) and not first.text and first.signature is None:
        return [Opaque(dialect=NAME, type="reasoning", raw=raw)]
    return parts


def without_logprobs(part: Part) -> tuple[Part, list[msgspec.Raw]]:
    members = own(part.vendor)
    if not isinstance(part, Text) or LOGPROBS not in members:
        return part, []
    left = {name: raw for name, raw in members.items() if name != LOGPROBS}
    return msgspec.structs.replace(part, vendor=vendor_of(left)), items_of(members[LOGPROBS])


# --- writing ---------------------------------------------------------------------------------------


def write(reply: Reply, options: ReplyOptions) -> bytes:
    """A `response` body, of the first choice: this API knows no others."""
    choice = reply.choices[0] if reply.choices else Choice(parts=(), finish=Finish(reason="stop"))
    body = envelope(reply, options)
    body["status"], body["incomplete_details"] = finish.write(choice.finish)
    body["output"] = _write_output(choice, Ids(reply.id))
    if reply.usage is not None:
        body["usage"] = usage.write(reply.usage, reply.service_tier, options)
    if reply.service_tier is not None:
        body["service_tier"] = in_openai_words(reply.service_tier)
    return json.encode({**body, **spread(reply.vendor)})


def envelope(reply: Reply, options: ReplyOptions) -> Item:
    """A response before anything was said: without usage, tier, and what the reply's vendor echoes."""
    created = reply.created if reply.created is not None else options.created or 0
    return {
        "id": reply.id,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": options.model or reply.model,
        "output": [],
        "usage": None,
        **ECHOED,
        **({} if options.cost is None else OF_OPENROUTER),
    }


class Ids:
    """Ids of items that came without one: the same for the same reply, in a stream and as a whole."""

    __slots__ = ("_digest",)

    def __init__(self, reply_id: str) -> None:
        self._digest = blake2b(reply_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def of(self, part: Part, output_index: int) -> str:
        return f"{_prefix(part)}_{self._digest}{output_index:04x}"


def sayable(part: Part) -> Part | None:
    """What of a part a client of this dialect can be told. Speech is told by its transcript."""
    if isinstance(part, Audio):
        return Text(text=part.transcript) if part.transcript else None
    if isinstance(part, Opaque):
        return part if part.dialect == NAME else None
    if isinstance(part, Image):
        return part if isinstance(part.source, Inline) else None
    return part if isinstance(part, Text | Refusal | Reasoning | RedactedReasoning | ToolCall) else None


def write_item(group: Sequence[Part], item_id: str, status: str) -> Item | msgspec.Raw:
    """The item of parts that join; `item_id` and `status` where it came without."""
    first = group[0]
    if isinstance(first, Opaque) and not content.is_content(first):
        return first.raw
    known: Item = {"id": item_id}
    if not isinstance(first, Reasoning | RedactedReasoning):
        known["status"] = status
    return items.write(group, known | items.head(first.vendor))


def _write_output(choice: Choice, ids: Ids) -> list[object]:
    groups: list[list[Part]] = []
    for whole in choice.parts:
        part = sayable(whole)
        if part is None:
            continue
        if groups and items.joins(groups[-1][-1], part):
            groups[-1].append(part)
        else:
            groups.append([part])
    put_logprobs(groups, choice.logprobs)
    last = last_status(choice.finish)
    statuses = ["completed"] * (len(groups) - 1) + [last]
    return [
        write_item(group, ids.of(group[0], index), status)
        for index, (group, status) in enumerate(zip(groups, statuses, strict=False))
    ]


def last_status(why: Finish) -> str:
    """Of the last item: where the answer was cut off, that is where."""
    return "incomplete" if finish.write(why)[0] == "incomplete" else "completed"


def put_logprobs(groups: list[list[Part]], logprobs: msgspec.Raw | None) -> None:
    """Puts the log probabilities where this API has them: at the first text."""
    if logprobs is None:
        return
    members = members_of(logprobs)
    found = members.get("content")
    if found is None or not bytes(found).startswith(b"["):
        return
    for group in groups:
        for place, part in enumerate(group):
            if isinstance(part, Text):
                group[place] = items.noted(part, {LOGPROBS: found})
                return


def _prefix(part: Part) -> str:
    if isinstance(part, ToolCall):
        return "ctc" if part.custom else "fc"
    if isinstance(part, Reasoning | RedactedReasoning):
        return "rs"
    return "ig" if isinstance(part, Image) else "msg"
