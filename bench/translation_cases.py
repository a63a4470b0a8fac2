"""Translation between API languages: CPU of calls and events, large bodies, long transcripts. One function a
figure."""

import http.client
import json
import threading
from dataclasses import replace

from bench.findings import Findings, Table, at_most, middle
from bench.gateways import HOST, Subject
from bench.ground import Ground
from bench.load import LoadFailed, Prober, wrk

ROUNDS = 5
IMAGE = 5_000_000
"""Bytes of base64."""
UPLOADS = 20
TURNS = 200
TRANSCRIPT = 400_000
"""Bytes."""


def unary_translation(ground: Ground) -> Findings:
    """CPU of a translated call of 2 KB, beside the same call spliced."""
    text = "How far is it to the next checkpoint, and who keeps it? 次の関所まで。 " * 26
    plan = {
        "chat, spliced": ground.model("canned"),
        "chat to claude": ground.model("canned-claude"),
        "messages, spliced": _messages(ground.model("canned-claude")),
        "messages to chat": _messages(ground.model("canned")),
    }
    cpu: dict[str, list[float]] = {name: [] for name in plan}
    for round_ in range(ground.count(ROUNDS) + 1):
        for name, subject in plan.items():
            body = _said(subject, text)
            burst = wrk(subject, body, ground.folder, connections=64, seconds=ground.amount(3, 1))
            if round_:
                cpu[name].append(burst.cpu_each)
    each = {name: middle(found) for name, found in cpu.items()}
    ratios = [each["chat to claude"] / each["chat, spliced"]]
    ratios.append(each["messages to chat"] / each["messages, spliced"])
    rows = [(name, f"{found:,.1f}") for name, found in each.items()]
    return Findings(
        [at_most("CPU per translated call over spliced, 2 KB", 2.5, max(ratios), "x")],
        [Table("Translated unary calls, 2 KB requests, 0.9 KB answers", ("", "CPU us/call"), rows)],
    )


def transcript(ground: Ground) -> Findings:
    """CPU of a call that brings 200 turns of an agent, 400 KB, translated."""
    subject = ground.model("canned-claude")
    body = json.dumps({"model": subject.model, **_agent(TURNS, TRANSCRIPT)}).encode()
    found = [
        wrk(subject, body, ground.folder, connections=4, seconds=ground.amount(3, 1)).cpu_each / 1000
        for _ in range(ground.count(ROUNDS, 2))
    ]
    return Findings([at_most(f"CPU per translated transcript of {TURNS} turns", 12, middle(found), "ms")])


def images(ground: Ground) -> Findings:
    """20 calls at once with 5 MB of base64 each, translated; meanwhile somebody asks for /healthz."""
    subject = ground.model("canned-claude")
    body = _with_image(subject)
    longest, grown = [], []
    for round_ in range(ground.count(ROUNDS, 2) + 1):
        ground.process.forget_peak()
        before = ground.process.memory()[0]
        with Prober(subject.port) as prober:
            _at_once(subject, body, UPLOADS)
        if round_:
            longest.append(max(prober.taken) * 1000)
            grown.append((ground.process.peak() - before) / (UPLOADS * len(body)))
    rows = [(f"{slow:,.1f}", f"{more:.2f} x") for slow, more in zip(longest, grown, strict=True)]
    return Findings(
        [
            at_most("another client's wait during 20 calls of 5 MB, longest", 50, middle(longest), "ms"),
            at_most("memory over the bodies, 20 calls of 5 MB", 6, max(grown), "x"),
        ],
        [Table("5 MB of base64, 20 calls at once, translated", ("longest wait ms", "memory / bodies"), rows)],
    )


def _messages(subject: Subject) -> Subject:
    return replace(subject, path="/v1/messages")


def _said(subject: Subject, text: str) -> bytes:
    messages = [{"role": "user", "content": text}]
    return json.dumps({"model": subject.model, "max_tokens": 500, "messages": messages}).encode()


def _with_image(subject: Subject) -> bytes:
    url = "data:image/png;base64," + "iVBORw0KGgoAAAANSUhE" * (IMAGE // 20)
    content = [{"type": "text", "text": "?"}, {"type": "image_url", "image_url": {"url": url}}]
    messages = [{"role": "user", "content": content}]
    return json.dumps({"model": subject.model, "max_tokens": 500, "messages": messages}).encode()


def _agent(turns: int, size: int) -> dict[str, object]:
    """A session of an agent: a question, then calls of tools and their results."""
    result = "src/gate.py:17: the barrier opens at dawn\n" * (size // (turns * 52))
    messages: list[dict[str, object]] = [
        {"role": "system", "content": "You keep the gate."},
        {"role": "user", "content": "Why does it open late?"},
    ]
    for turn in range(turns // 2):
        arguments = json.dumps({"path": f"src/part{turn}.py", "pattern": "def open_gate"})
        call = {
            "id": f"call_{turn}",
            "type": "function",
            "function": {"name": "grep", "arguments": arguments},
        }
        messages.append({"role": "assistant", "content": "I look further.", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{turn}", "content": result * 2})
    schema = {"type": "object", "properties": {"path": {"type": "string"}, "pattern": {"type": "string"}}}
    function = {"name": "grep", "description": "Search files", "parameters": schema}
    return {"max_tokens": 500, "messages": messages, "tools": [{"type": "function", "function": function}]}


def _at_once(subject: Subject, body: bytes, count: int) -> None:
    failed: list[str] = []

    def send() -> None:
        connection = http.client.HTTPConnection(HOST, subject.port, timeout=60)
        try:
            connection.request("POST", subject.path, body, subject.headers)
            answer = connection.getresponse()
            said = answer.read()
            if answer.status != 200:
                failed.append(f"{answer.status} {said[:300]!r}")
        except OSError as error:
            failed.append(repr(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise LoadFailed(f"{len(failed)} of {count} uploads: {failed[0]}")
