"""How many tokens a prompt has and an answer had, for a given model, without asking anybody."""

import re
from collections.abc import Iterable, Sequence
from math import ceil

from sekisho.core import estimate
from sekisho.core.contract import Facts, Members
from sekisho.core.provider import Endpoint
from sekisho.metering.attachments import attachment_tokens
from sekisho.metering.families import UNKNOWN, Family, find_family
from sekisho.metering.prompt import Prompt, read_prompt
from sekisho.metering.tools import tools_as_json, tools_as_types
from sekisho.metering.vocabulary import Vocabularies, Vocabulary, pieces

MOST_COUNTED = 262_144
"""Characters that an exact count looks at: 3 ms of English, 15 of Japanese, 150 of what is made to be slow.
Of longer prompts it takes as many, evenly spread, and scales."""
MOST_ESTIMATED = 65_536
"""The same for an estimate, which no call asked for and every call may need."""
REMEMBERED = 10_000
"""Models whose family is not looked up again. A gateway that lets any name through sees strange ones."""
_HANGUL = re.compile("[가-힣]+")
_DIGITS = b"0123456789"


class Tokens:
    """Counts by the model. One for a process; what it holds is what it has read of published vocabularies."""

    def __init__(self, vocabularies: Vocabularies | None = None) -> None:
        self._vocabularies = vocabularies or Vocabularies()
        self._families: dict[tuple[str, str], Family] = {}

    def count(self, members: Members, endpoint: Endpoint | None) -> int:
        """Prompt tokens of a request in any dialect, as the endpoint's model would count them.

        Exact as far as its vocabulary and the marks around messages are published (`docs/guide/tokens.md`).
        Reads the vocabulary if this is the first time, which takes a tenth of a second (Gemma's: 0.4).
        """
        vocabulary = self._vocabularies.load(self.family(endpoint).vocabulary)
        return self._prompt(members, endpoint, vocabulary, MOST_COUNTED)

    def estimate(self, members: Members, endpoint: Endpoint | None) -> int:
        """The same for limits and reservations: 20 to 60 us for 2 KB, and never reads a vocabulary. Exact
        where it is at hand, else by the model's usual tokens a character."""
        vocabulary = self._vocabularies.get(self.family(endpoint).vocabulary)
        return self._prompt(members, endpoint, vocabulary, MOST_ESTIMATED)

    def produced(self, facts: Facts, endpoint: Endpoint | None) -> int:
        """Estimated output tokens of an answer whose characters were counted as it passed."""
        family = self.family(endpoint)
        if family is UNKNOWN:
            return estimate.tokens(facts.output_ascii, facts.output_wide)
        return ceil(facts.output_ascii * family.plain_rate + facts.output_wide * family.wide_rate)

    def load(self, endpoints: Iterable[Endpoint]) -> None:
        """Read the vocabularies of these endpoints' models now, so that no count has to later."""
        for endpoint in endpoints:
            self._vocabularies.load(self.family(endpoint).vocabulary)

    def family(self, endpoint: Endpoint | None) -> Family:
        """How an endpoint's model counts."""
        if endpoint is None:
            return UNKNOWN
        key = (endpoint.model, endpoint.upstream_model)
        found = self._families.get(key)
        if found is None:
            if len(self._families) >= REMEMBERED:
                self._families.clear()
            found = self._families[key] = find_family(*key)
        return found

    def _prompt(
        self, members: Members, endpoint: Endpoint | None, vocabulary: Vocabulary | None, most: int
    ) -> int:
        family = self.family(endpoint)
        prompt = read_prompt(members)
        around = _around(prompt, family)
        if vocabulary is None:
            text = _by_rate(prompt.texts, family)
        else:
            text = _by_vocabulary(prompt.texts, family, vocabulary, most)
        model = endpoint.model if endpoint else ""
        attached = sum(attachment_tokens(found, family.images, model) for found in prompt.attachments)
        return ceil(text + prompt.unread * family.plain_rate) + prompt.tokens + around + attached


def _around(prompt: Prompt, family: Family) -> int:
    """Tokens that stand for no text; puts the texts of the tools to the others."""
    around = family.opening + family.message * prompt.messages + family.system * prompt.instructions
    if not prompt.tools:
        return around
    if family.typed_tools:
        texts, more = tools_as_types(prompt.tools)
        prompt.texts += texts
        return around + more
    prompt.texts += tools_as_json(prompt.tools)
    return around + (family.tools_forced if prompt.forced else family.tools)


def _by_rate(texts: Sequence[str], family: Family) -> float:
    plain = wide = 0
    for text in texts:
        more_plain, more_wide = estimate.measure(text)
        plain += more_plain
        wide += more_wide
    return plain * family.plain_rate + wide * family.wide_rate


def _by_vocabulary(texts: Sequence[str], family: Family, vocabulary: Vocabulary, most: int) -> float:
    characters = sum(map(len, texts))
    stride = max(1, ceil(characters / most))
    tokens, looked_at, number = 0.0, 0, 0
    for text in texts:
        for piece in pieces(text):
            if number % stride == 0:
                tokens += piece_tokens(piece, family, vocabulary)
                looked_at += len(piece)
            number += 1
    return tokens if stride == 1 else tokens * characters / looked_at


def piece_tokens(text: str, family: Family, vocabulary: Vocabulary) -> float:
    """Tokens of a text of at most PIECE characters: exact, or scaled by the family's factors."""
    total = vocabulary.count(text)
    if family.exact or (family.letters == family.digits == family.wide == 1.0):
        return total
    plain, wide = total, 0
    narrow = text.encode("ascii", "ignore")
    if len(narrow) < len(text):
        plain = vocabulary.count(narrow.decode())
        wide = max(0, total - plain)
    words = narrow.translate(None, _DIGITS)
    letters = plain if len(words) == len(narrow) else min(plain, vocabulary.count(words.decode()))
    hangul = len(text) - len(_HANGUL.sub("", text)) if wide and family.hangul else 0
    return (
        letters * family.letters
        + (plain - letters) * family.digits
        + wide * family.wide
        + hangul * family.hangul
    )
