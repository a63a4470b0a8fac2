"""Laws of reading and writing whole answers."""

from sekisho.core.contract import Dialect, ReplyOptions
from sekisho.core.error import UpstreamError
from sekisho.core.reply import Reply
from sekisho.testkit.laws.refusal import refusal

AS_IT_CAME = ReplyOptions()
SHOWN = ReplyOptions(model="author/shown", cost=lambda _usage, _tier: 1_500_000)
"""Another name, and 0.0015 USD."""


def round_trip(dialect: Dialect, body: bytes) -> None:
    """A dialect can say every answer that it can read."""
    reply = dialect.read_reply(body)
    written = dialect.write_reply(reply, AS_IT_CAME)
    again = dialect.read_reply(written)
    assert again == reply, f"read {reply}\nwrote {written!r}\nread back {again}"


def idempotent(dialect: Dialect, reply: Reply) -> None:
    """What was read from written bytes is written as the same bytes."""
    body = dialect.write_reply(reply, AS_IT_CAME)
    again = dialect.write_reply(dialect.read_reply(body), AS_IT_CAME)
    assert again == body, f"{body!r}\nbecame {again!r}"


def tapped(dialect: Dialect, body: bytes) -> None:
    """The tap of a whole answer reads what the reader reads, and changes nothing unasked."""
    reply = dialect.read_reply(body)
    facts, relayed = dialect.unary_tap(body, AS_IT_CAME)
    assert relayed == body, f"{body!r}\nwas relayed as {relayed!r}"
    found = (facts.usage, facts.model, facts.upstream_id, facts.service_tier)
    expected = (reply.usage, reply.model, reply.id, reply.service_tier)
    assert found == expected, f"the tap reads {found}, the reader {expected}"


def shown(dialect: Dialect, body: bytes) -> None:
    """Another name for the model and a cost change nothing else, spliced or translated."""
    reply = dialect.read_reply(body)
    _, relayed = dialect.unary_tap(body, SHOWN)
    for way, answer in (("relayed", relayed), ("written", dialect.write_reply(reply, SHOWN))):
        again = dialect.read_reply(answer)
        assert again.model == "author/shown", f"the {way} answer names the model {again.model}"
        assert again.choices == reply.choices, f"{again.choices}\nwas {reply.choices} before it was {way}"
        assert again.usage == reply.usage, f"{again.usage}\nwas {reply.usage} before it was {way}"
        assert reply.usage is None or b"0.0015" in answer, f"no cost in {answer!r}"


def read_is_total(dialect: Dialect, body: bytes) -> None:
    """Whatever a provider answers is understood, or an error of the provider's; never ours."""
    refusal(lambda: dialect.read_reply(body), UpstreamError)
    refusal(lambda: dialect.unary_tap(body, AS_IT_CAME), UpstreamError)
    refusal(lambda: dialect.unary_tap(body, SHOWN), UpstreamError)
