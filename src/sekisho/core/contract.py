"""What a dialect is: a record of pure functions, the same for every API language.

The same codec serves clients on one side and providers on the other. None of it does I/O, reads a
clock or keeps state between calls; stream readers, writers and taps are objects for one call.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import msgspec

from sekisho.core.error import SekishoError, UpstreamError
from sekisho.core.estimate import measure
from sekisho.core.event import Event
from sekisho.core.heard import Heard
from sekisho.core.limit import Told
from sekisho.core.message import Message
from sekisho.core.operation import Operation
from sekisho.core.reply import Reply
from sekisho.core.request import Request
from sekisho.core.usage import Usage

Headers = Sequence[tuple[bytes, bytes]]
"""Lower-case names, in order of arrival."""
Named = Mapping[bytes, bytes]
"""The first header of each name."""
Members = dict[str, msgspec.Raw]
"""A JSON object decoded one level deep: the bytes of every value stay as they came."""
LimitLines = Callable[[Told, int, float | None, int], tuple[str, str]]
"""(measure, amount, seconds until the whole amount is there again or None where that is not known, seconds
since the epoch) -> the header lines in which clients expect to be told what is left, before and after the
number. Asked for every answer, mostly the same: it is to remember."""
Framing = Literal["sse", "eventstream", "json_array"]
"""How a client wants a stream: server-sent events, AWS's binary frames, or one JSON array."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a client's path asks for."""

    operation: Operation
    model: str | None = None
    """Where the dialect names the model in the path; None: the body says it."""
    stream: bool | None = None
    """Where the path says it; None: the body does."""
    framing: Framing = "sse"
    """Of the answer, if it is a stream."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a client's path asks of an answer that an earlier call made."""

    answer_id: str
    """The provider's own."""
    path: str
    """Below the provider's base URL, escaped. A query goes with it as it came."""
    methods: frozenset[str]
    """That the path takes."""
    answers: frozenset[str]
    """Those of them whose reply is the answer itself, as it is by now."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something the client asked for that the target's dialect cannot say."""

    field: str
    """Path in hub terms: `sampling.top_k`, `messages.3.parts.0`."""
    reason: str
    content: bool
    """True: content, a tool or a format, which the call must not silently lose (422). False: a tuning
    knob, dropped and named in a response header."""


@dataclass(frozen=True, slots=True)
class Written:
    body: bytes
    losses: tuple[Loss, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    """What this body needs beside it (`anthropic-beta`)."""


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What a request writer must know of the endpoint it writes for."""

    model: str
    """The provider's own id of the model."""
    max_output: int | None = None
    """For dialects in which a maximum is compulsory."""
    count_stream_usage: bool = True
    """Ask for the usage event of a stream, whether the client did or not."""
    extensions: frozenset[str] = frozenset()
    """Members beyond the dialect's published ones that this endpoint is known to take, by name (`top_k`,
    `cache_control`, `reasoning_content`). Without them a writer reports a loss instead."""
    model_member: msgspec.Raw = field(init=False, repr=False, compare=False)
    """The model as JSON: a member of every request that passes through."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "model_member", msgspec.Raw(msgspec.json.encode(self.model)))


class ReplyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How an answer is to be written for this client."""

    model: str | None = None
    """The name to show instead of the provider's; None keeps the provider's."""
    show_usage: bool = True
    """False: the client did not ask for usage in the stream, so it does not see it."""
    show_reasoning: bool = True
    """False: the client asked not to be told what the model thought. Who passes the answer on leaves it out;
    no dialect has to."""
    cost: Callable[[Usage, str | None], int | None] | None = None
    """Given on paths that show money: (usage, service tier) -> nano-USD, None for unpriced."""
    created: int | None = None
    """Seconds since the epoch, for dialects that must say a time where the provider said none."""
    id: str = ""
    """The call's own, for an answer that a provider gave none."""
    asked: str = ""
    """The model as the client named it, for an answer that names none."""
    framing: Framing = "sse"
    """Of a stream, in dialects that have several."""


class StreamReader(Protocol):
    """Provider's bytes -> events. Any split of the same bytes gives the same events."""

    def feed(self, data: bytes) -> list[Event]:
        """Events that `data` completed. Raises Malformed, or the UpstreamError that the stream reports."""
        ...

    def finish(self, *, needs_terminator: bool = True) -> list[Event]:
        """The connection ended cleanly. Raises Truncated unless the stream said it was complete.

        `needs_terminator` False: this provider is known to leave out the dialect's terminator, so that a
        finish reason and the clean end will do.
        """
        ...


class StreamWriter(Protocol):
    """Events -> the client's bytes."""

    def write(self, events: Sequence[Event]) -> bytes:
        """May be empty. After the `End` event the stream is complete, terminator included."""
        ...


class Facts(msgspec.Struct, kw_only=True):
    """What metering reads off an answer that is passed through or translated."""

    usage: Usage | None = None
    model: str | None = None
    upstream_id: str | None = None
    finish: str | None = None
    """First choice's finish reason in the provider's words."""
    service_tier: str | None = None
    pending: bool = False
    """The provider goes on making the answer without its client: what it comes to is not known yet."""
    output_ascii: int = 0
    """Characters of produced text, reasoning and tool arguments, to estimate from where usage is missing."""
    output_wide: int = 0
    """The same, for characters outside ASCII."""
    heard: Heard | None = None
    """Given by who wants a stream to be rescued if it breaks off; the tap fills it. None: nothing is kept."""

    def produced(self, text: str) -> None:
        """Counts more of what was produced."""
        if text.isascii():  # nearly always
            self.output_ascii += len(text)
            return
        narrow, wide = measure(text)
        self.output_ascii += narrow
        self.output_wide += wide


@dataclass(frozen=True, slots=True)
class LooseEnd:
    """Where a client's stream broke off, for another target's answer to be tied on."""

    writer: StreamWriter
    """Of the client's dialect; it has written, or knows of, all that the client has."""
    text: str
    """What the client has of the answer's text."""
    part: int | None
    """Index of the text part that is open; None: nothing is."""
    parts: int
    """How many parts have begun."""
    unsent: bytes = b""
    """What the client is still to get before anything else."""


class Tap(Protocol):
    """Watches a stream that is passed through, and reads facts off it."""

    facts: Facts
    started: bool
    """A first event that belongs to an answer was seen (not a comment or a ping)."""
    complete: bool
    """The stream said that it is complete."""
    unsent: bytes
    """What `feed` or `finish` made of the events before the one that it raised an error about."""

    def feed(self, data: bytes) -> bytes:
        """The bytes to relay: whole events only, unchanged but for what ReplyOptions ask.

        Raises Malformed, or the UpstreamError that the stream reports in an error event. What came before
        it in the same data is then in `unsent`.
        """
        ...

    def finish(self, *, needs_terminator: bool = True) -> bytes:
        """The connection ended cleanly: what is left to relay; `complete` is true afterwards.

        Raises Truncated unless the stream said it was complete. `needs_terminator`: see StreamReader.
        """
        ...

    def conclude(self, usage: Usage) -> bytes:
        """What completes a stream that broke off after it had said why it ended; `usage` is told where it had
        told none itself. Raises UpstreamError where it had not said why."""
        ...

    def loose_end(self) -> LooseEnd | None:
        """Where the stream stands, `unsent` included, if `facts.heard` was given from its beginning. None
        where another target's answer could not go on: after a tool call, in the middle of thinking.

        Raises UpstreamError where the events that were passed on are beyond the dialect's own reader.
        """
        ...


class UnaryTap(Protocol):
    """Reads facts off a whole answer that is passed through: (body, options) -> (facts, body to relay)."""

    def __call__(self, body: bytes, options: ReplyOptions) -> tuple[Facts, bytes]: ...


class SplicePatch(Protocol):
    """(members of the request, target) -> changes a spliced request: the upstream model, and what metering
    needs. Returns whether the client itself asked to see usage in a stream."""

    def __call__(self, members: Members, target: TargetFacts) -> bool: ...


@dataclass(frozen=True, slots=True)
class TokenCounting:
    """The dialect's operation that counts a prompt's tokens without answering it."""

    unwrap: Callable[[bytes], bytes]
    """Body of a count request -> the request whose prompt is meant. Raises BadRequest."""
    wrap: Callable[[bytes], bytes]
    """A written request -> body of a count request, without the members that counting refuses. Of what
    `unwrap` took apart it makes the same request again."""
    read: Callable[[bytes], int]
    """The answer's tokens. Raises Malformed, or the UpstreamError that a 200 body may carry."""
    write: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class CacheMarks:
    """Prompt-cache marks in a request of the dialect, on its top-level members: for what passes through and
    for what was written alike. Values that hold no mark keep their bytes."""

    place: Callable[[Members, TargetFacts], None]
    """Marks the longest prefix that the next turn will share, unless the request holds a mark already."""
    strip: Callable[[Members], None]
    """Takes every mark out."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Embeddings or reranking at providers of the dialect. All clients ask for either in one API: OpenAI's,
    and the one that Cohere and Jina began."""

    check: Callable[[Members], None]
    """Of a client's request. Raises BadRequest."""
    write: Callable[[Members, TargetFacts], Members]
    """A client's request -> the provider's. Raises Unsupported where its API cannot say it."""
    read: Callable[[bytes, Members, ReplyOptions], tuple[Facts, bytes]]
    """(answer, the client's request, options) -> facts, body for the client. Raises Malformed, or the
    UpstreamError that a 200 body may carry."""


def no_follow_up(_path: str) -> None:
    """For dialects whose answers are not kept."""
    return


def no_unifying(_members: Members, _target: TargetFacts) -> tuple[str, ...]:
    """For dialects whose own words for reasoning are the only ones."""
    return ()


def no_prefill(_said: Message, _request: Request, _target: TargetFacts) -> None:
    """For dialects in which an answer cannot be begun for the model."""
    return


@dataclass(frozen=True, slots=True)
class Dialect:
    name: str
    prefixes: tuple[str, ...]
    """Where clients expect the dialect's paths: `/v1`, `/api/v1`, or nothing."""
    paths: Mapping[str, Operation]
    """Client path below a prefix -> operation: paths that never vary."""
    match_path: Callable[[str, bytes], Entry | None]
    """(client path below a prefix, query) -> what it asks for: paths that name the model. None: not one of
    this dialect's. The model is unescaped. `no_match` for dialects without such paths."""
    upstream_path: Callable[[Operation, str, bool], str | None]
    """(operation, upstream model, stream) -> path and query below the provider's base URL, escaped. None: the
    dialect has no such operation."""
    forward_headers: frozenset[bytes]
    """Client headers that reach a provider of the same dialect."""

    read_request: Callable[[bytes], Request]
    """Raises BadRequest naming the field. Where the path names model and stream, the request has an empty
    model and no stream: whoever knows the path fills them in."""
    write_request: Callable[[Request, TargetFacts], Written]
    read_reply: Callable[[bytes], Reply]
    """Raises Malformed, or the UpstreamError that a 200 body may carry."""
    write_reply: Callable[[Reply, ReplyOptions], bytes]
    stream_reader: Callable[[], StreamReader]
    stream_writer: Callable[[ReplyOptions], StreamWriter]
    read_error: Callable[[int, Headers, bytes], UpstreamError]
    """Total: any status, any body (HTML, empty) gives a leaf."""
    write_error: Callable[[SekishoError, str], bytes]
    """(error, request id) -> JSON body, newline free."""
    write_error_frame: Callable[[SekishoError, str, Framing], bytes]
    """(error, request id, framing) -> what ends a stream that has already begun."""

    check_members: Callable[[Members], None]
    """Shape check of a request that will be spliced, on its top-level members only. Raises BadRequest."""
    patch_request: SplicePatch
    tap: Callable[[ReplyOptions], Tap]
    unary_tap: UnaryTap
    cache_marks: CacheMarks
    token_counting: TokenCounting

    retrieval: Mapping[Operation, Retrieval] = field(default_factory=dict)
    """What of `operation.RETRIEVAL` its providers serve."""
    match_follow_up: Callable[[str], FollowUp | None] = no_follow_up
    """Client path below a prefix -> what it asks of an earlier answer. None: not such a path."""
    models_path: str | None = None
    """Path below the provider's base URL at which it lists its models; None: nowhere there."""
    query_key: bytes | None = None
    """The query's parameter that its clients may send their key in."""
    prefill: Callable[[Message, Request, TargetFacts], Message | None] = no_prefill
    """(the beginning of an answer, the request it answers, target) -> the message as it must stand at the
    request's end for the model to go on with it. None: this model would refuse it, or begin anew."""
    unify_reasoning: Callable[[Members, TargetFacts], tuple[str, ...]] = no_unifying
    """Puts OpenRouter's `reasoning` into the words that the target takes, in a request that is passed
    through. Returns what could not be said."""
    thinking_breaks_off: bool = False
    """Thinking without its end does no harm: what clients send back of it is not checked. Where it is, a
    conversation that holds some could never go on."""
    limit_lines: LimitLines | None = None
    """None: those of `wire.limit_lines`."""
    has_terminator: bool = True
    """False: no event of a stream says that it is the last; a finish reason and the connection's clean end
    do."""


def no_match(_path: str, _query: bytes) -> None:
    """For dialects whose paths never vary."""
    return
