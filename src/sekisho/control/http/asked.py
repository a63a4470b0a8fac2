"""One request of an admin: what its query and its body say."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from sekisho.core.error import BadRequest, BodyTooLarge

LONGEST_BODY = 256 * 1024
"""Bytes."""
LONGEST_PAGE = 200
USUAL_PAGE = 50
MOST_PARAMETERS = 20
T = TypeVar("T")
Answer = tuple[int, dict[str, Any]]
"""Status and body."""


@dataclass(frozen=True, slots=True)
class Asked:
    path: tuple[str, ...]
    """Its parts, below the table's."""
    query: bytes
    body: bytes
    within: str | None
    """The organisation that the caller is confined to; None: it is not."""
    who: str = ""
    """The caller's name."""

    @property
    def id(self) -> str:
        """The path's second part; empty where it has none."""
        return self.path[1] if len(self.path) > 1 else ""

    def parameters(self, allowed: Collection[str]) -> dict[str, str]:
        """Of the query. Raises BadRequest for others, so that nobody takes a misspelt filter for one."""
        try:
            pairs = parse_qsl(
                self.query.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS
            )
        except ValueError:
            raise BadRequest("the query cannot be read") from None
        for name, value in pairs:
            if not value.isprintable():
                raise BadRequest(f"`{name[:60]}` holds control characters", param=name[:60])
            if name not in allowed:
                known = ", ".join(sorted(allowed)) or "none"
                raise BadRequest(f"there is no parameter `{name[:60]}` here, but {known}", param=name[:60])
        return dict(pairs)

    def read(self, kind: type[T]) -> T:
        """The body. Raises BadRequest, naming the member, and BodyTooLarge."""
        if len(self.body) > LONGEST_BODY:
            raise BodyTooLarge(f"the body is longer than {LONGEST_BODY} bytes")
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$")
            member = path.rstrip("`").replace("[", ".").replace("]", "").strip(".")
            raise BadRequest(f"{member}: {reason}" if member else reason, param=member or None) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadRequest(f"the body is not a JSON object: {error}") from None


def page_length(parameters: dict[str, str]) -> int:
    """How many entries are asked for. Raises BadRequest."""
    return whole(parameters, "limit", USUAL_PAGE, (1, LONGEST_PAGE))


def whole(parameters: dict[str, str], name: str, usual: int, bounds: tuple[int, int]) -> int:
    """A whole number among the parameters, both bounds included. Raises BadRequest."""
    said = parameters.get(name)
    if said is None:
        return usual
    least, most = bounds
    if not (said.isascii() and said.isdigit() and len(said) < 12 and least <= int(said) <= most):
        raise BadRequest(f"`{name}` must be a number from {least} to {most}", param=name)
    return int(said)


def page(entries: list[dict[str, Any]], most: int) -> dict[str, Any]:
    """A page of a list that was asked for with one entry more than it shows."""
    shown = entries[:most]
    return {"data": shown, "next": shown[-1]["id"] if len(entries) > most else None}
