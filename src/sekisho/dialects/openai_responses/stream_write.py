"""The hub's events as a stream of semantic events for a client.

The grammar is OpenAI's: `response.created` and `response.in_progress`; for every item `output_item.added`,
what happens within it, and `output_item.done` with the whole item; at last the whole response. All events
are numbered, and each names the places of what it is about.

An item is said to be done when the next one begins or the stream ends: until then another text may join its
message, and only the end says whether it was cut off.
"""

from collections.abc import Sequence

from sekisho.core.contract import ReplyOptions
from sekisho.core.event import (
    End,
    Event,
    LogprobsDelta,
    PartEnd,
    PartStart,
    SignatureDelta,
    Start,
    TextDelta,
    VendorDelta,
)
from sekisho.core.reply import Finish, Reply
from sekisho.dialects.openai_responses import finish, reply, usage
from sekisho.dialects.openai_responses.reply import Ids
from sekisho.dialects.openai_responses.shape import NAME, spread
from sekisho.dialects.openai_responses.stream_items import Numbered, OpenItem, OpenPart, Spoken
from sekisho.wire.counts import in_openai_words

_STOP = Finish(reason="stop")


class ResponsesStreamWriter:
    """One stream, for one client."""

    __slots__ = ("_envelope", "_ids", "_items", "_numbered", "_options", "_parts", "_text", "_unfinished")

    def __init__(self, options: ReplyOptions) -> None:
        self._options = options
        self._numbered = Numbered()
        self._envelope: dict[str, object] = {}
        self._ids = Ids("")
        self._items: list[OpenItem] = []
        self._unfinished: list[OpenItem] = []
        self._parts: dict[int, OpenPart] = {}
        """Parts that have not ended, by their hub index."""
        self._text: Spoken | None = None
        """The text that was begun last."""

    def write(self, events: Sequence[Event]) -> bytes:
        out: list[bytes] = []
        for event in events:
            if event.__class__ is TextDelta:  # nearly always
                part = self._parts.get(event.index)
                if part is not None:
                    part.add(event.text, out)
            else:
                self._event(event, out)
        return b"".join(out)

    def go_on_after(self, number: int, *, item_done: bool) -> None:
        """What was written so far went to nobody: the client has the same by other events, the last of which
        had that number. `item_done`: the last of its items was said to be done."""
        if item_done:
            self._finish_items(_STOP, [])
        self._numbered.go_on_after(number)

    def _event(self, event: Event, out: list[bytes]) -> None:
        match event:
            case PartStart():
                self._begin(event, out)
            case PartEnd(index=index):
                part = self._parts.pop(index, None)
                if part is not None:
                    part.end(out)
            case SignatureDelta(index=index, signature=signature) if index in self._parts:
                self._parts[index].sign(signature)
            case VendorDelta(index=index, dialect=dialect, raw=raw) if dialect == NAME:
                if index in self._parts:
                    self._parts[index].grow(raw, out)
            case LogprobsDelta(choice=0, raw=raw) if self._text is not None:
                self._text.logprobs(raw, out)
            case Start():
                self._start(event, out)
            case End():
                self._end(event, out)

    def _start(self, event: Start, out: list[bytes]) -> None:
        self._ids = Ids(event.id)
        head = Reply(id=event.id, model=event.model, choices=(), created=event.created)
        self._envelope = {**reply.envelope(head, self._options), **spread(event.vendor)}
        said = {"response": self._envelope}
        out += [self._numbered.frame(f"response.{name}", said) for name in ("created", "in_progress")]

    def _begin(self, event: PartStart, out: list[bytes]) -> None:
        part = reply.sayable(event.part)
        if part is None or event.choice:
            return  # what this client could not read, or did not ask for
        last = self._items[-1] if self._items else None
        if last is None or not last.takes(part):
            self._finish_items(_STOP, out)
            place = len(self._items)
            last = OpenItem(part, place, self._ids.of(part, place), self._numbered)
            self._items.append(last)
            self._unfinished.append(last)
            last.announce(out)
        begun = self._parts[event.index] = last.begin(part, out)
        if isinstance(begun, Spoken):
            self._text = begun

    def _finish_items(self, why: Finish, out: list[bytes]) -> None:
        """Says of all items whose parts have ended that they are done."""
        for item in self._unfinished:
            if item.idle:
                status = reply.last_status(why) if item is self._items[-1] else "completed"
                item.finish(status, out)
        self._unfinished = [item for item in self._unfinished if item.open]

    def _end(self, event: End, out: list[bytes]) -> None:
        why = event.finishes[0] if event.finishes else _STOP
        self._finish_items(why, out)
        status, details = finish.write(why)
        body = {**self._envelope, "status": status, "incomplete_details": details}
        body["output"] = [item.whole for item in self._items]
        if event.usage is not None:
            body["usage"] = usage.write(event.usage, event.service_tier, self._options)
        if event.service_tier is not None:
            body["service_tier"] = in_openai_words(event.service_tier)
        name = "response.incomplete" if status == "incomplete" else "response.completed"
        out.append(self._numbered.frame(name, {"response": {**body, **spread(event.vendor)}}))
