"""Events of a stream <-> messages of AWS's framing."""

from collections.abc import Mapping

from sekisho.core.error import Malformed
from sekisho.wire import eventstream
from sekisho.wire.eventstream import Frame
from sekisho.wire.json import encode

_JSON = "application/json"
_EVENTS = (
    "messageStart",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStop",
    "metadata",
)
_HEADERS: Mapping[str, bytes] = {
    name: eventstream.encode_headers({":event-type": name, ":content-type": _JSON, ":message-type": "event"})
    for name in _EVENTS
}


def event(name: str, payload: bytes) -> bytes:
    """One of the events of a stream."""
    return eventstream.encode(_HEADERS[name], payload)


def exception(name: str, payload: bytes) -> bytes:
    headers = {":exception-type": name, ":content-type": _JSON, ":message-type": "exception"}
    return eventstream.encode(eventstream.encode_headers(headers), payload)


def again(frame: Frame, payload: bytes) -> bytes:
    """An event with another payload."""
    return event(str(frame.headers[":event-type"]), payload)


def failure(frame: Frame) -> tuple[str, bytes]:
    """(name, payload) of what a message that is no event reports. Raises Malformed if it is no error."""
    headers = frame.headers
    kind = headers.get(":message-type")
    if kind == "exception":
        return str(headers.get(":exception-type", "")), frame.payload
    if kind == "error":  # without a payload: what failed stands in the headers
        words = headers.get(":error-message")
        return str(headers.get(":error-code", "")), encode({"message": str(words or "")})
    raise Malformed(f"a message of the event stream of type {kind!r:.64}")
