"""Google's errors as a few plain facts: `{"error": {code, message, status, details}}`, alone or in a list.

https://cloud.google.com/apis/design/errors (google.rpc.Status in JSON, 2026-11). Total: of anything else, no
facts.
"""

from typing import Any, NamedTuple

import msgspec

from sekisho.wire.json import decode
from sekisho.wire.shape import BROKEN
from sekisho.wire.told import seconds

LONGEST = 2_000
"""Characters of a message."""


class Problem(NamedTuple):
    message: str = ""
    word: str = ""
    """`status`: RESOURCE_EXHAUSTED and its like."""
    status: int | None = None
    """`code`, if it is an HTTP status of an error."""
    reasons: tuple[str, ...] = ()
    """Of ErrorInfo details: API_KEY_INVALID and its like."""
    quotas: tuple[str, ...] = ()
    """Ids of the quotas that were exceeded."""
    field: str | None = None
    """The first field that is at fault."""
    wait: float | None = None
    """Seconds."""


NOTHING = Problem()


def read(body: bytes | msgspec.Raw) -> Problem:
    """What a body complains about."""
    try:
        found = decode(body)
    except BROKEN:
        return NOTHING
    if isinstance(found, list):
        found = found[0] if found else None
    error = found.get("error") if isinstance(found, dict) else None
    if isinstance(error, str):
        return Problem(message=error.strip()[:LONGEST])
    return _of(error) if isinstance(error, dict) else NOTHING


def _of(error: dict[str, Any]) -> Problem:
    code, word, message = error.get("code"), error.get("status"), error.get("message")
    details = error.get("details")
    listed = [item for item in details if isinstance(item, dict)] if isinstance(details, list) else []
    violations = [
        item for detail in listed for item in _list(detail.get("violations")) if isinstance(item, dict)
    ]
    fields = [
        item.get("field")
        for detail in listed
        for item in _list(detail.get("fieldViolations"))
        if isinstance(item, dict)
    ]
    waits = [found for detail in listed if (found := _duration(detail.get("retryDelay"))) is not None]
    return Problem(
        message=message.strip()[:LONGEST] if isinstance(message, str) else "",
        word=word.upper()[:100] if isinstance(word, str) else "",
        status=code if type(code) is int and 400 <= code < 600 else None,
        reasons=_texts(detail.get("reason") for detail in listed),
        quotas=_texts(item.get("quotaId") for item in violations),
        field=next(iter(_texts(fields)), None),
        wait=waits[0] if waits else None,
    )


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(value[:200] for value in values if isinstance(value, str) and value)


def _duration(value: Any) -> float | None:
    """Protobuf's: `35s` or `0.5s`."""
    return seconds(value.strip().removesuffix("s")) if isinstance(value, str) else None
