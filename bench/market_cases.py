"""OpenRouter's contract: what its preferences cost a call, and its list of models. One function a figure."""

import http.client
import os
import secrets
import socket
import sys
import time
from random import Random
from timeit import repeat

from bench.findings import Findings, Table, at_most, middle
from bench.gateways import HOST, bearer
from bench.ground import Ground
from bench.load import LoadFailed
from bench.proc import GATEWAY_CORE, Process
from sekisho.app import DIALECTS
from sekisho.core.clock import Clock
from sekisho.core.contract import Entry
from sekisho.core.exchange import Exchange
from sekisho.core.operation import Operation
from sekisho.metering.tokens import Tokens
from sekisho.pipeline import market
from sekisho.pipeline.attempts import Attempts
from sekisho.pipeline.prepare import Plane
from sekisho.pipeline.steps.parse import parse
from sekisho.providers import catalog
from sekisho.routing import document
from sekisho.routing.board import Board
from sekisho.routing.compile import compile_document
from sekisho.upstream.client import Client
from sekisho.wire import json

ENDPOINTS = 20
CALLS = 500
ROUNDS = 20
MODELS = 3_000
"""Each at two providers."""
PORT = 9114
PATIENCE = 60.0
"""Seconds until a gateway that knows all of them answers."""
PREFERENCES = {
    "order": ["p7", "p9"],
    "ignore": ["p3"],
    "quantizations": ["unknown"],
    "max_price": {"prompt": 100},
    "preferred_max_latency": 30,
    "preferred_min_throughput": 1,
    "sort": "price",
}
_PROVIDER = """\
  p{number}:
    like: openai-compatible
    base_url: http://127.0.0.1:1/v1
    api_key: none
    models:
{models}
"""
_MODEL = "      acme/model-{number}: {{price: {{input: {price}, output: 4}}, context_length: 128000}}"


def preferences(ground: Ground) -> Findings:
    """CPU of reading OpenRouter's preferences and applying them to 20 endpoints, over a call without."""
    snapshot = compile_document(
        document.read(_document(ENDPOINTS, 1).encode(), "bench.yaml"), catalog.load(), {}
    )
    plane = Plane(snapshot, DIALECTS, {})
    attempts = Attempts(Client(), Clock(), Random(1), Board(time.monotonic), Tokens())
    rounds = ground.count(ROUNDS, 5)
    plain, preferring = (_body(**members) for members in ({}, {"provider": PREFERENCES}))

    def taken(body: bytes) -> float:
        """Microseconds."""

        def once() -> None:
            exchange = _exchange(body)
            attempts.targets(exchange, plane, market.route_of(exchange, plane))

        return min(repeat(once, number=CALLS, repeat=rounds, timer=time.process_time)) / CALLS * 1e6

    without, with_them = taken(plain), taken(preferring)
    rows = [("without preferences", f"{without:.1f}"), ("with seven of them", f"{with_them:.1f}")]
    name = f"OpenRouter's preferences, {ENDPOINTS} endpoints, over a plain call"
    table = Table(f"Reading and planning a call below /api/v1, {ENDPOINTS} endpoints", ("", "CPU us"), rows)
    return Findings([at_most(name, 60, with_them - without, "us")], [table])


def models(ground: Ground) -> Findings:
    """The list of 3,000 models at 6,000 endpoints: made anew, and known to the client already."""
    home = ground.folder / "models"
    home.mkdir()
    written = home / "sekisho.yaml"
    written.write_text(_document(2, MODELS), "utf-8")
    key = f"sk-bench-{secrets.token_urlsafe(24)}"
    command = [sys.executable, "-m", "sekisho", "serve", "--config", str(written)]
    command += ["--host", HOST, "--port", str(PORT)]
    environment = {**os.environ, "SEKISHO_DATA_DIR": str(home / "data"), "SEKISHO_ADMIN_KEY": key}
    with Process("models", command, GATEWAY_CORE, home / "log", environment):
        _wait()
        cold, tag, size = _listed(key)
        later = [_listed(key)[0] for _ in range(ground.count(20, 5))]
        known = [_listed(key, tag)[0] for _ in range(ground.count(200, 20))]
    rows = [
        ("the first time, when the list is made", f"{cold:.1f}"),
        ("later, median", f"{middle(later):.1f}"),
        ("known by its tag, median", f"{middle(known):.2f}"),
    ]
    title = f"GET /api/v1/models: {MODELS:,} models at {2 * MODELS:,} endpoints, {size / 1e6:.1f} MB"
    return Findings(
        [
            at_most(f"/models of {MODELS:,} models, cold", 20, cold, "ms"),
            at_most(f"/models of {MODELS:,} models, by its tag", 2, middle(known), "ms"),
        ],
        [Table(title, ("", "ms"), rows)],
    )


def _listed(key: str, tag: str = "") -> tuple[float, str, int]:
    """(milliseconds, tag, bytes) of the list, or of the word that it is the one of that tag."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=PATIENCE)
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    began = time.perf_counter()
    connection.request("GET", "/api/v1/models", headers={**bearer(key), "if-none-match": tag})
    answer = connection.getresponse()
    body = answer.read()
    taken = (time.perf_counter() - began) * 1000
    connection.close()
    if answer.status != (304 if tag else 200):
        raise LoadFailed(f"{answer.status}: {body[:300]!r}")
    return taken, answer.headers["etag"], len(body)


def _wait() -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, PORT)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise LoadFailed("the gateway of many models did not come up")


def _document(providers: int, models: int) -> str:
    each = [
        _PROVIDER.format(
            number=number,
            models="\n".join(_MODEL.format(number=at, price=1 + number / 10) for at in range(models)),
        )
        for number in range(providers)
    ]
    return "providers:\n" + "".join(each)


def _body(**members: object) -> bytes:
    messages = [{"role": "user", "content": "How far is it to the next checkpoint?"}]
    return json.encode({"model": "acme/model-0", "messages": messages, **members})


def _exchange(body: bytes) -> Exchange:
    exchange = Exchange(
        id="gen-1",
        dialect=DIALECTS["openai_chat"],
        entry=Entry(Operation.CHAT),
        headers=(),
        named={},
        body=body,
        started=0.0,
        began=0.0,
        show_money=True,
    )
    parse(exchange)
    return exchange
