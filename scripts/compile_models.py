"""Compile the dated model files of `sekisho.providers` from the installed genai-prices (MIT).

    python scripts/compile_models.py [YYYY-MM-DD]

Writes offers.json (who serves what at which price) and facts.json (what is known of each model), one model
per line so that a new release of the data shows as a readable diff. What the data lacks stands in
src/sekisho/providers/compiler/tables.toml.
"""

import datetime as dt
import sys
from pathlib import Path

from sekisho.providers.compiler.models import compile_files

TARGET = Path(__file__).parents[1] / "src" / "sekisho" / "providers" / "models"


def main(arguments: list[str]) -> None:
    day = dt.date.fromisoformat(arguments[0]) if arguments else dt.datetime.now(tz=dt.UTC).date()
    for name, content in compile_files(day).items():
        (TARGET / name).write_bytes(content)
        sys.stdout.write(f"{name}: {len(content):,} bytes, {len(content.splitlines()):,} lines\n")


if __name__ == "__main__":
    main(sys.argv[1:])
