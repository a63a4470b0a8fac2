"""Outages: what callers feel of a primary that is dead, and of one that dies while it speaks to them."""

import socket
import threading
import time
from dataclasses import replace

from bench import streams, upstreams
from bench.cases import quantile
from bench.findings import Figure, Findings, Table, at_most
from bench.gateways import HOST
from bench.ground import Ground
from bench.load import Caller, LoadFailed
from bench.proc import Process

STREAMS = 200
KILLED_AFTER = 50
"""Events of each of the streams, on average; each has 200."""
PATIENCE = 20.0
"""Seconds."""
ENOUGH = 20
"""Calls after which a dead target's breaker is open."""


def faults(ground: Ground) -> Findings:
    """Callers of a route whose primary is dead, and streams whose primary is killed."""
    added, latencies = _dead_primary(ground)
    failed, killed = _killed_primary(ground)
    return Findings([added, failed], [latencies, killed])


def _dead_primary(ground: Ground) -> tuple[Figure, Table]:
    """On one connection each, call by call in turn, so that both meet the machine in the same mood."""
    names = ("healthy", "dead")
    callers = {name: Caller(replace(ground.gateway, model=f"{name}-primary")) for name in names}
    taken: dict[str, list[float]] = {name: [] for name in names}
    for caller in callers.values():
        for _ in range(ENOUGH):
            caller.call()
    for _ in range(ground.count(10_000, 1_000)):
        for name, caller in callers.items():
            taken[name].append(caller.call())
    for caller in callers.values():
        caller.close()
    p99 = {name: quantile(times, 0.99) for name, times in taken.items()}
    rows = [
        (f"{name} primary", f"{len(times):,}", *(f"{quantile(times, share):.3f}" for share in (0.5, 0.99, 1)))
        for name, times in taken.items()
    ]
    figure = at_most("dead primary, breaker open: added p99", 1, p99["dead"] - p99["healthy"], "ms")
    note = "One call at a time finds out whether the dead one is back: those are among the slowest."
    return figure, Table("A dead primary", ("", "calls", "p50 ms", "p99 ms", "slowest ms"), rows, note)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            socket.create_connection((HOST, port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise LoadFailed(f"nothing came up on port {port}")


def _kill_amid(mortal: Process, tally: streams.Tally) -> int:
    """How many streams were open then."""
    deadline = time.monotonic() + PATIENCE
    while tally.events < STREAMS * KILLED_AFTER and time.monotonic() < deadline:
        time.sleep(0.01)
    mortal.kill()
    return tally.opened - tally.complete - tally.broken


def _killed_primary(ground: Ground) -> tuple[Figure, Table]:
    subject = replace(ground.gateway, model="mortal-primary")
    with upstreams.scripted(ground.folder, upstreams.MORTAL_PORT) as mortal:
        _wait_for(upstreams.MORTAL_PORT)
        tally = streams.Tally()
        open_then: list[int] = []
        death = threading.Thread(target=lambda: open_then.append(_kill_amid(mortal, tally)))
        death.start()
        try:
            streams.run(subject, subject.body(stream=True), streams=STREAMS, ramp=1.0, tally=tally)
        finally:
            death.join()
    if open_then != [STREAMS]:
        raise LoadFailed(
            f"{open_then} of {STREAMS} streams were open when their provider was killed: {tally}"
        )
    lost = STREAMS - tally.done
    figure = Figure(
        f"{STREAMS} concurrent streams, their primary killed", "0 failures", f"{lost} failures", lost == 0
    )
    rows = [
        ("came to their end", f"{tally.done:,}"),
        ("ended in an error", f"{tally.complete - tally.done:,}"),
        ("broken", f"{tally.broken:,}"),
        ("events of a stream, both parts, repeated ones left out", f"{tally.events / STREAMS:.0f}"),
    ]
    return figure, Table("Streams whose primary was killed", ("", ""), rows)
