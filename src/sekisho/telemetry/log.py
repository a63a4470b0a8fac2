"""Logs: one event for one outcome, as a line on stderr, with fields instead of sentences.

No event carries content, and what still looks like a secret is cut out before it is written.
Unforeseen errors are described by type and place only: their text may quote a prompt.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
_SECRET = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|ghp|github_pat|pplx|nvapi|csk|r8|fw)[-_][A-Za-z0-9_-]{16,}"
    r"|\bsk-[A-Za-z0-9_-]{8,}"
    r"|\bAIza[A-Za-z0-9_-]{30,}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|(?i:\bbearer\s+)[^\s\"',]+"
)
_SECRET_FIELDS = frozenset(
    {"authorization", "x-api-key", "api_key", "apikey", "password", "secret", "digest"}
)


def configure(level: str = "info", *, json: bool = True, stream: TextIO | None = None) -> None:
    """Set up structlog, and route the standard library's logging through it. Call once, at start.

    `level` as `logging` names it, in any case; raises ValueError for others. `stream` defaults to stderr.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        msg = f"log level {level!r}: use debug, info, warning, error or critical"
        raise ValueError(msg)
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        describe_error,
        redact,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if json
        else structlog.dev.ConsoleRenderer(colors=target.isatty())
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, Lenient(target))),
        cache_logger_on_first_use=False,  # so that configuring again reaches loggers already in use
    )
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cut secrets out of every field, by the field's name or the value's shape."""
    for name, value in event.items():
        event[name] = REDACTED if name.lower() in _SECRET_FIELDS else _clean(value)
    return event


def describe_error(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace `exc_info` by the error's type and the places it came through, without its text."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = type(error).__qualname__
        frames = traceback.extract_tb(error.__traceback__)[-12:]
        event["at"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET.sub(REDACTED, value)
    if isinstance(value, Mapping):
        return {
            name: REDACTED if str(name).lower() in _SECRET_FIELDS else _clean(item)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value


def _to_json(event: EventDict, **_: Any) -> str:
    return msgspec.json.encode(event, enc_hook=str).decode()


class Lenient:
    """What logs write to. A disk that is full, or a pipe that nobody reads any more, loses lines: whoever
    logs is mostly about to deal with what went wrong, and must not fail itself."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


class Shout:
    """An alarm that may go off thousands of times: one event a minute, which says how often."""

    def __init__(self, event: str, monotonic: Callable[[], float], *, every: float = 60.0):
        self._event = event
        self._monotonic = monotonic
        self._every = every
        self._quiet_until = float("-inf")
        self.count = 0
        """How often it went off since the start."""
        self._told = 0

    def error(self, **fields: object) -> None:
        """Count, and log unless it was logged within the last minute."""
        self.count += 1
        now = self._monotonic()
        if now < self._quiet_until:
            return
        self._quiet_until = now + self._every
        times, self._told = self.count - self._told, self.count
        structlog.get_logger().error(self._event, times=times, **fields)
