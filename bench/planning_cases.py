"""Planning: CPU of choosing targets, in this process. One function a figure."""

import time
from random import Random
from timeit import repeat

from bench.findings import Findings, Table, at_most
from bench.ground import Ground
from sekisho.core.contract import Entry
from sekisho.core.exchange import Exchange
from sekisho.core.money import Price, Rates
from sekisho.core.operation import Operation
from sekisho.core.preference import NONE, SELECTORS, Preferences, PriceCap, Selector
from sekisho.core.provider import Auth, DataPolicy, Endpoint, ModelFacts, Provider
from sekisho.core.route import Route, Target
from sekisho.dialects import openai_chat
from sekisho.metering.tokens import Tokens
from sekisho.pipeline.ask import ask_of
from sekisho.pipeline.explain import plan_record
from sekisho.pipeline.steps.parse import parse
from sekisho.routing.board import Board
from sekisho.routing.plan import plan
from sekisho.wire import json

ENDPOINTS = 20
CALLS = 1000
ROUNDS = 30
USD = 1_000_000_000
TEXT = "How far is it to the next checkpoint, and who keeps it? 次の関所まで。 " * 26


def planning(ground: Ground) -> Findings:
    """CPU of planning a call of 2 KB, what it must know of the request included."""
    board, exchange, tokens = Board(time.monotonic), _exchange(), Tokens()
    targets = tuple(Target(_endpoint(number)) for number in range(ENDPOINTS))
    for target in targets:
        standing = board.of(target.endpoint.id)
        for number in range(50):
            standing.first_token.add(0.1 + number / 100, board.now())
            standing.speed.add(50 + number, board.now())
        board.began(target.endpoint.id)
        board.ended(target.endpoint.id, "answered", began=board.now())

    def taken(route: Route, prefer: Preferences) -> float:
        """Microseconds."""
        random = Random(1)

        def once() -> None:
            plan(route, ask_of(exchange, route, prefer, tokens), board, random)

        times = repeat(once, number=CALLS, repeat=ground.count(ROUNDS, 5), timer=time.process_time)
        return min(times) / CALLS * 1e6

    many = Route("bench/many", targets, "balanced")
    each = {select: taken(many, _preferences(select)) for select in SELECTORS}
    rows = [("one target, no preferences", f"{taken(Route('bench/one', targets[:1]), NONE):.1f}")]
    rows.append((f"{ENDPOINTS} endpoints, balanced, no preferences", f"{taken(many, NONE):.1f}"))
    rows += [
        (f"{ENDPOINTS} endpoints, {select}, preferences", f"{found:.1f}") for select, found in each.items()
    ]
    preferences = _preferences("balanced")
    planned = plan(many, ask_of(exchange, many, preferences, tokens), board, Random(1))
    kept = min(repeat(lambda: plan_record(planned), number=CALLS, repeat=5, timer=time.process_time))
    rows.append(("keeping that for `sekisho explain`, on top", f"{kept / CALLS * 1e6:.1f}"))
    return Findings(
        [
            at_most("planning, one target", 5, float(rows[0][1]), "us"),
            at_most(f"planning, {ENDPOINTS} endpoints with preferences", 40, each["balanced"], "us"),
        ],
        [Table("Planning a call of 2 KB", ("", "CPU us/call"), rows)],
    )


def _preferences(select: Selector) -> Preferences:
    return Preferences(
        ignore=("p3",),
        order=("p7", "p9"),
        may_train=False,
        price_cap=PriceCap(input=100 * USD),
        max_first_token=30.0,
        min_throughput=1.0,
        select=select,
    )


def _endpoint(number: int) -> Endpoint:
    provider = Provider(
        name=f"p{number}",
        row="bench",
        label="Bench",
        dialect="openai_chat",
        base_url="http://127.0.0.1:1/v1",
        auth=Auth("none"),
        policy=DataPolicy(region="JP", origin="JP", retention_days=0, trains=False),
    )
    return Endpoint(
        model="bench/model",
        provider=provider,
        upstream_model="model",
        price=Price(base=Rates(input=USD + number * USD // 10, output=4 * USD)),
        facts=ModelFacts(id="bench/model", name="Model"),
        context_length=128_000,
    )


def _exchange() -> Exchange:
    body = {"model": "bench/many", "max_tokens": 500, "messages": [{"role": "user", "content": TEXT}]}
    exchange = Exchange(
        id="gen-1",
        dialect=openai_chat.DIALECT,
        entry=Entry(Operation.CHAT),
        headers=(),
        named={},
        body=json.encode(body),
        started=0.0,
        began=0.0,
    )
    parse(exchange)
    return exchange
