"""The wall: scripted providers in the place of a configuration's own."""

from collections.abc import Iterator
from typing import Any

import msgspec

from sekisho.testkit.chaos.scenario import STORY, WELL, Fault, Scenario, Tempo
from sekisho.testkit.provider import Received, Rules, Script, ScriptedProvider, Served
from sekisho.testkit.provider.connection import Turn

LOW_PREFILL = 24
"""Characters of the story that are no accident in a prompt."""


class Gate(ScriptedProvider):
    """One provider of one case. It asks its wall what to do with every request."""

    def __init__(self, wall: "Wall"):
        super().__init__(record=False)
        self.responder.scripts = {}  # a model's name means nothing here
        self.responder.rules = Rules(signatures=False)
        self._wall = wall

    def take(self, request: Received) -> Turn:
        """See `ScriptedProvider`."""
        self.responder.default = self._wall.script(self, request)
        return super().take(request)


class Wall:
    """All providers of one case. The first that is asked is struck; the others are well."""

    def __init__(self, scenario: Scenario, tempo: Tempo):
        self.gates: dict[str, Gate] = {}
        """By the name that the configuration gives the provider."""
        self.struck: Gate | None = None
        self._happenings: Iterator[Fault] = scenario.happenings()
        self._scenario = scenario
        self._tempo = tempo

    async def open(self, provider: str) -> Gate:
        gate = self.gates[provider] = Gate(self)
        await gate.start()
        return gate

    async def close(self) -> None:
        for gate in self.gates.values():
            await gate.stop()

    @property
    def requests(self) -> int:
        """That were made so far."""
        return sum(gate.ledger.counts["requests"] for gate in self.gates.values())

    def collect(self) -> tuple[Served, ...]:
        """Answers that were begun and are over, each told once."""
        found = []
        for gate in self.gates.values():
            found += gate.ledger.served
            gate.ledger.served.clear()
        return tuple(found)

    @property
    def suffered(self) -> int:
        """Requests that the struck provider got."""
        return 0 if self.struck is None else self.struck.ledger.counts["requests"]

    def script(self, gate: Gate, request: Received) -> Script:
        """What the gate does with this request."""
        body = decoded(request.body)
        stream = is_stream(request, body)
        self.struck = self.struck or gate
        fault = next(self._happenings) if gate is self.struck else WELL
        if gate is not self.struck and self._scenario.refuses_prefill and _ends_in_own_words(body):
            return Script(status=400)
        return fault.script(self._tempo, rest_of_story(body), stream=stream)


def decoded(body: bytes) -> dict[str, Any]:
    """A request's body; empty where it is no object."""
    try:
        decoded = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def _turns(body: dict[str, Any]) -> list[Any]:
    turns = body.get("messages") or body.get("contents") or body.get("input") or []
    return turns if isinstance(turns, list) else []


def _ends_in_own_words(body: dict[str, Any]) -> bool:
    turns = _turns(body)
    return bool(turns) and isinstance(turns[-1], dict) and turns[-1].get("role") in ("assistant", "model")


def rest_of_story(body: dict[str, Any]) -> str:
    """What the request leaves to be told: a model goes on from what it finds, as it is told to."""
    found = (text for text in _texts(_turns(body)) if STORY.startswith(text))
    said = max((text for text in found if len(text) >= LOW_PREFILL), key=len, default="")
    return STORY[len(said) :]


def is_stream(request: Received, body: dict[str, Any]) -> bool:
    return bool(body.get("stream")) or "stream" in request.path.lower()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.rstrip()
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)
