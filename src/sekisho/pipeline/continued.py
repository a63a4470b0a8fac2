"""A call whose answer broke off, on its way to a target that goes on with it."""

from msgspec.structs import replace

from sekisho.core.contract import Facts, LooseEnd, ReplyOptions
from sekisho.core.error import ContentFiltered, ContextTooLong, InternalError, ProviderRejected, Unsupported
from sekisho.core.message import Message, Text
from sekisho.core.request import Request
from sekisho.core.route import Target
from sekisho.core.usage import Usage
from sekisho.pipeline import bill
from sekisho.pipeline.adapt import Adaptation
from sekisho.pipeline.answer import Answer, Passage, Relay
from sekisho.pipeline.call import Call
from sekisho.pipeline.continuation import Continuation
from sekisho.pipeline.ends import Stops
from sekisho.pipeline.overlap import Overlap
from sekisho.pipeline.prepare import Prepared
from sekisho.pipeline.translate import Translation

TURN = (
    "The connection broke while your last message was being sent, so it stops in the middle. Send the rest "
    "of it and nothing else: begin with the very next character, a space or a line break if one is due, and "
    "keep to its language, form and tone. Do not repeat any of it, do not open a code block again that is "
    "still open, and do not mention the interruption."
)
"""What a model is asked that cannot be prefilled. To ask in a user's turn is what Anthropic recommends where
prefill is gone (https://platform.claude.com/docs/en/about-claude/models/migration-guide, 2026-11)."""
LEAST_TOKENS = 16
"""Of a maximum, that are left to a target that goes on: OpenAI's Responses API takes no less."""


class ContinuedCall(Call):
    """The attempts to go on."""

    def __init__(self, before: Call, request: Request, end: LooseEnd, produced: int):
        """`request` is the client's; `produced`: tokens that the answer came to so far."""
        super().__init__(before.exchange, before.plane, before.route, before.world)
        self._asked_for = request
        self._end = end
        self._anew = not end.text.strip()
        """The client has no text yet: this is the same request again."""
        self._asked = _with_room(request, produced)
        if not self._anew:
            self._asked = _with_said(self._asked, end.text)
        self._prefilled = False
        """The request that went out last."""
        self._refusing: set[str] = set()
        """Endpoints that refused to be prefilled."""

    def request(self) -> Request:
        """The client's own."""
        return self._asked_for

    async def attempt(self, target: Target) -> Answer:
        """A target that refuses is passed over, whatever its reason: what it refused is not the client's own
        request."""
        while True:
            try:
                return await super().attempt(target)
            except (ContextTooLong, ContentFiltered):
                raise
            except ProviderRejected as error:
                if not self._prefilled:
                    raise Unsupported(f"the provider refused to go on: {error.message}") from None
            self._refusing.add(target.endpoint.id)

    def passage(self, prepared: Prepared, target: Target) -> Passage:
        exchange = self.exchange
        request = self._prefill(prepared)
        self._prefilled = request is not None
        if request is None:
            request = self._asked if self._anew else _with_turn(self._asked)
        adaptation = Adaptation(prepared, self.route, target)
        translation = Translation(request, prepared, exchange.dialect, adaptation)
        if prepared.dialect is exchange.dialect:
            translation.header_lines = prepared.forwarded(exchange.headers, exchange.named)
        return _Passage(self, translation, prepared, self._end, prefilled=self._prefilled)

    def seen(self, facts: Facts) -> Usage:
        """What the client is told that its answer came to, if the rest of it came to these facts."""
        exchange = self.exchange
        if facts.usage is None:
            produced = self.world.tokens.produced(facts, exchange.endpoint)
            facts.usage = Usage(input=exchange.prompt_tokens or 0, output=produced, estimated=True)
        return bill.seen(exchange, facts.usage) or facts.usage

    def _prefill(self, prepared: Prepared) -> Request | None:
        if self._anew or prepared.endpoint.id in self._refusing:
            return None
        *before, said = self._asked.messages
        *parts, last = said.parts
        if isinstance(last, Text):  # white space at its end is refused by Anthropic
            said = replace(said, parts=(*parts, replace(last, text=last.text.rstrip())))
        begun = prepared.dialect.prefill(said, self._asked, prepared.facts)
        return None if begun is None else replace(self._asked, messages=(*before, begun))


class _Passage:
    """The request to go on, and what to do with the answer."""

    def __init__(
        self, call: ContinuedCall, request: Translation, prepared: Prepared, end: LooseEnd, *, prefilled: bool
    ):
        self._call = call
        self._prepared = prepared
        self._end = end
        self._prefilled = prefilled
        self.body = request.body
        self.header_lines = request.header_lines
        self.dropped = request.dropped
        self.show_usage = request.show_usage

    def whole(self, _body: bytes, _options: ReplyOptions) -> tuple[Facts, bytes]:
        raise InternalError("only streams are gone on with")

    def relay(self, options: ReplyOptions) -> Relay:
        """Its writer has the client's options already."""
        exchange = self._call.exchange
        overlap = Overlap(self._end.text, prefilled=self._prefilled)
        stops = Stops(self._end.text, self._call.request().stop)
        relay = Continuation(self._end, overlap, stops, self._prepared, exchange.dialect, self._call.seen)
        if not options.show_reasoning:
            relay.withhold_thinking()
        exchange.facts = relay.facts  # money that the client is shown is worked out of them
        return relay


def _with_said(request: Request, text: str) -> Request:
    """The request with the answer so far behind it; a client may have begun that answer itself."""
    *before, last = request.messages
    if last.role == "assistant" and last.parts and isinstance(last.parts[-1], Text):
        whole = replace(last.parts[-1], text=last.parts[-1].text + text)
        return replace(request, messages=(*before, replace(last, parts=(*last.parts[:-1], whole))))
    return replace(request, messages=(*before, last, Message(role="assistant", parts=(Text(text=text),))))


def _with_turn(request: Request) -> Request:
    return replace(request, messages=(*request.messages, Message(role="user", parts=(Text(text=TURN),))))


def _with_room(request: Request, produced: int) -> Request:
    """What is left of the client's maximum. A budget for thinking must fit into it."""
    if request.max_tokens is None or not produced:
        return request
    thinking = request.reasoning.budget_tokens if request.reasoning is not None else None
    least = min(request.max_tokens, LEAST_TOKENS + (thinking or 0))
    return replace(request, max_tokens=max(least, request.max_tokens - produced))
