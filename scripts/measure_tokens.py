"""Prints how closely tokens are counted, as `docs/guide/tokens.md` shows it: for each family with recorded
counts the largest deviation from them on every kind of sample, with its vocabulary at hand and without.

    python scripts/measure_tokens.py            the deviations
    python scripts/measure_tokens.py --loading  what reading each vocabulary takes on this machine
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from msgspec import json

from sekisho.core import estimate
from sekisho.metering.families import Family, all_families
from sekisho.metering.tokens import piece_tokens
from sekisho.metering.vocabulary import Vocabularies, pieces

GOLDEN = Path(__file__).parents[1] / "tests" / "golden" / "tokens"
COLUMNS = {
    "Japanese": ("ja-prose", "ja-mail", "ja-news", "ja-dialogue", "ja-contract"),
    "with code, tables": ("ja-code", "ja-table", "ja-mixed"),
    "English": ("en-prose", "en-code"),
    "Chinese": ("zh-prose",),
    "Korean": ("ko-prose",),
    "JSON": ("json",),
    "logs, base64": ("numbers", "base64"),
}


def main() -> None:
    """One table, by the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--loading", nargs="?", const="all", help=argparse.SUPPRESS)
    wanted = parser.parse_args().loading
    if wanted is None:
        show_deviations()
    elif wanted == "all":
        show_loading()
    else:
        load_one(wanted)


def show_deviations() -> None:
    """Deviation from recorded counts in per cent: the worst sample of each kind."""
    recorded = json.decode((GOLDEN / "counts.json").read_bytes())
    vocabularies = Vocabularies()
    show("family", "compared with", *COLUMNS, "Japanese, by length alone")
    show("---", "---", *["---:"] * (len(COLUMNS) + 1))
    for family in all_families():
        found = recorded.get(family.name) or (recorded.get(family.vocabulary) if family.exact else None)
        if found is None:
            continue
        cells = [deviation(family, vocabularies, found["counts"], names) for names in COLUMNS.values()]
        rough = deviation(family, None, found["counts"], COLUMNS["Japanese"])
        show(family.name, found["source"], *cells, rough)


def deviation(
    family: Family, vocabularies: Vocabularies | None, counts: dict[str, int], names: tuple[str, ...]
) -> str:
    """The largest deviation on these samples, with its sign."""
    worst = 0.0
    for name in names:
        text = (GOLDEN / "text" / f"{name}.txt").read_text()
        if vocabularies is None:
            plain, wide = estimate.measure(text)
            tokens = plain * family.plain_rate + wide * family.wide_rate
        else:
            vocabulary = vocabularies.load(family.vocabulary)
            tokens = sum(piece_tokens(piece, family, vocabulary) for piece in pieces(text))
        worst = max(worst, tokens / counts[name] - 1, key=abs)
    return "0" if round(worst * 100) == 0 else f"{worst:+.0%}"


def show_loading() -> None:
    """Milliseconds and megabytes, each vocabulary in a process of its own."""
    show("vocabulary", "read and warmed", "memory")
    show("---", "---:", "---:")
    for name in sorted({family.vocabulary for family in all_families()}):
        subprocess.run([sys.executable, __file__, "--loading", name], check=True)


def load_one(name: str) -> None:
    """One line of that table, for this process."""
    before, began = resident(), time.perf_counter()
    vocabularies = Vocabularies()
    vocabularies.load(name)
    took = time.perf_counter() - began
    show(name, f"{took * 1000:.0f} ms", f"{resident() - before:.0f} MB")


def resident() -> float:
    """Megabytes of this process (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def show(*cells: str) -> None:
    """A row."""
    sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
