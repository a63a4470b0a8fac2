"""How a reader may refuse what it was given."""

from collections.abc import Callable

from sekisho.core.error import SekishoError


def refusal(read: Callable[[], object], kind: type[SekishoError]) -> SekishoError | None:
    """The error of `kind` in which `read` ended, if it did; it says why. Any other error passes through."""
    try:
        read()
    except kind as error:
        said = error
    else:
        return None
    assert said.message.strip(), f"refused without a word: {said!r}"
    return said
