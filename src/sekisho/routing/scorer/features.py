"""What the scorer sees in a sample: names of features, each either there or not.

Names that begin with `=` say something of the text's shape and may be shown. The others are words and pairs
of words, of Japanese pairs and triples of characters, since no tokeniser is to be had in this time.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import pairwise
from operator import add
from types import MappingProxyType

from sekisho.core.tier import Sample

WINDOW = 300
"""Characters from the beginning, and as many from the end, that words are looked for in."""
SYSTEM_WINDOW = 200
Groups = Mapping[str, frozenset[str]]
"""Name -> words, pairs and pieces that mark a kind of work. How many of them are there is a feature."""
SHAPE = "="
"""Begins the names of features that say nothing of a prompt's words."""

_WORD = re.compile(r"[a-z][a-z']*|[#+]+")
_KANA_AND_KANJI = re.compile(r"[\u3005\u3040-\u30fa\u30fc\u3400-\u9fff]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_LAST = re.compile(r"[\s?？!！。.、…」』)）:：]+$")
_JAPANESE_TO_ENGLISH = 2
"""A character of Japanese says about as much as two of English."""
_COUNTS = (1, 2, 3, 5)
_LENGTHS = (12, 24, 40, 60, 90, 140, 220, 400, 1000)
"""Characters of English, at which a text counts as longer."""

_SHAPES: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "code_block": re.compile(r"```"),
        "code_marks": re.compile(r"[{};]\s*$|\w\(\)|=>|->|::|!=|==|&&|</\w|^[+-]\s{2,}|\);", re.MULTILINE),
        "call": re.compile(r"[A-Za-z_]\w*\([^()\s][^()]*\)"),
        "identifier": re.compile(r"[a-z](?:_[a-z]|[A-Z]\w|\.\w+\()"),
        "backtick": re.compile(r"`[^`]+`"),
        "file_name": re.compile(
            r"\w\.(?:py|js|ts|jsx|tsx|go|rs|java|c|cpp|sh|sql|ya?ml|json|toml|css|html|log|csv)\b"
        ),
        "option": re.compile(r"(?:^|\s)--?[a-z][a-z-]+"),
        "error": re.compile(
            r"\b[A-Z]\w*(?:Error|Exception|Warning)\b|Traceback|\berror\b|stack ?trace|エラー"
        ),
        "query": re.compile(r"\b(?:SELECT|INSERT|UPDATE|CREATE TABLE|JOIN|WHERE|FROM)\b"),
        "formula": re.compile(r"\w\s*\^\s*\w|\d\s*[=+*/×÷]\s*\w|[√∑∫∞≤≥σβπ]|\b[a-z]\([a-z]\)|log\d?\b"),
        "percent": re.compile(r"\d\s*[%％]"),
        "quotation": re.compile(r"[\"“「『].{8,}[\"”」』]", re.DOTALL),
        "colon": re.compile(r"[:：]\s*\S"),
        "asks": re.compile(r"[?？]\s*$"),
        "lines": re.compile(r"\n[^\n]*\n"),
        "japanese": re.compile(r"[\u3040-\u30ff]"),
    }
)  # fmt: skip


def features(sample: Sample, groups: Groups) -> set[str]:
    """Those of the sample, whatever its length within the same time."""
    text = clipped(sample.text, WINDOW)
    found = {f"{SHAPE}{name}" for name, pattern in _SHAPES.items() if pattern.search(text)}
    found.update(_sizes(sample, text))
    lowered = text.lower()
    words = {*_english(lowered), *_japanese(lowered)}
    found.update(words)
    for group, known in groups.items():
        count = len(words & known)
        found.update([f"{SHAPE}{group}_{least}" for least in _COUNTS if count >= least])
    if sample.system:
        found.add(f"{SHAPE}instructions")
        system = sample.system[:SYSTEM_WINDOW].lower()
        found.update([f"s:{name}" for name in (*_WORD.findall(system), *_pieces(system))])
    return found


def clipped(text: str, most: int) -> str:
    """The beginning and the end, that many characters of each."""
    return text if len(text) <= 2 * most else f"{text[:most]}\n{text[-most:]}"


def _sizes(sample: Sample, text: str) -> Iterable[str]:
    wide = sum(map(len, _KANA_AND_KANJI.findall(text)))
    size = len(sample.text) + wide * (_JAPANESE_TO_ENGLISH - 1)
    for least in _LENGTHS:
        if size >= least:
            yield f"{SHAPE}longer_than_{least}"
    commas = text.count(",") + text.count("、")
    for least in _COUNTS:
        if commas >= least:
            yield f"{SHAPE}commas_{least}"
    numbers = len(_NUMBER.findall(text))
    for least in _COUNTS:
        if numbers >= least:
            yield f"{SHAPE}numbers_{least}"
    if sample.turns:
        yield f"{SHAPE}conversation"
    if sample.tools:
        yield f"{SHAPE}tools"


def _english(text: str) -> Iterable[str]:
    words = _WORD.findall(text)
    yield from words
    for pair in pairwise(words):
        yield " ".join(pair)
    if words:
        yield f"^{words[0]}"
        yield f"^{' '.join(words[:2])}"


def _japanese(text: str) -> Iterable[str]:
    yield from _pieces(text)
    end = _LAST.sub("", text[-12:])
    if _KANA_AND_KANJI.search(end):
        for size in (1, 2, 3, 4):
            yield f"{end[-size:]}$"


def _pieces(text: str) -> list[str]:
    """Two and three characters of Japanese in a row."""
    found: list[str] = []
    for run in _KANA_AND_KANJI.findall(text):
        pairs = list(map(add, run, run[1:]))
        found += pairs
        found += map(add, pairs, run[2:])
    return found
