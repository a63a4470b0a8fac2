"""The most that a call may come to, worked out before anybody is asked: what is held of limits for it."""

import msgspec

from sekisho.core.limit import MOST
from sekisho.core.money import MILLION, Price, Rates
from sekisho.core.provider import Endpoint
from sekisho.core.tariff import Tariff

OUTPUT = 8_192
"""Tokens that an answer is taken to have at most where neither the request nor the model's facts say."""
FEW = 16
"""Tokens that a prompt may have beyond a quarter more than estimated: not every vocabulary is published."""


class Size(msgspec.Struct, frozen=True, gc=False):
    """What a request says of what it may come to."""

    output: int | None = None
    """Tokens of one answer; None: it does not say."""
    answers: int = 1
    """0: of retrieval, which writes nothing."""
    searches: int = 1
    """That a reranking may be billed as."""
    hour: bool = False
    """It may have its prompt cached for an hour."""
    audio: bool = False
    tier: bool = False
    """It asks for a service tier."""


SHORT = 4
"""A prompt is short if the longest answer may have so many times as many tokens."""
STEP = 128
"""Bytes by which the lengths of requests are told apart."""


def prompt_by_length(length: int) -> int:
    """Tokens that a request of so many bytes may have without tools, pictures and the like: no vocabulary has
    a token without a byte, and the marks that a provider puts around messages are shorter than their JSON.
    The last step is for those around all of them."""
    return (length // STEP + 2) * STEP


def prompt_at_most(estimate: int) -> int:
    """Tokens that a provider may count where we estimate so many."""
    return estimate + estimate // 4 + FEW


def output_at_most(endpoint: Endpoint, size: Size) -> int:
    """Tokens that the endpoint may write, if it keeps to the maximum."""
    each = size.output or endpoint.max_output or endpoint.context_length or OUTPUT
    if size.output is None and endpoint.max_output is None:
        each = min(each, OUTPUT)
    return min(each * size.answers, MOST)


def cost_at_most(price: Price | None, prompt: int, output: int, size: Size) -> int:
    """Nano-USD for that many tokens at the dearest rates that may apply: of every tier that the prompt
    reaches, with all of it written to the prompt cache. 0 without a price: such a call is flagged, and books
    nothing."""
    if price is None:
        return 0
    prices = [price]
    if size.tier and price.service:
        prices += price.service.values()
    return max(
        _cost(rates, prompt, output, size)
        for each in prices
        for rates in (each.base, *(tier.rates for tier in each.tiers if prompt > tier.above))
    )


def charge_at_most(tariff: Tariff, model: str, cost: int, tokens: tuple[int, int], size: Size) -> int:
    """Nano-USD that an organisation is charged for a call of this model that costs `cost` and has that many
    tokens of prompt and output."""
    rates = tariff.prices.get(model)
    if rates is not None:
        return _cost(rates, *tokens, size)
    return min(-(-cost * (MILLION + tariff.markup) // MILLION), MOST)


def _cost(rates: Rates, prompt: int, output: int, size: Size) -> int:
    inputs, outputs = [rates.input, rates.cache_read or 0, rates.cache_write or 0], [rates.output]
    if size.hour:
        inputs.append(rates.cache_write_1h or 0)
    if size.audio:
        inputs.append(rates.input_audio or 0)
        outputs.append(rates.output_audio or 0)
    millionths = prompt * max(inputs) + output * max(outputs)
    return min(rates.request * size.searches - (-millionths // MILLION), MOST)
