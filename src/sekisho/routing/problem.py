"""What is wrong with a document, and exactly where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]
Path = tuple[str, ...]
"""Keys from the document's root: `("providers", "local", "base_url")`. Positions in a list are digits."""


@dataclass(frozen=True, slots=True)
class Problem:
    file: str
    line: int
    """From 1."""
    column: int
    """From 1."""
    path: str
    """`providers.local.models.acme/fast.price.input`; empty for the document as a whole."""
    message: str
    """Reason and remedy. Never the value of a secret."""
    level: Level = "error"

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        mark = "warning: " if self.level == "warning" else ""
        return f"{where} {self.path}: {mark}{self.message}" if self.path else f"{where}: {mark}{self.message}"


class Findings(list[tuple[Path, str]]):
    """What is wrong at which path, from those who know the entries but not where they stand."""


class Wrong(Exception):
    """One value is wrong: reason and remedy. Who reads it knows where it stands, and reports it there."""


class DocumentError(ValueError):
    """A document that cannot be used. Holds every problem that was found, in order of position."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line, problem.column)))
        super().__init__("\n".join(map(str, self.problems)))
