"""`python -m bench`: every figure against its target, side by side with the peers, in one run."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench import (
    auto_cases,
    cases,
    fault_cases,
    ground,
    limit_cases,
    machine,
    market_cases,
    pair_cases,
    peers,
    planning_cases,
    replay_cases,
    report,
    report_cases,
    stream_cases,
    translation_cases,
)
from bench.findings import Findings, unknown
from bench.gateways import NotUp
from bench.ground import Ground, say
from bench.load import LoadFailed
from bench.proc import OTHER_CORES, raise_open_files

CASES: Mapping[str, Callable[[Ground], Findings]] = {
    "streams": stream_cases.many_streams,  # first: a heap that has grown would hide what they take
    "unary": cases.unary_cpu,
    "latency": cases.latency,
    "large": cases.large_prompt,
    "events": stream_cases.event_cpu,
    "faults": fault_cases.faults,
    "planning": planning_cases.planning,
    "auto": auto_cases.auto,
    "replay": replay_cases.replayed,
    "preferences": market_cases.preferences,
    "models": market_cases.models,
    "limits": limit_cases.limits,
    "pairs": pair_cases.every_pair,
    "translation": translation_cases.unary_translation,
    "transcript": translation_cases.transcript,
    "images": translation_cases.images,
    "reports": report_cases.reports,
    "memory": stream_cases.memory_slope,
    "start": cases.start,  # last: it ends the gateway that the others share
}
RESULTS = Path(__file__).parent / "results"
QUICK = 0.05


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of everything")
    parser.add_argument("--only", nargs="+", choices=CASES, help="these cases only; nothing is written")
    parser.add_argument("--without-peers", action="store_true", help="leave LiteLLM and Portkey out")
    return parser.parse_args()


def main() -> None:
    arguments = _arguments()
    raise_open_files()
    installed = peers.install()
    if installed.wrk.missing:
        sys.exit(f"wrk makes the load, and it is missing: {installed.wrk.missing}")
    if installed.nginx.missing:
        sys.exit(f"nginx is the upstream, and it is missing: {installed.nginx.missing}")
    if arguments.without_peers:
        left_out = {
            "litellm": peers.Tool("LiteLLM", missing="left out"),
            "portkey": peers.Tool("Portkey", missing="left out"),
        }
        installed = peers.Peers(installed.nginx, installed.wrk, **left_out)
    os.sched_setaffinity(0, OTHER_CORES)
    chosen = arguments.only or list(CASES)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sekisho-bench-") as folder:
        scale = QUICK if arguments.quick else 1.0
        with ground.laid(Path(folder), installed, scale) as laid:
            findings = [_run(name, laid) for name in CASES if name in chosen]
            missing = dict(laid.missing)
    today = datetime.now(UTC).date().isoformat()
    notes = [f"{name} is missing from the tables: {reason}" for name, reason in missing.items()]
    notes.append(f"The run took {(time.monotonic() - started) / 60:.1f} minutes.")
    command = "python -m bench" + (" --quick" if arguments.quick else "")
    text = report.render(f"Benchmark of {today}", command, machine.describe(installed), findings, notes)
    sys.stdout.write(text)
    if not arguments.only:
        RESULTS.mkdir(exist_ok=True)
        name = f"{today}-quick.md" if arguments.quick else f"{today}.md"
        (RESULTS / name).write_text(text, "utf-8")
        say(f"written to bench/results/{name}")


def _run(name: str, laid: Ground) -> Findings:
    case = CASES[name]
    say(f"{name}: {(case.__doc__ or '').strip().splitlines()[0]}")
    try:
        return case(laid)
    except (LoadFailed, NotUp, TimeoutError, subprocess.SubprocessError, OSError) as error:
        say(f"{name} failed: {error}")
        return Findings([unknown(name, "-", f"{type(error).__name__}: {str(error)[:300]}")])


if __name__ == "__main__":
    main()
