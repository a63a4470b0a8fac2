"""Streams and endurance: CPU of an event, thousands at once, memory over time. One function a figure."""

import time
from dataclasses import replace

from bench import gateways, streams, upstreams
from bench.findings import Figure, Findings, Table, at_most, middle
from bench.gateways import Subject
from bench.ground import STREAMS, Ground
from bench.load import LoadFailed, wrk
from bench.proc import raise_open_files

PLAIN = {"stream": True}


def event_cpu(ground: Ground) -> Findings:
    """CPU of one relayed event, from 500 streams of 200 events 20 ms apart."""
    count = 500  # always: with fewer, each event wakes the process alone, which is another question
    rounds = ground.count(3)
    spliced, translated = ground.model("tick"), ground.model("tick-claude")
    plan: list[tuple[str, Subject, int]] = [
        ("Sekisho, spliced", spliced, count),
        ("Sekisho, translated", translated, count),
    ]
    if ground.nginx:
        plan.insert(0, ("nginx", _nginx_stream(ground.nginx), count))
    measured: dict[str, list[float]] = {name: [] for name, _, _ in plan}
    for _ in range(rounds):
        for name, subject, number in plan:
            measured[name].append(_event_cpu(subject, number))
    failed: dict[str, str] = {}
    few = max(5, count // 50)  # with more, a slow peer would take longer than the events are apart
    for subject in ground.others:
        try:
            measured[f"{subject.name}, {few} streams"] = [_event_cpu(_ticking(subject), few)]
        except LoadFailed as error:
            failed[subject.name] = str(error)
    floor = middle(measured.get("nginx", []))
    rows = [
        (name, f"{middle(each):,.1f}", f"{middle(each) / floor:,.1f} x" if floor == floor else "-")
        for name, each in measured.items()
    ]
    table = Table(
        f"Relayed events: {count} streams, 200 events each, 20 ms apart",
        ("", "CPU us/event", "to nginx"),
        rows,
    )
    return Findings(
        [
            at_most("CPU per relayed event, spliced", 25, middle(measured["Sekisho, spliced"]), "us"),
            at_most("CPU per relayed event, translated", 80, middle(measured["Sekisho, translated"]), "us"),
        ],
        [table],
        failed,
    )


def _event_cpu(subject: Subject, count: int) -> float:
    """Microseconds, the call's own share included."""
    assert subject.process is not None
    before = subject.process.cpu()
    tally = streams.run(subject, subject.body(**PLAIN), streams=count, ramp=1.0)
    used = subject.process.settled_cpu() - before
    if tally.complete != count:
        raise LoadFailed(f"{subject.name}: {tally.complete} of {count} streams were complete")
    return used / tally.events * 1e6


def _nginx_stream(subject: Subject) -> Subject:
    return replace(subject, path="/stream/v1/chat/completions", model=STREAMS["tick"])


def _ticking(subject: Subject) -> Subject:
    """LiteLLM knows the model by the name we gave it, Portkey by the provider's."""
    if "x-portkey-provider" in subject.headers:
        headers = gateways.portkey_headers(upstreams.SCRIPTED_PORT)
        return replace(subject, headers=headers, model=STREAMS["tick"])
    return replace(subject, model="bench/tick")


def many_streams(ground: Ground) -> Findings:
    """8,000 streams open at once on one process; each event is a second after the one before."""
    wanted = ground.count(8000, 500)
    possible = (raise_open_files() - 200) // 2
    count = min(wanted, possible)
    subject = ground.model("many")
    streams.run(subject, subject.body(**PLAIN), streams=50, ramp=0.1)  # warms up
    tally = streams.run(
        subject, subject.body(**PLAIN), streams=count, ramp=max(1.0, count / 800), watch=ground.process
    )
    each = (tally.peak - tally.before) / count / 1000
    complete = Figure(
        f"{count:,} concurrent open streams",
        "all complete",
        f"{tally.complete:,} complete, {tally.broken} broken",
        tally.complete == count,
    )
    rows = [
        ("open at once", f"{tally.open_at_peak:,}"),
        ("complete", f"{tally.complete:,}"),
        ("events relayed", f"{tally.events:,}"),
        ("resident before, MB", f"{tally.before / 1e6:.1f}"),
        ("resident with all open, MB", f"{tally.peak / 1e6:.1f}"),
    ]
    note = "" if count == wanted else f"This machine allows {possible:,} streams (open files)."
    return Findings(
        [complete, at_most("memory per open stream", 30, each, "KB")],
        [Table("Open streams on one process", ("", ""), rows, note)],
    )


def memory_slope(ground: Ground) -> Findings:
    """Resident memory over many calls and many streams that clients leave in the middle."""
    calls, abandoned = ground.count(500_000), ground.count(20_000, 500)
    process = ground.process
    settled = [_sample(ground, calls=0)]
    files = process.open_files()
    done = 0
    while done < calls:
        burst = wrk(
            ground.gateway, ground.gateway.body(), ground.folder, connections=64, seconds=ground.amount(4, 1)
        )
        done += burst.requests
        settled.append(_sample(ground, calls=done))
    subject = ground.model("endless")
    left = [(0, settled[-1][1])]
    step = max(1, abandoned // 8)
    while left[-1][0] < abandoned:
        streams.abandon(subject, subject.body(**PLAIN), streams=step, at_once=200, after=3)
        left.append((left[-1][0] + step, _sample(ground, calls=0)[1]))
    time.sleep(2)
    calls_slope, streams_slope = _slope(settled), _slope(left)
    steady = calls_slope * 100_000 < 1000 and streams_slope * 10_000 < 1000
    rows = [(f"{at:,} calls", f"{size:,.0f}") for at, size in settled]
    rows += [(f"+ {at:,} streams left", f"{size:,.0f}") for at, size in left[1:]]
    rows.append(("open files before / after", f"{files} / {process.open_files()}"))
    figure = Figure(
        f"memory over {done:,} calls and {left[-1][0]:,} abandoned streams",
        "flat",
        f"{calls_slope * 100_000:+,.0f} KB per 100,000 calls, "
        f"{streams_slope * 10_000:+,.0f} KB per 10,000 abandoned streams",
        steady,
    )
    note = "Slopes are least squares over the second half of each series; flat is below 1,000 KB "
    note += "each: ten bytes a call, a hundred bytes a stream."
    return Findings([figure], [Table("Resident memory", ("after", "KB"), rows, note)])


def _sample(ground: Ground, *, calls: int) -> tuple[int, float]:
    ground.process.settled_cpu()
    return calls, ground.process.memory()[0] / 1000


def _slope(points: list[tuple[int, float]]) -> float:
    """Per unit of the first number, over the second half."""
    half = points[len(points) // 2 :] if len(points) > 3 else points
    mean_x = sum(x for x, _ in half) / len(half)
    mean_y = sum(y for _, y in half) / len(half)
    spread = sum((x - mean_x) ** 2 for x, _ in half)
    return sum((x - mean_x) * (y - mean_y) for x, y in half) / spread if spread else 0.0
