"""One streamed call to a gateway with the standard library alone, as a newcomer's own program would do."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["chat", "messages"]
PATHS: dict[Kind, str] = {"chat": "/v1/chat/completions", "messages": "/v1/messages"}


class CallFailed(Exception):
    """The gateway answered with an error, or its stream ended in one. The message is its own."""


@dataclass(slots=True)
class Outcome:
    kind: Kind
    path: str
    call_id: str = ""
    text: str = ""
    model: str = ""
    first_token_ms: int | None = None
    total_ms: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    finish: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def body(kind: Kind, model: str, prompt: str, max_tokens: int) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": model,
        "max_tokens": max_tokens,
        "messages": [{"role": "user", "content": prompt}],
        "stream": True,
    }
    if kind == "chat":
        asked["stream_options"] = {"include_usage": True}
    return asked


def call(
    host: str, port: int, key: str, asked: tuple[Kind, dict[str, Any]], show: Callable[[str], None]
) -> Outcome:
    """Make the call; `show` gets every piece of text as it comes. Raises CallFailed."""
    kind, content = asked
    outcome = Outcome(kind=kind, path=PATHS[kind])
    credentials = {"authorization": f"Bearer {key}"} if kind == "chat" else {"x-api-key": key}
    headers = {**credentials, "content-type": "application/json", "anthropic-version": "2023-06-01"}
    started = time.monotonic()
    connection = http.client.HTTPConnection(host, port, timeout=120)
    try:
        connection.request("POST", outcome.path, json.dumps(content), headers)
        answer = connection.getresponse()
        outcome.headers = {name.lower(): value for name, value in answer.getheaders()}
        outcome.call_id = outcome.headers.get("x-generation-id", "")
        if answer.status != 200:
            raise CallFailed(_message(answer.read()))
        for event in _events(answer):
            for text in (_chat if kind == "chat" else _messages)(event, outcome):
                if outcome.first_token_ms is None:
                    outcome.first_token_ms = _since(started)
                outcome.text += text
                show(text)
    except (OSError, http.client.HTTPException) as error:
        raise CallFailed(f"{type(error).__name__}: {error}") from None
    finally:
        connection.close()
    outcome.total_ms = _since(started)
    return outcome


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _message(text: bytes) -> str:
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text.decode("utf-8", "replace")[:500]


def _events(answer: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    for line in answer:
        data = line.removeprefix(b"data: ").strip()
        if line.startswith(b"data: ") and data != b"[DONE]":
            event = json.loads(data)
            if "error" in event:
                raise CallFailed(str(event["error"].get("message", event["error"])))
            yield event


def _chat(event: dict[str, Any], outcome: Outcome) -> Iterator[str]:
    outcome.model = event.get("model") or outcome.model
    for choice in event.get("choices") or ():
        outcome.finish = choice.get("finish_reason") or outcome.finish
        if text := choice.get("delta", {}).get("content"):
            yield text
    if usage := event.get("usage"):
        outcome.input_tokens = usage["prompt_tokens"]
        outcome.output_tokens = usage["completion_tokens"]


def _messages(event: dict[str, Any], outcome: Outcome) -> Iterator[str]:
    match event.get("type"):
        case "message_start":
            outcome.model = event["message"]["model"]
            outcome.input_tokens = _prompt(event["message"]["usage"])
        case "content_block_delta":
            if text := event["delta"].get("text"):
                yield text
        case "message_delta":
            outcome.finish = event["delta"].get("stop_reason")
            outcome.input_tokens = _prompt(event["usage"]) or outcome.input_tokens
            outcome.output_tokens = event["usage"]["output_tokens"]


def _prompt(usage: dict[str, Any]) -> int:
    """Anthropic counts what came from the cache apart."""
    kinds = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(usage.get(kind) or 0 for kind in kinds)
