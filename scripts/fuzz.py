"""Fuzz every dialect and every pair: golden cases with values, members and frames gone wrong.

    python scripts/fuzz.py --minutes 60 [--seed 1] [--out .fuzz] [--kind stream] [--dialect gemini_generate]
    python scripts/fuzz.py --minutes 10 --grow-every 1
    python scripts/fuzz.py --replay .fuzz/request-openai_chat-1a2b3c4d.json

Whatever arrives must be understood or be refused with an error of the tree, whatever is written must be
readable, and nothing may take more than linear time. What goes wrong is made small, and kept in a file that
`--replay` and `tests/dialects/test_findings.py` read. The same seed finds the same.
"""

import argparse
import hashlib
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
from fuzz_mutation import PUMPS, Mutator, paths, pumped, put, without
from fuzz_samples import CONVERSING, DIALECTS, KINDS, Sample, corpus, judge, load, save, with_cuts

from sekisho.testkit.laws.framing import carrying, frames

GROWTH = 4
SMALL = 60_000
"""Bytes, before growing further."""
FACTOR = 2.5
"""What the time of a grown sample may exceed its growth by: caches and allocators are not linear."""
SLOW_SECONDS = 0.25
"""Faster is not worth a report."""
SHRINKING_SECONDS = 20.0
WORDS = re.compile(r"[a-z_ :.]*")
"""What a law says before it quotes: the same fault is to have the same words."""


class SuperlinearError(AssertionError):
    """A sample that grew took more than its share of time."""


class Fuzzer:
    """One run: a seed, and what was found with it."""

    def __init__(self, seed: int, samples: list[Sample], out: Path, grow_every: int) -> None:
        self._seed = seed
        self._grow_every = grow_every
        self._samples = samples
        self._out = out
        self._pool = [each.data for each in samples if each.kind != "stream"] or [b"{}"]
        self.found: Counter[str] = Counter()
        """Times that each fault was met, by where it happened."""
        self.runs = 0

    def run(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.once(self.runs)
            self.runs += 1

    def once(self, number: int) -> None:
        chance = random.Random(f"{self._seed}-{number}")
        sample = with_cuts(self._mutated(chance.choice(self._samples), chance), chance)
        if number % self._grow_every == 0:
            self._judge_growth(sample, chance)
            return
        fault = fault_of(sample)
        if fault is not None:
            self._keep(sample, *fault)

    def _mutated(self, sample: Sample, chance: random.Random) -> Sample:
        mutator = Mutator(chance, self._pool)
        change = mutator.stream if sample.kind == "stream" else mutator.body
        return sample.with_data(change(sample.data))

    def _judge_growth(self, sample: Sample, chance: random.Random) -> None:
        state = chance.getrandbits(64)
        small, large = (grown(sample, random.Random(state), size) for size in (SMALL, SMALL * GROWTH))
        if small is None or large is None or len(large.data) < 2 * len(small.data):
            return
        growth = len(large.data) / len(small.data)
        for _ in range(3):
            before, after = cpu(small), cpu(large)
            if after < SLOW_SECONDS or after < before * growth * FACTOR:
                return
        said = f"{len(small.data)} bytes took {before:.3f} s, {len(large.data)} bytes {after:.3f} s"
        where = f"slow-{small.kind}-{small.dialect} {small.name}"
        self.found[where] += 1
        self._write(small, where, said)

    def _keep(self, sample: Sample, where: str, said: str) -> None:
        self.found[where] += 1
        if self.found[where] == 1:
            self._write(shrunk(sample, where), where, said)

    def _write(self, sample: Sample, where: str, said: str) -> None:
        self._out.mkdir(parents=True, exist_ok=True)
        name = f"{sample.kind}-{sample.dialect}-{hashlib.sha256(where.encode()).hexdigest()[:8]}"
        (self._out / f"{name}.json").write_bytes(save(sample))
        (self._out / f"{name}.txt").write_text(f"{where}\n\n{said}\n", encoding="utf-8")
        print(f"found {name}: {where}", flush=True)  # noqa: T201


def fault_of(sample: Sample) -> tuple[str, str] | None:
    """(where it happened, the whole story) of what goes wrong, if anything does."""
    try:
        judge(sample, CONVERSING)
    except Exception as fault:  # noqa: BLE001  whatever is raised is what is looked for
        steps = traceback.extract_tb(fault.__traceback__)
        ours = [step for step in steps if "/sekisho/" in step.filename] or list(steps)
        places = [f"{step.filename.rpartition('/sekisho/')[2]}:{step.name}" for step in ours[-2:]]
        words = WORDS.match(str(fault)) if isinstance(fault, AssertionError) else None
        told = [
            sample.kind,
            sample.dialect,
            type(fault).__name__,
            " > ".join(places),
            words[0] if words else "",
        ]
        where = " ".join(told).rstrip()
        return where, "".join(traceback.format_exception(fault))
    return None


def cpu(sample: Sample) -> float:
    """Seconds of CPU that judging takes."""
    start = time.process_time()
    fault_of(sample)
    return time.process_time() - start


# --- growing and shrinking ------------------------------------------------------------------------


def grown(sample: Sample, chance: random.Random, size: int) -> Sample | None:
    """The sample with one of its values, or its frames, grown to about `size` bytes."""
    filling = chance.choice(PUMPS)
    if sample.kind != "stream":
        grown_body = _grown_body(sample.data, chance, filling, size)
        return None if grown_body is None else sample.with_data(grown_body)
    found = frames(sample.data)
    if not found:
        return None
    at = chance.randrange(len(found))
    raws = [frame.raw for frame in found]
    if chance.random() < 0.5:
        raws[at] *= max(1, size // len(raws[at]))
    else:
        body = _grown_body(found[at].data, chance, filling, size)
        if body is None:
            return None
        raws[at] = carrying(found[at], body)
    data = b"".join(raws)
    step = chance.choice([len(data), 1400, 37])
    return Sample(sample.kind, sample.dialect, sample.name, data, cuts=tuple(range(step, len(data), step)))


def _grown_body(data: bytes, chance: random.Random, filling: str, size: int) -> bytes | None:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return msgspec.json.encode(pumped(value, chance.choice(list(paths(value))), filling, size))


def shrunk(sample: Sample, where: str) -> Sample:
    """The smallest sample found in a while that goes wrong in the same place."""
    end = time.monotonic() + SHRINKING_SECONDS
    smaller = True
    while smaller and time.monotonic() < end:
        smaller = False
        for candidate in _smaller(sample):
            fault = fault_of(candidate)
            if fault is not None and fault[0] == where:
                sample, smaller = candidate, True
                break
            if time.monotonic() > end:
                break
    return sample


def _smaller(sample: Sample) -> Iterator[Sample]:
    if sample.cuts:
        yield Sample(sample.kind, sample.dialect, sample.name, sample.data)
        for at in range(len(sample.cuts)):
            cuts = sample.cuts[:at] + sample.cuts[at + 1 :]
            yield Sample(sample.kind, sample.dialect, sample.name, sample.data, cuts=cuts)
    if sample.kind != "stream":
        yield from (sample.with_data(body) for body in _smaller_bodies(sample.data))
        return
    found = frames(sample.data)
    raws = [frame.raw for frame in found]
    for at in range(len(raws)):
        yield sample.with_data(b"".join(raws[:at] + raws[at + 1 :]))
    for at, frame in enumerate(found):
        for body in _smaller_bodies(frame.data) if frame.data.startswith(b"{") else ():
            yield sample.with_data(b"".join([*raws[:at], carrying(frame, body), *raws[at + 1 :]]))


def _smaller_bodies(data: bytes) -> Iterator[bytes]:
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    for path in sorted((path for path in paths(value) if path), key=len):
        yield msgspec.json.encode(without(value, path))
    for path in paths(value):
        found = value
        for step in path:
            found = found[step]
        if isinstance(found, str) and len(found) > 1:
            yield msgspec.json.encode(put(value, path, found[: len(found) // 2]))


# --- the command ----------------------------------------------------------------------------------


def main() -> int:
    """0: nothing was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(".fuzz"))
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--dialect", choices=sorted(DIALECTS))
    parser.add_argument("--grow-every", type=int, default=60, help="samples to one that is grown and timed")
    parser.add_argument("--replay", type=Path)
    asked = parser.parse_args()
    if asked.replay is not None:
        judge(load(asked.replay.read_bytes()), CONVERSING)
        return 0
    samples = [
        each for each in corpus() if asked.kind in (None, each.kind) and asked.dialect in (None, each.dialect)
    ]
    fuzzer = Fuzzer(asked.seed, samples, asked.out, asked.grow_every)
    fuzzer.run(asked.minutes * 60)
    print(f"{fuzzer.runs} samples, {len(fuzzer.found)} faults; seed {asked.seed}")  # noqa: T201
    for where, count in fuzzer.found.most_common():
        print(f"{count:6}  {where}")  # noqa: T201
    return 1 if fuzzer.found else 0


if __name__ == "__main__":
    sys.exit(main())
