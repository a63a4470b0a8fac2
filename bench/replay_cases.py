"""Replaying: recorded calls planned against another document, in this process. One function a figure."""

import time
from collections.abc import Iterator
from random import Random

from bench.findings import Findings, Table, at_least
from bench.ground import Ground
from sekisho.control.services.replay import replay
from sekisho.control.store.booking import book
from sekisho.control.store.engine import Store
from sekisho.control.store.migrate import migrate
from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.compile import compile_document

CALLS = 200_000
BATCH = 10_000
PROVIDERS = 20
NAMES = 25
KEYS = 40
BEGAN = 1_790_000_000.0


def replayed(ground: Ground) -> Findings:
    """Calls a second of `sekisho replay`, reading the books included."""
    count = ground.count(CALLS, BATCH)
    store = Store(f"sqlite:///{ground.folder / 'replay.db'}")
    migrate(store)
    _fill(store, count)
    rows = []
    for name, select in (
        ("ordered", "ordered"),
        ("by chance and price", "balanced"),
        ("cheapest", "cheapest"),
    ):
        snapshot = compile_document(
            document.read(_document(select).encode(), "bench.yaml"), catalog.load(), {}
        )
        began, cpu = time.perf_counter(), time.process_time()
        found = replay(store, snapshot, 0.0, BEGAN + count)
        taken, cpu = time.perf_counter() - began, time.process_time() - cpu
        assert found.calls == count
        rows.append((name, count / taken, cpu / count * 1e6))
    store.close()
    return Findings(
        [
            at_least(
                "replay, the slowest selector", 20_000, 1e6 / max(cpu for *_, cpu in rows), "calls/s of CPU"
            )
        ],
        [
            Table(
                f"Replay of {count:,} calls of {KEYS} keys to {NAMES} names with {PROVIDERS} targets",
                ("", "calls/s", "CPU us/call"),
                [(name, f"{rate:,.0f}", f"{cpu:.1f}") for name, rate, cpu in rows],
            )
        ],
    )


def _document(select: str) -> str:
    lines = ["providers:"]
    for at in range(PROVIDERS):
        price = f"price: {{input: {1 + at / 10}, output: {4 + at / 10}}}"
        model = f"bench/model: {{upstream: model, context_length: {8_000 + at * 1_000}, {price}}}"
        lines += [
            f"  p{at}:",
            "    like: openai-compatible",
            "    base_url: http://127.0.0.1:1/v1",
            f"    models: {{{model}}}",
        ]
    lines.append("models:")
    lines += [f"  name-{at}: {{targets: [bench/model], select: {select}}}" for at in range(NAMES)]
    return "\n".join(lines)


def _fill(store: Store, count: int) -> None:
    random = Random(1)
    for first in range(0, count, BATCH):
        with store.write() as connection:
            book(connection, list(_records(random, first)))


def _records(random: Random, first: int) -> Iterator[CallRecord]:
    for number in range(first, first + BATCH):
        provider = f"p{number % PROVIDERS}"
        taken = random.randint(300, 9_000)
        yield CallRecord(
            id=f"gen-{number}",
            started=BEGAN + number,
            key_id=f"key_{number % KEYS}",
            operation="chat",
            dialect="openai_chat",
            requested_model=f"name-{number % NAMES}",
            model="bench/model",
            provider=provider,
            upstream_model="model",
            stream=True,
            status=200,
            outcome="ok",
            usage=Usage(input=random.randint(20, 20_000), cache_read=256, output=random.randint(1, 900)),
            cost=random.randint(1, 10**8),
            total_ms=taken,
            first_token_ms=taken // 3,
            attempts=(AttemptRecord(provider=provider, upstream_model="model", milliseconds=taken),),
        )
