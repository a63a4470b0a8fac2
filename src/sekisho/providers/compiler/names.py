"""Provider ids -> explicit ids, and the `author/slug` that OpenRouter would call them."""

import re
from collections.abc import Iterable
from typing import Any

from genai_prices.types import ClauseAnd, ClauseEquals, ClauseOr, ClauseStartsWith, MatchLogic, ModelInfo

_DATED = re.compile(r"-(20\d\d-\d\d-\d\d|20\d{6}|\d\d-20\d\d|\d{4}|latest|beta)$")
_POINTER = re.compile(r"^(chat|gpt-chat|grok|gemini-[a-z-]+)-latest$")
"""Names that always mean the newest model: without `-latest` they would say nothing."""
_DASHED_VERSION = re.compile(r"^((?:gpt|claude-\w+)-\d)-(\d)(?!\d)")


def ids_of(model: ModelInfo, dated: Iterable[str]) -> list[str]:
    """Every id of a model that the matching rules spell out, and those that a hand-kept table adds.

    Rules that match by prefix or pattern name no ids; they count only where the model's own id is one.
    """
    equals: list[str] = []
    starts: list[str] = []
    _leaves(model.match, equals, starts)
    found = [model.id] if model.id in starts or not equals else []
    return _distinct([*found, *equals, *dated])


def groups_of(ids: list[str]) -> list[list[str]]:
    """Ids that differ by their date only, the undated one first: the versions of one model."""
    found: dict[str, list[str]] = {}
    for name in ids:
        found.setdefault(stem(name).lower().removesuffix("-0"), []).append(name)
    return [sorted(group, key=_age) for group in found.values()]


def stem(name: str) -> str:
    return _DATED.sub("", name)


class Naming:
    """`author/slug` for provider ids. `known`: the ids that OpenRouter lists."""

    def __init__(self, tables: dict[str, Any], known: frozenset[str]):
        self._organisations: dict[str, str] = tables["organisations"]
        self._families = [(re.compile(each["match"]), each["author"]) for each in tables["families"]]
        self._known = known

    def model(self, provider: str, upstream: str) -> str:
        """The best known name; `provider/id` where the author cannot be told."""
        name = upstream.lower()
        for prefix in ("@cf/", "@hf/", "accounts/fireworks/models/", "accounts/fireworks/routers/"):
            name = name.removeprefix(prefix)
        if upstream.startswith("accounts/fireworks/"):
            name = re.sub(r"(?<=\d)p(?=\d)", ".", name)
        organisation, _, slug = name.rpartition("/")
        author = self._organisations.get(organisation, organisation) or self._author(slug) or provider
        candidates = [f"{author}/{each}" for each in self._spellings(slug)]
        return next((each for each in candidates if each in self._known), candidates[-1])

    def _author(self, slug: str) -> str | None:
        return next((author for match, author in self._families if match.search(slug)), None)

    def _spellings(self, slug: str) -> list[str]:
        """From as it came to as it would be spelled; the last one stands where none is known."""
        if slug.startswith("claude"):
            return [_claude(slug)]
        if _POINTER.match(slug):
            return [slug]
        plain = slug.removesuffix("-latest").removeprefix("zai-").removeprefix("open-")
        plain = re.sub(r"^(meta-)?llama-v?(\d)", r"llama-\2", plain)
        plain = re.sub(r"^(llama|gemma)(\d)", r"\1-\2", plain)
        dotted = re.sub(r"-(\d)-(\d)(?!\d)", r"-\1.\2", plain)
        bare = re.sub(r"-(fp8|fp8-fast|turbo|versatile|instant|it)$", "", plain)
        guesses = [
            dotted,
            f"{bare}-instruct",
            f"{plain}-instruct",
            f"{bare}-it",
            re.sub(r"^qwen-(\d)", r"qwen\1", plain),
            re.sub(r"^(llama-4-[a-z]+)-.*", r"\1", plain),
            plain.removesuffix("-instruct"),
        ]
        return [plain, *guesses, plain]


def _claude(slug: str) -> str:
    """claude-haiku-4-5-20251001 -> claude-haiku-4.5, claude-opus-4-0 -> claude-opus-4."""
    name = _DATED.sub("", slug)
    name = re.sub(r"-(\d+)-(\d)(?!\d)", r"-\1.\2", name)
    return name.removesuffix(".0")


def _leaves(match: MatchLogic, equals: list[str], starts: list[str]) -> None:
    if isinstance(match, ClauseOr):
        for clause in match.or_:
            _leaves(clause, equals, starts)
    elif isinstance(match, ClauseAnd):
        for clause in match.and_:
            _leaves(clause, equals, starts)
    elif isinstance(match, ClauseEquals):
        equals.append(match.equals)
    elif isinstance(match, ClauseStartsWith):
        starts.append(match.starts_with)


def _distinct(names: list[str]) -> list[str]:
    """Without repetitions, spellings in other letter cases, and dashes for the dots of a version."""
    lowered = {name.lower() for name in names}
    found: dict[str, str] = {}
    for name in names:
        dotted = _DASHED_VERSION.sub(r"\1.\2", name.lower())
        if dotted == name.lower() or dotted not in lowered:
            found.setdefault(name.lower(), name)
    return list(found.values())


def _age(name: str) -> tuple[bool, bool, str]:
    return stem(name) != name, not name.endswith("-latest"), name
