"""When something ends, as people write it."""

import re
from datetime import UTC, datetime, timedelta

_SPAN = re.compile(r"(\d{1,6})\s*(m|h|d|w)", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def parse_expiry(text: str, now: float) -> float:
    """Seconds since the epoch for `30d`, `12h`, `2026-12-31` (that day included) or an ISO 8601 time.

    All in UTC unless the text says otherwise. Raises ValueError, which says what is allowed.
    """
    text = text.strip()
    span = _SPAN.fullmatch(text)
    try:
        if span is not None:
            length = timedelta(**{_UNITS[span[2]]: int(span[1])})
            return (datetime.fromtimestamp(now, UTC) + length).timestamp()
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        if _DAY.fullmatch(text):
            moment += timedelta(days=1)
        return moment.timestamp()
    except (ValueError, OverflowError):
        msg = f"{text!r} is no time to end at: write 30d, 12h, 2026-12-31 or 2026-12-31T12:00:00+09:00"
        raise ValueError(msg) from None
