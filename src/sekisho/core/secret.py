"""A secret as the configuration names it: a reference into the environment, or a literal."""

import os
import re
from typing import NoReturn

from sekisho.core.error import ProviderAuthFailed

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class Secret:
    """Text with `${VAR}` references that are looked up when a request is signed, not before.

    Never prints, compares or pickles its text: `repr` and `str` show the references only.
    """

    __slots__ = ("_alone", "_template", "variables")

    def __init__(self, template: str):
        self._template = template
        self.variables: tuple[str, ...] = tuple(REFERENCE.findall(template))
        self._alone = REFERENCE.fullmatch(template) is not None

    def resolve(self) -> str:
        """The text with all references filled in. Raises ProviderAuthFailed where one is not set."""
        if not self.variables:
            return self._template
        if self._alone:
            text = os.environ.get(self.variables[0])
            if text:
                return text
        missing = [name for name in self.variables if not os.environ.get(name)]
        if missing:
            raise ProviderAuthFailed(f"the environment variable {missing[0]} is not set")
        return REFERENCE.sub(lambda match: os.environ[match[1]], self._template)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied: hand the object on")

    def __repr__(self) -> str:
        shown = ", ".join(f"${{{name}}}" for name in self.variables) or "***"
        return f"Secret({shown})"
