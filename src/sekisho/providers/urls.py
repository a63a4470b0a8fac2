"""Addresses with references into the environment, such as an account's id in the path."""

from collections.abc import Mapping
from urllib.parse import quote

from sekisho.core.secret import REFERENCE


def variables(url: str) -> tuple[str, ...]:
    """Names of the environment variables that `url` refers to, in order."""
    return tuple(REFERENCE.findall(url))


def resolve(url: str, environment: Mapping[str, str]) -> str:
    """`url` with every `${VAR}` filled in. Raises ValueError naming the first variable that is not set.

    A value that stands alone (`${BASE_URL}`) may be a whole address; inside a path it is escaped, so
    that it cannot lead elsewhere.
    """
    for name in variables(url):
        if not environment.get(name):
            msg = f"the environment variable {name} is not set"
            raise ValueError(msg)
    whole = REFERENCE.match(url)
    start = whole.end() if whole else 0
    head = environment[whole[1]] if whole else ""
    return head + REFERENCE.sub(lambda match: quote(environment[match[1]], safe=""), url[start:])
