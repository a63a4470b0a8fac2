"""Laws of reading and writing errors."""

from collections.abc import Iterator
from typing import Any

import msgspec

from sekisho.core.contract import Dialect, Headers
from sekisho.core.error import InternalError, SekishoError, UpstreamError
from sekisho.testkit.laws.framing import frames
from sekisho.testkit.laws.replies import AS_IT_CAME

REQUEST_ID = "req_0123456789"


def leaves(root: type[SekishoError] = SekishoError) -> Iterator[type[SekishoError]]:
    """Every error that can be raised: the whole tree, its branches included."""
    for error in root.__subclasses__():
        yield error
        yield from leaves(error)


def read_is_total(dialect: Dialect, status: int, headers: Headers, body: bytes) -> UpstreamError:
    """Whatever a provider answers is a leaf of the tree that says enough to route by. Returns it."""
    error = dialect.read_error(status, headers, body)
    assert isinstance(error, UpstreamError), f"{status} {body!r} gave {error!r}"
    assert type(error) is not UpstreamError, f"{status} {body!r} gave no leaf"
    assert error.provider_status == status, f"{status} became {error.provider_status}"
    assert error.message.strip(), f"{status} {body!r} gave an error without words"
    wait = error.retry_after
    assert wait is None or 0 <= wait < float("inf"), f"retry after {wait} seconds"
    if status in (401, 402, 403, 404, 429) or status >= 500:
        assert error.retry != "never", f"{status} is no reason to give up on other targets: {error!r}"
    return error


def written_in_shape(dialect: Dialect, error: SekishoError) -> None:
    """An error is one line of JSON that says what is wrong, and never what happened inside."""
    body = dialect.write_error(error, REQUEST_ID)
    assert b"\n" not in body, f"a line end in {body!r}"
    _says(error, msgspec.json.decode(body), body)


def frame_ends_a_stream(dialect: Dialect, error: SekishoError) -> None:
    """The frame that ends a begun stream is well formed, says what is wrong, and no reader takes it for an
    end."""
    data = dialect.write_error_frame(error, REQUEST_ID, "sse")
    found = frames(data)
    assert b"".join(frame.raw for frame in found) == data, f"the frame has no end: {data!r}"
    spoken = [frame for frame in found if frame.data.startswith(b"{")]
    assert len(spoken) == 1, f"not one frame: {data!r}"
    _says(error, msgspec.json.decode(spoken[0].data), data)
    for feed in (dialect.stream_reader().feed, dialect.tap(AS_IT_CAME).feed):
        try:
            feed(data)
        except UpstreamError:
            continue
        raise AssertionError(f"{dialect.name} reads no error in its own frame {data!r}")


def _says(error: SekishoError, value: Any, data: bytes) -> None:
    assert isinstance(value, dict), f"not an object: {data!r}"
    shape = value.get("error", value)
    assert isinstance(shape, dict), f"no `error` object in {data!r}"
    message = shape.get("message")
    assert isinstance(message, str), f"no message in {data!r}"
    if isinstance(error, InternalError):
        told = data.decode(errors="replace")
        assert error.message not in told, f"an internal text left the process: {data!r}"
        assert REQUEST_ID.encode() in data, f"no request id in {data!r}"
    else:
        assert error.message in message, f"not what was said: {data!r}"
