"""Scorers of other packages: entry points of the group `sekisho.scorers`, each a function that makes one."""

from importlib.metadata import entry_points

from sekisho.core.tier import Scorer
from sekisho.routing.auto import built_in
from sekisho.routing.auto_entry import BUILT_IN
from sekisho.routing.names import nearest_of

GROUP = "sekisho.scorers"
_BROKEN = (ImportError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What loading a model, or the package that does, raises when something is missing or wrong."""


class Scorers:
    """Each is made once, when a document first names it: models take time and memory."""

    def __init__(self) -> None:
        self._made: dict[str, Scorer] = {}

    def find(self, name: str) -> Scorer:
        """The scorer of that name. Raises LookupError where there is none, or it cannot be made."""
        if name not in self._made:
            self._made[name] = built_in(name) if name == BUILT_IN else _make(name)
        return self._made[name]


def _make(name: str) -> Scorer:
    known = entry_points(group=GROUP)
    if name not in known.names:
        near = nearest_of(name, (BUILT_IN, *known.names), limit=1)
        hint = f"did you mean {near[0]}?" if near else "is its package installed?"
        msg = f"no installed package has a scorer {name}; {hint}"
        raise LookupError(msg)
    try:
        scorer: Scorer = known[name].load()()
    except _BROKEN as error:
        msg = f"the scorer {name} cannot be made: {type(error).__name__}: {str(error)[:300]}"
        raise LookupError(msg) from error
    return scorer
