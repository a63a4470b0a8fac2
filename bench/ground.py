"""What all cases stand on: the upstreams, the gateways, and how much to do."""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench import gateways, upstreams
from bench.gateways import NotUp, Sekisho, Subject
from bench.peers import Peers
from bench.proc import Process

STREAMS = {
    "tick": gateways.STREAM.format(events=200, gap=0.02),
    "tick-claude": gateways.STREAM.format(events=200, gap=0.02),
    "many": gateways.STREAM.format(events=25, gap=1),
    "endless": gateways.STREAM.format(events=2000, gap=0.05),
}
"""Model name below `bench/` -> what the scripted provider does."""
PAIR_EVENTS = 100
PAIR = gateways.STREAM.format(events=PAIR_EVENTS, gap=0.02)
"""What it does for every pair of languages."""


@dataclass(slots=True)
class Ground:
    folder: Path
    peers: Peers
    scale: float
    """1: everything; 0.05: a twentieth."""
    sekisho: Sekisho
    gateway: Subject
    nginx: Subject | None
    missing: dict[str, str] = field(default_factory=dict)
    """Peer -> why it is not measured."""
    start_seconds: dict[str, float] = field(default_factory=dict)
    idle: dict[str, tuple[int, int]] = field(default_factory=dict)
    others: list[Subject] = field(default_factory=list)
    """LiteLLM and Portkey, those that came up."""

    def amount(self, full: float, least: float = 1) -> float:
        return max(least, full * self.scale)

    def count(self, full: int, least: int = 1) -> int:
        return max(least, round(full * self.scale))

    @property
    def process(self) -> Process:
        assert self.gateway.process is not None
        return self.gateway.process

    def model(self, name: str) -> Subject:
        """The gateway, called for the model `bench/<name>`."""
        return self.sekisho.subject(self.process, f"bench/{name}")


@contextmanager
def laid(folder: Path, peers: Peers, scale: float) -> Iterator[Ground]:
    """Everything started and warm; all of it is gone afterwards."""
    with ExitStack() as stack:
        stack.enter_context(upstreams.nginx_canned(folder))
        stack.enter_context(upstreams.scripted(folder))
        proxy = stack.enter_context(upstreams.nginx_proxy(folder))
        time.sleep(1)
        sekisho = Sekisho(folder, STREAMS, PAIR)
        gateway = sekisho.start()
        assert gateway.process is not None
        stack.enter_context(gateway.process)
        gateway.wait(30)
        sekisho.create_key()
        gateway = sekisho.subject(gateway.process, gateways.UNARY_MODEL)
        ground = Ground(folder, peers, scale, sekisho, gateway, gateways.nginx(proxy))
        _start_others(ground, stack)
        yield ground


def _start_others(ground: Ground, stack: ExitStack) -> None:
    for tool, start in ((ground.peers.litellm, _litellm), (ground.peers.portkey, _portkey)):
        if tool.missing:
            ground.missing[tool.name] = tool.missing
            continue
        subject = start(ground)
        assert subject.process is not None
        stack.enter_context(subject.process)
        try:
            ground.start_seconds[tool.name] = subject.wait(90)
        except NotUp as error:
            ground.missing[tool.name] = f"did not come up: {str(error)[-300:]}"
            subject.process.stop()
            continue
        time.sleep(2)
        ground.idle[tool.name] = subject.process.memory()
        ground.others.append(subject)


def _litellm(ground: Ground) -> Subject:
    return gateways.litellm(ground.folder, {"tick": STREAMS["tick"]})


def _portkey(ground: Ground) -> Subject:
    return gateways.portkey(ground.folder)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
