"""What the books keep of one call. Written once, when the call has ended; holds no content and no key."""

from typing import Literal

import msgspec

from sekisho.core.error import REFUSALS
from sekisho.core.explanation import Explanation
from sekisho.core.principal import DEFAULT_ORGANISATION
from sekisho.core.usage import Usage

Outcome = Literal["ok", "error", "cancelled", "interrupted"]
"""ok: the client got a complete answer. error: it got an error instead of an answer. interrupted: the
answer broke off and the client was told. cancelled: the client went away."""


SETTLEMENT = "settlement"
"""The operation of a record that is no call: it brings what another call came to, where the provider made
the answer after that call had ended."""


OUTRUN = "outrun"
"""The code of an attempt that another one beside it was faster than. It was given up, and is no failure."""
NO_FAILURES = REFUSALS | {OUTRUN}
"""Codes of attempts that say nothing against their providers."""
PROBE = "probe"
"""The operation of a call of the gateway's own, that finds out whether an endpoint is well again."""


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    provider: str
    upstream_model: str
    milliseconds: int
    """From its beginning to its end; of a stream that answered, to the end of what it brought."""
    code: str | None = None
    """The error's code; None: this attempt answered."""
    status: int | None = None
    """The provider's status, where one came."""
    model: str | None = None
    """`author/slug`, where it is not the one that the record names."""
    began_ms: int = 0
    """Since the call's own beginning: what lies between is parsing, planning, or a wait before a retry."""
    connect_ms: int = 0
    """Of its time, until the connection was made; 0: there was one."""
    first_token_ms: int | None = None
    """Until a stream's first event."""
    gap_ms: int | None = None
    """The longest silence between two pieces of a stream."""
    usage: Usage | None = None
    """Given where several attempts made one answer, or were paid for: of a stream that broke off and was
    rescued by another target, each has its own, and of two that ran beside each other. Its prompt is what
    that provider was sent."""
    cost: int | None = None
    """Nano-USD, of `usage`. None together with usage: the endpoint has no price."""


class CallFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is a number, a name or a usage."""

    id: str
    """`gen-...`, unique over all processes and time."""
    started: float
    """Seconds since the epoch."""
    key_id: str
    operation: str
    dialect: str
    """The client's."""
    requested_model: str
    model: str | None = None
    """`author/slug` that answered, or was last tried."""
    provider: str | None = None
    provider_dialect: str | None = None
    upstream_model: str | None = None
    upstream_id: str | None = None
    stream: bool = False
    status: int
    """The HTTP status the client got (499 where it left before there was one)."""
    outcome: Outcome
    error_code: str | None = None
    finish: str | None = None
    service_tier: str | None = None
    usage: Usage | None = None
    """As the client saw it: of an answer that several targets made, the prompt counts once."""
    cost: int | None = None
    """Nano-USD, of all targets that made the answer or were outrun. None together with usage: the endpoint
    has no price (unpriced), or there was no usage."""
    unpriced: bool = False
    """An endpoint that made the answer, or a part of it, has no price."""
    waived: int | None = None
    """Nano-USD that a call cost which brought nothing: its key pays nothing for it, so that `usage` is None
    and `cost` 0; what it came to stands in the attempts. 0 also without a price. None: nothing was."""
    first_token_ms: int | None = None
    total_ms: int = 0
    app: str | None = None
    """What the client calls itself (`HTTP-Referer` or `X-Title`), cut to 200 bytes."""
    organisation: str = DEFAULT_ORGANISATION
    """An id, as are the next three; empty: nobody's call, since no key was known."""
    team: str | None = None
    project: str | None = None
    owner: str | None = None
    """The person or service account whose key it was."""
    user: str | None = None
    """The end user as the client names them: at most 128 printable characters, or a digest of what is no
    such name."""
    session: str | None = None
    """The conversation or agent run, likewise."""


class CallRecord(CallFacts, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    attempts: tuple[AttemptRecord, ...] = ()
    explanation: Explanation | None = None
    tags: tuple[str, ...] = ()
    """The key's, then the request's."""

    def told_attempts(self) -> tuple[bool, bool, bool]:
        """Whether a provider was asked (False: refused, or given the answer to another call); whether an
        attempt failed, or was outrun; and whether one was paid for by itself."""
        attempts = self.attempts
        failed = any(attempt.code is not None for attempt in attempts)
        return bool(attempts), failed, any(attempt.cost is not None for attempt in attempts)

    def tag_names(self) -> tuple[str, ...]:
        """`tags`, whatever form a record has them in."""
        return self.tags

    def is_uncounted(self) -> bool:
        """Whether it was admitted though the counters of its limits could not be asked."""
        return self.explanation is not None and self.explanation.uncounted

    def read_attempts(self) -> tuple[AttemptRecord, ...]:
        """`attempts`, whatever form a record has them in; none where they cannot be read."""
        return self.attempts

    def asked(self) -> tuple[int, int]:
        """Tokens and nano-USD of the prompt of a call that failed; 0 where they are not known."""
        told = self.explanation
        return (0, 0) if told is None else (told.asked_tokens or 0, told.asked_cost or 0)


def paid(record: CallRecord, provider: str) -> int:
    """Nano-USD that the call came to at one provider; 0 also where it has no price."""
    parts = [attempt for attempt in record.attempts if attempt.usage is not None]
    if parts:  # several targets made the answer
        return sum(attempt.cost or 0 for attempt in parts if attempt.provider == provider)
    return (record.cost or 0) if record.provider == provider else 0
