"""CPU of one streamed event between every client's language and every provider's."""

import json
from dataclasses import replace

from bench import streams
from bench.findings import Figure, Findings, Table, at_most, middle, unknown
from bench.gateways import PAIRED, Subject
from bench.ground import PAIR_EVENTS, Ground
from bench.load import LoadFailed

STREAMS = 250
QUESTION = "How far is it to the next checkpoint?"
CLIENTS: dict[str, tuple[str, dict[str, object]]] = {
    "openai_chat": (
        "/v1/chat/completions",
        {"messages": [{"role": "user", "content": QUESTION}], "stream": True},
    ),
    "anthropic_messages": (
        "/v1/messages",
        {"messages": [{"role": "user", "content": QUESTION}], "max_tokens": 9000, "stream": True},
    ),
    "openai_responses": ("/v1/responses", {"input": QUESTION, "stream": True}),
    "gemini_generate": (
        "/v1beta/models/{model}:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]},
    ),
    "bedrock_converse": (
        "/model/{model}/converse-stream",
        {"messages": [{"role": "user", "content": [{"text": QUESTION}]}]},
    ),
}
"""Client's dialect -> path and body; those that name the model in the path leave it out of the body."""


def every_pair(ground: Ground) -> Findings:
    """CPU of one event from 250 streams of 100 events 20 ms apart, all 25 pairs."""
    rounds = ground.count(3)
    taken: dict[tuple[str, str], float] = {}
    failed: dict[str, str] = {}
    for client in CLIENTS:
        for provider in PAIRED:
            subject = ground.model(f"pair-{provider}")
            try:
                found = [_event_cpu(*_asking(client, subject)) for _ in range(rounds)]
            except LoadFailed as error:
                failed[f"{client} to {provider}"] = str(error)[:200]
                continue
            taken[client, provider] = middle(found)
    translated = [each for (client, provider), each in taken.items() if client != provider]
    figure: Figure = unknown("CPU per streamed event, dearest pair", "<= 60 us", str(failed))
    if not failed:
        figure = at_most("CPU per streamed event, translated, dearest pair", 60, max(translated), "us")
    rows = [
        (client, *(f"{taken.get((client, provider), float('nan')):.1f}" for provider in PAIRED))
        for client in CLIENTS
    ]
    note = "Clients down, providers across; the diagonal is spliced. The call's own share is included."
    table = Table("CPU us/event, every pair", ("", *PAIRED), rows, note)
    return Findings([figure], [table], failed)


def _asking(client: str, subject: Subject) -> tuple[Subject, bytes]:
    path, members = CLIENTS[client]
    named = "{model}" not in path
    asking = replace(subject, path=path.format(model=subject.model))
    return asking, json.dumps({"model": subject.model, **members} if named else members).encode()


def _event_cpu(subject: Subject, body: bytes) -> float:
    """Microseconds, the call's own share included."""
    assert subject.process is not None
    before = subject.process.cpu()
    tally = streams.run(subject, body, streams=STREAMS, ramp=1.0)
    used = subject.process.settled_cpu() - before
    if tally.complete != STREAMS:
        raise LoadFailed(f"{tally.complete} of {STREAMS} streams were complete")
    return used / (STREAMS * PAIR_EVENTS) * 1e6
