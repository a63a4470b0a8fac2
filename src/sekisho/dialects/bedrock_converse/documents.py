"""Names of documents: letters, digits, single white space, hyphens, parentheses and square brackets; no two
the same in one request ("Messages can't contain duplicate document names", 2026-09).

A name depends only on what comes before it, so that a conversation that grows keeps the names it had.
"""

import re

from sekisho.core.loss import Losses

LONGEST = 200
"""Characters, as the service model has it (2026-11)."""

_REFUSED = re.compile(r"[^0-9A-Za-z\s\-()\[\]]+")
_SPACES = re.compile(r"\s+")
_DOUBLE = re.compile(r"\s\s")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")


class Names:
    """The names that one request has given so far."""

    __slots__ = ("_given",)

    def __init__(self) -> None:
        self._given: set[str] = set()

    def give(self, title: str | None, path: str, losses: Losses) -> str:
        """A name that Bedrock takes, and a loss where it is not the title."""
        wanted = title if title is not None and _taken(title) else _allowed(title or "")
        name, count = wanted, 1
        while name.casefold() in self._given:
            count += 1
            name = f"{wanted[: LONGEST - 8]} {count}"
        self._given.add(name.casefold())
        if title is not None and name != title:
            losses.knob(path, "Bedrock takes plain and different names of documents only")
        return name


def _taken(title: str) -> bool:
    return 0 < len(title) <= LONGEST and not (_DOUBLE.search(title) or _REFUSED.search(title))


def _allowed(title: str) -> str:
    text = _SPACES.sub(" ", _REFUSED.sub(" ", _EXTENSION.sub("", title))).strip()
    return text[:LONGEST].strip() or "document"
