"""A finished answer, in no dialect."""

from typing import Literal

import msgspec

from sekisho.core.message import Part, Value, Vendor
from sekisho.core.usage import Usage

FinishReason = Literal["stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal", "pause"]
"""`stop`: the model ended its turn. `refusal`: the model's own safety refused. `content_filter`: a filter
around the model did. `pause`: a long server-tool turn stopped and may be continued."""


class Finish(Value, frozen=True, kw_only=True):
    reason: FinishReason
    stop_sequence: str | None = None
    native: str | None = None
    """The provider's own word, where it says more than `reason`."""


class Choice(Value, frozen=True, kw_only=True):
    parts: tuple[Part, ...]
    finish: Finish
    logprobs: msgspec.Raw | None = None
    vendor: Vendor | None = None


class Reply(Value, frozen=True, kw_only=True):
    id: str
    model: str
    """As the provider named it."""
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    created: int | None = None
    """Seconds since the epoch, where the dialect says it."""
    service_tier: str | None = None
    vendor: Vendor | None = None
