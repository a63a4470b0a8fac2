"""Makes the calls of a proof, and asks the gateway what it holds."""

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

import msgspec

from sekisho.core.limit import Measure
from sekisho.core.money import NANO
from sekisho.testkit.chaos.caller import Call, Caller, Heard, request
from sekisho.testkit.proof.case import Case
from sekisho.testkit.proof.stage import DEAR, FREE
from sekisho.testkit.proof.witness import UNARY_FAULTS, Witness, prompt
from sekisho.wire import json

PATIENCE = 60.0
LEAVES = 0.6
"""Seconds within which clients leave that do."""
SPREAD = 1.0
"""Seconds within which a gateway is killed."""
SESSION = "proof-"
MARKET = "/api/v1"
TOKENS = 2000
"""The longest answer that calls ask for, as `caller.request` has it."""
TOO_MANY = 10**9
"""Tokens that no limit has."""
_STANDING = re.compile(
    r"has no room for this call: ([\d.]+)(?: USD)? used(?:, ([\d.]+)(?: USD)? held for calls under way)?,"
    r" and it may come to ([\d.]+)"
)


@dataclass(slots=True)
class Asked:
    """One call, and what its client got."""

    number: int
    call: Call
    port: int
    heard: Heard = field(default_factory=Heard)
    began: float = 0.0
    """Monotonic."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a limit, as the gateway says it: nano-USD, or a number."""

    used: int
    held: int
    claimed: int


@dataclass(slots=True)
class Played:
    case: Case
    keys: Sequence[str]
    asked: list[Asked] = field(default_factory=list)
    most_underway: int = 0
    usd: Standing | None = None
    tokens: Standing | None = None


class Gateways(Protocol):
    @property
    def ports(self) -> Sequence[int]: ...

    async def kill(self, dice: random.Random) -> None:
        """One process, at once, without a word; returns when another one serves in its place."""
        ...


Issue = Callable[[Case], Awaitable[Sequence[str]]]
"""New keys for a case, with its limits."""


class Course:
    def __init__(self, gateways: Gateways, witness: Witness, issue: Issue, dice: random.Random):
        self._gateways = gateways
        self._witness = witness
        self._issue = issue
        self._dice = dice
        self._number = 0

    async def play(self, case: Case) -> Played:
        """All calls of a case at once, to their ends."""
        played = Played(case, await self._issue(case))
        ports = self._gateways.ports
        callers = {(port, key): Caller(port, key) for port in ports for key in played.keys}
        self._witness.most_underway = 0
        killing = asyncio.create_task(self._kill()) if case.kill else None
        try:
            async with asyncio.TaskGroup() as group:
                for at in range(case.calls):
                    port, key = ports[at % len(ports)], played.keys[at % len(played.keys)]
                    asked = self._ask(case, port)
                    played.asked.append(asked)
                    group.create_task(make(callers[port, key], asked))
            if killing is not None:
                await killing
        finally:
            await asyncio.gather(*(caller.close() for caller in callers.values()))
        played.most_underway = self._witness.most_underway
        return played

    async def all_ended(self, played: Played, patience: float) -> None:
        """Wait until nothing is held for the case, or so many seconds; note what the gateway says."""
        case = played.case
        until = time.monotonic() + patience
        while True:
            if case.has("usd"):
                played.usd = await self.standing(played.keys[0], DEAR, "usd")
            if case.has("tokens"):
                played.tokens = await self.standing(played.keys[0], FREE, "tokens")
            held = [each.held for each in (played.usd, played.tokens) if each is not None]
            if not any(held) or time.monotonic() > until:
                return
            await asyncio.sleep(0.1)

    async def standing(
        self, key: str, model: str, measure: Measure, tokens: int = TOO_MANY
    ) -> Standing | None:
        """What the key's limit of this measure says when it has no room for a call of this model. None: the
        call was admitted, or another limit has none."""
        caller = Caller(self._gateways.ports[0], key)
        asking = msgspec.structs.replace(request(model, "?", stream=False), max_tokens=tokens)
        try:
            heard = await caller.make(Call("chat", asking, PATIENCE))
        finally:
            await caller.close()
        found = _STANDING.search(heard.error)
        if found is None or (" USD used" in heard.error) != (measure == "usd"):
            return None
        unit = NANO if measure == "usd" else 1
        used, held, claimed = (int(Decimal(text or "0") * unit) for text in found.groups())
        return Standing(used, held, claimed)

    async def dearest(self, model: str) -> int:
        """Nano-USD that a call of the model may come to at most; 0 where its price is not known."""
        case = Case("dearest", "what a call may come to", ("usd 0.000000001/month",))
        [key] = await self._issue(case)
        found = await self.standing(key, model, "usd", TOKENS)
        return 0 if found is None else found.claimed

    async def steady(self, case: Case, seconds: float, pause: float) -> Played:
        """Calls of a case one after the other, `pause` seconds apart, for so long, over all gateways."""
        played = Played(case, await self._issue(case))
        callers = [(port, Caller(port, played.keys[0])) for port in self._gateways.ports]
        began = time.monotonic()
        try:
            async with asyncio.TaskGroup() as group:
                while (due := began + len(played.asked) * pause) < began + seconds:
                    await asyncio.sleep(due - time.monotonic())
                    port, caller = callers[len(played.asked) % len(callers)]
                    asked = self._ask(case, port)
                    played.asked.append(asked)
                    group.create_task(make(caller, asked))
        finally:
            await asyncio.gather(*(caller.close() for _, caller in callers))
        return played

    def _ask(self, case: Case, port: int) -> Asked:
        dice = self._dice
        self._number += 1
        stream, kind = dice.choice(case.streams), dice.choice(case.kinds)
        faults = case.faults if stream else [fault for fault in case.faults if fault in UNARY_FAULTS]
        asking = request(case.model, prompt(self._number, dice.choice(faults)), stream=stream)
        if case.also:
            members = {"models": json.raw([case.model, *case.also])}
            asking = msgspec.structs.replace(asking, vendor={"openai_chat": members})
        patience = dice.uniform(0.0, LEAVES) if dice.random() < case.leaving else PATIENCE
        headers = [("x-session-id", f"{SESSION}{self._number}")]
        prefix = MARKET if case.also else None
        return Asked(self._number, Call(kind, asking, patience, headers, prefix), port)

    async def _kill(self) -> None:
        await asyncio.sleep(self._dice.uniform(0.0, SPREAD))
        await self._gateways.kill(self._dice)


async def make(caller: Caller, asked: Asked) -> None:
    asked.began = time.monotonic()
    asked.heard = await caller.make(asked.call)
