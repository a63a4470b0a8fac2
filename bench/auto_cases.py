"""Automatic routing: what a decision takes in this process, from the request's members to the tier."""

import time
from collections.abc import Mapping
from timeit import repeat
from typing import Any

from bench.findings import Findings, Table, at_most
from bench.ground import Ground
from sekisho.pipeline.excerpt import sample
from sekisho.routing.scorer import linear
from sekisho.wire import json

CALLS = 100
ROUNDS = 20
ENGLISH = "The parties agree that the goods are delivered to the warehouse; see section 4 of the annex. "
JAPANESE = "当事者は、商品を下記の日に倉庫へ引き渡すことに合意する。付属書の第四節を参照。"
LARGE = 400_000
"""Bytes."""


def auto(ground: Ground) -> Findings:
    """CPU of one decision, for short and long prompts in English and Japanese."""
    judge = linear.scorer(linear.shipped())

    def taken(messages: list[dict[str, Any]]) -> float:
        """Microseconds."""
        body = json.encode({"model": "sekisho/auto", "messages": messages})
        members = json.members(body)

        def once() -> None:
            judge(sample(body, members))

        times = repeat(once, number=CALLS, repeat=ground.count(ROUNDS, 3), timer=time.process_time)
        return min(times) / CALLS * 1e6

    found = {name: taken(messages) for name, messages in _prompts().items()}
    large = {name: each for name, each in found.items() if "400 KB" in name}
    return Findings(
        [
            at_most(
                "automatic routing, a prompt of 2 KB",
                1000,
                max(found["2 KB of English"], found["2 KB of Japanese"]),
                "us",
            ),
            at_most("automatic routing, a prompt of 400 KB", 1000, max(large.values()), "us"),
        ],
        [
            Table(
                "Deciding on a tier",
                ("prompt", "CPU us/call"),
                [(name, f"{each:.0f}") for name, each in found.items()],
            )
        ],
    )


def _prompts() -> Mapping[str, list[dict[str, Any]]]:
    def said(text: str, size: int) -> str:
        return text * (size // len(text.encode()) + 1)

    turns = [
        {"role": "assistant" if at % 2 else "user", "content": said(ENGLISH, LARGE // 200)}
        for at in range(201)
    ]
    return {
        "a question": [{"role": "user", "content": "What is the capital of Mongolia?"}],
        "2 KB of English": [{"role": "user", "content": said(ENGLISH, 2000)}],
        "2 KB of Japanese": [{"role": "user", "content": said(JAPANESE, 2000)}],
        "400 KB of English": [{"role": "user", "content": said(ENGLISH, LARGE)}],
        "400 KB of Japanese": [{"role": "user", "content": said(JAPANESE, LARGE)}],
        "400 KB in 201 messages": turns,
    }
