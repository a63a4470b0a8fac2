"""Unary calls: CPU, latency, large prompts, start and idle memory. One function a figure."""

import time
from collections.abc import Callable, Mapping

from bench import gateways
from bench.findings import Figure, Findings, Table, at_least, at_most, middle, ratio, unknown
from bench.gateways import LIMITED, Sekisho, Subject
from bench.ground import PAIR, STREAMS, Ground
from bench.load import Burst, Caller, LoadFailed, wrk

CONNECTIONS = 64
ROUNDS = 5
SLOW_ROUNDS = 2
"""For peers that answer a hundred times fewer calls: longer bursts, and not so many."""
SKELETON_RATE = 12_242 / 84_716
"""Calls a second of the walking skeleton (83ffbc7, one provider and nothing around it) over those of nginx,
in one run of this case. Machines differ, and so do days; how both stand to each other on one core, hardly."""
SKELETON_CPU = 83.0 / 11.4
"""The same of CPU a call."""
LARGE = 400_000
"""Bytes of prompt."""


def unary_cpu(ground: Ground) -> Findings:
    """CPU of one unary call in the same dialect, interleaved with the peers."""
    limited = ground.sekisho.limited(ground.process)
    subjects = [subject for subject in (ground.nginx, ground.gateway, limited, *ground.others) if subject]
    bursts, failed = _bursts(ground, subjects, lambda subject: subject.body(), CONNECTIONS)
    cpu = {name: middle([burst.cpu_each for burst in found]) for name, found in bursts.items()}
    ours = cpu["Sekisho"]
    findings = Findings(tables=[_unary_table(bursts, cpu)], failed=failed)
    findings.figures.append(_against_nginx("CPU per unary call, 64 connections", 8, ours, cpu))
    findings.figures.append(_against_skeleton(bursts, cpu, "Sekisho", 85))
    if LIMITED in cpu:
        findings.figures.append(_against_skeleton(bursts, cpu, LIMITED, 75))
    if "LiteLLM" in cpu:
        findings.figures.append(
            at_least("CPU per unary call, LiteLLM over Sekisho", 60, cpu["LiteLLM"] / ours, "x")
        )
    else:
        reason = failed.get("LiteLLM") or ground.missing.get("LiteLLM", "")
        findings.figures.append(unknown("CPU per unary call, LiteLLM over Sekisho", ">= 60 x", reason))
    return findings


def _against_nginx(name: str, limit: float, ours: float, cpu: Mapping[str, float]) -> Figure:
    if "nginx" not in cpu:
        return unknown(name, f"<= {limit:g} x nginx", "nginx is missing")
    return at_most(f"{name} ({ours:.1f} us)", limit, ours / cpu["nginx"], "x nginx")


def _against_skeleton(
    bursts: Mapping[str, list[Burst]], cpu: Mapping[str, float], subject: str, least: float
) -> Figure:
    """Planning, health, fallbacks and explanations are on for every call, and were not there then. Where
    other programs take the cores' time, calls a second flatter the slower one: so CPU counts as well."""
    name = "throughput over the skeleton's, each to nginx; by calls/s or CPU, the worse"
    if subject == LIMITED:
        name = f"with identities and six limits: {name}"
    if "nginx" not in bursts:
        return unknown(name, f">= {least:g} %", "nginx is missing")
    ours, floor = (middle([burst.rate for burst in bursts[each]]) for each in (subject, "nginx"))
    by_rate, by_cpu = ours / floor / SKELETON_RATE, SKELETON_CPU / (cpu[subject] / cpu["nginx"])
    return at_least(name, least, 100 * min(by_rate, by_cpu), "%")


def _bursts(
    ground: Ground, subjects: list[Subject], body: Callable[[Subject], bytes], connections: int
) -> tuple[dict[str, list[Burst]], dict[str, str]]:
    """Bursts by subject, and why a peer has none. The gateway's own failure is raised."""
    found: dict[str, list[Burst]] = {subject.name: [] for subject in subjects}
    failed: dict[str, str] = {}
    for round_ in range(ROUNDS + 1):
        for subject in subjects:
            if subject.name in failed or (subject.slow and round_ > SLOW_ROUNDS):
                continue
            seconds = ground.amount(8, 6) if subject.slow else ground.amount(3, 1)
            try:
                burst = wrk(subject, body(subject), ground.folder, connections=connections, seconds=seconds)
            except LoadFailed as error:
                if subject is ground.gateway:
                    raise
                failed[subject.name] = str(error)
                continue
            if round_:  # the first one warms up
                found[subject.name].append(burst)
    return {name: bursts for name, bursts in found.items() if bursts}, failed


def _unary_table(bursts: Mapping[str, list[Burst]], cpu: Mapping[str, float]) -> Table:
    rows = [
        (
            name,
            f"{cpu[name]:,.1f}",
            ratio(cpu[name], cpu.get("nginx", 0)),
            ratio(cpu[name], cpu["Sekisho"]),
            f"{middle([burst.rate for burst in found]):,.0f}",
            f"{middle([burst.p50 for burst in found]) * 1000:.2f}",
            f"{middle([burst.p99 for burst in found]) * 1000:.2f}",
        )
        for name, found in bursts.items()
    ]
    columns = ("", "CPU us/call", "to nginx", "to Sekisho", "calls/s", "p50 ms", "p99 ms")
    return Table(
        f"Unary calls, same dialect, {CONNECTIONS} connections, 0.9 KB answers",
        columns,
        rows,
        "Sekisho checks the key, meters and journals each call, and its CPU includes bringing the records "
        "into SQLite afterwards. LiteLLM checks its master key; Portkey has no keys; nginx only relays.",
    )


def latency(ground: Ground) -> Findings:
    """What one call takes longer than directly, on one connection, in alternating batches."""
    subjects = [subject for subject in (gateways.direct(), ground.gateway, ground.nginx) if subject]
    subjects += ground.others
    callers = {subject.name: Caller(subject) for subject in subjects}
    slow = {subject.name for subject in subjects if subject.slow}
    taken: dict[str, list[float]] = {name: [] for name in callers}
    for round_ in range(ground.count(40, 4)):
        for name, caller in callers.items():
            batch = [caller.call() for _ in range(10 if name in slow else 250)]
            if round_:
                taken[name].extend(batch)
    for caller in callers.values():
        caller.close()
    quantiles = {name: (quantile(times, 0.5), quantile(times, 0.99)) for name, times in taken.items()}
    base, ours = quantiles["direct"], quantiles["Sekisho"]
    rows = [
        (
            name,
            f"{len(taken[name]):,}",
            f"{p50:.3f}",
            f"{p99:.3f}",
            f"{p50 - base[0]:.3f}",
            f"{p99 - base[1]:.3f}",
        )
        for name, (p50, p99) in quantiles.items()
    ]
    return Findings(
        [
            at_most("latency added, p50", 0.35, ours[0] - base[0], "ms"),
            at_most("latency added, p99", 2, ours[1] - base[1], "ms"),
        ],
        [
            Table(
                "Latency on one connection",
                ("", "calls", "p50 ms", "p99 ms", "added p50", "added p99"),
                rows,
            )
        ],
    )


def quantile(times: list[float], share: float) -> float:
    """Milliseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def large_prompt(ground: Ground) -> Findings:
    """A prompt of 400 KB in the same dialect."""
    subjects = [subject for subject in (ground.nginx, ground.gateway) if subject]
    text = "The road goes ever on. " * (LARGE // 23)

    def body(subject: Subject) -> bytes:
        return subject.body(metadata={"note": text})

    bursts, failed = _bursts(ground, subjects, body, 16)
    cpu = {name: middle([burst.cpu_each for burst in found]) for name, found in bursts.items()}
    rows = [
        (
            name,
            f"{each:,.0f}",
            ratio(each, cpu.get("nginx", 0)),
            f"{middle([burst.rate for burst in bursts[name]]):,.0f}",
        )
        for name, each in cpu.items()
    ]
    table = Table("A 400 KB prompt, 16 connections", ("", "CPU us/call", "to nginx", "calls/s"), rows)
    figure = _against_nginx("CPU per call with a 400 KB prompt", 4, cpu["Sekisho"], cpu)
    return Findings([figure], [table], failed)


def start(ground: Ground) -> Findings:
    """From the start of the process, with an empty data folder, to its first answered call; then idle."""
    seconds, resident, proportional = [], [], []
    ground.process.stop()  # it holds the port
    for number in range(ROUNDS):
        folder = ground.folder / f"start-{number}"
        folder.mkdir()
        fresh = Sekisho(folder, STREAMS, PAIR).start()
        assert fresh.process is not None
        with fresh.process as process:
            seconds.append(fresh.wait(30))
            time.sleep(2)
            memory = process.memory()
        resident.append(memory[0] / 1e6)
        proportional.append(memory[1] / 1e6)
    rows = [("Sekisho", f"{middle(seconds):.2f}", f"{middle(resident):.0f}", f"{middle(proportional):.0f}")]
    for name, taken in ground.start_seconds.items():
        idle = ground.idle[name]
        rows.append((name, f"{taken:.2f}", f"{idle[0] / 1e6:.0f}", f"{idle[1] / 1e6:.0f}"))
    return Findings(
        [
            at_most("start to first answered call", 1.5, middle(seconds), "s"),
            at_most("idle memory (resident)", 90, middle(resident), "MB"),
        ],
        [Table("Start and idle", ("", "seconds to first answer", "resident MB", "proportional MB"), rows)],
    )
