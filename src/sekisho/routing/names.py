"""The known names nearest to one that is not known: for a 404, and for a slip in the document."""

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nlargest

from sekisho.core.route import Snapshot

LONGEST = 64
"""Characters of a name that are compared: a hostile name of a megabyte costs no more than this."""
SHORTLIST = 40


def nearest(model: str, snapshot: Snapshot) -> list[str]:
    """At most three names that a client may have meant, best first."""
    return nearest_of(model, {**snapshot.routes, **snapshot.aliases})


def nearest_of(word: str, known: Iterable[str], limit: int = 3) -> list[str]:
    """At most `limit` of `known`, best first; empty where nothing is similar.

    difflib alone takes 0.1 s for 3,000 similar names, so that only those which share most pairs of
    letters with `word` are shown to it.
    """
    word = word[:LONGEST].casefold()
    pairs = {word[index : index + 2] for index in range(len(word) - 1)} or {word}
    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name[: 2 * LONGEST].casefold(), name)
    shortlist = nlargest(
        SHORTLIST, folded, key=lambda name: sum(pair in name for pair in pairs) - len(name) / 999
    )
    return [folded[name] for name in get_close_matches(word, shortlist, limit)]
