"""`stream_options` of OpenAI's older APIs: whether the client sees usage, which metering always asks for."""

import msgspec

from sekisho.core.contract import Members, TargetFacts
from sekisho.core.request import Request
from sekisho.wire import json
from sekisho.wire.json import members_of
from sekisho.wire.shape import Shape, Wire, given

NAME = "stream_options"


class WireStreamOptions(Wire):
    include_usage: bool | None = None


_options = Shape(WireStreamOptions)


def read(raw: msgspec.Raw, vendor: Members, *, stream: bool) -> bool:
    """Whether a request's options ask for usage; what else they say goes into `vendor`. Raises BadRequest.

    Without a stream they mean nothing, and OpenAI refuses them.
    """
    if given(raw) is None:
        return False
    options = _options.read(raw, NAME)
    rest = _options.rest(raw)
    if not stream:
        return False
    if rest:
        vendor[NAME] = json.raw(rest)
    return bool(options.include_usage)


def write(request: Request, rest: msgspec.Raw | None, target: TargetFacts) -> dict[str, object]:
    """The members that make a stream of a request; `rest` is what `read` put into `vendor`."""
    if not request.stream:
        return {}
    members: dict[str, object] = dict(members_of(rest)) if rest is not None else {}
    if request.include_usage or target.count_stream_usage:
        members["include_usage"] = True
    return {"stream": True, NAME: members} if members else {"stream": True}


def patch(members: Members, target: TargetFacts) -> bool:
    """For a request that passes through: sets the upstream model and, for streams, asks for usage. True if
    the client itself asked for it."""
    members["model"] = target.model_member
    if "stream" not in members or bytes(members["stream"]) != b"true":
        return False
    raw = given(members.get(NAME, msgspec.Raw()))
    options, rest = (WireStreamOptions(), {}) if raw is None else _options.read_all(raw, NAME)
    if options.include_usage:
        return True
    if target.count_stream_usage:
        members[NAME] = json.raw({**rest, "include_usage": True})
    return False
