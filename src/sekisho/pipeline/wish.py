"""What requests may say of the targets, in the header or in the body: how it is read, checked and refused."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from sekisho.core.error import BadRequest
from sekisho.core.money import nano_from_usd
from sekisho.core.preference import Cutoffs, Preferences, contradiction
from sekisho.routing.names import nearest_of

LIMIT = 4096
"""Bytes."""
Name = Annotated[str, msgspec.Meta(max_length=64)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=100)]
Positive = Annotated[float, msgspec.Meta(gt=0, le=1e6)]


class Percentiles(msgspec.Struct, forbid_unknown_fields=True):
    p50: Positive | None = None
    p75: Positive | None = None
    p90: Positive | None = None
    p99: Positive | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where it stands, for errors."""

    name: str
    what: str = ""
    """Before the name: `the header `."""

    def wrong(self, reason: str, member: str = "") -> BadRequest:
        where = f"{self.name}.{member}" if member else self.name
        return BadRequest(f"{self.what}`{where}`: {reason}", param=where)

    def decode(self, decoder: msgspec.json.Decoder[Any], value: bytes | msgspec.Raw) -> Any:
        """Raises BadRequest, naming the member."""
        if len(memoryview(value)) > LIMIT:
            raise self.wrong(f"is longer than {LIMIT} bytes")
        try:
            return decoder.decode(value)
        except msgspec.ValidationError as error:
            message, _, path = str(error).partition(" - at `$")
            member = path.rstrip("`").replace("[", ".").replace("]", "").strip(".")
            raise self.wrong(message[:200], member) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.wrong(f"is not a JSON object: {error}") from None

    def rate(self, usd: Decimal | None, member: str) -> int | None:
        """Nano-USD for a million tokens, from USD for as many."""
        if usd is None:
            return None
        if not usd.is_finite() or not 0 <= usd <= 10_000:
            raise self.wrong("must be between 0 and 10000 USD per million tokens", member)
        return self._nano(usd, member)

    def per_request(self, usd: Decimal | None, member: str) -> int | None:
        """Nano-USD, from USD."""
        if usd is None:
            return None
        if not usd.is_finite() or not 0 <= usd <= 100:
            raise self.wrong("must be between 0 and 100 USD for a call", member)
        return self._nano(usd, member)

    def _nano(self, usd: Decimal, member: str) -> int:
        try:
            return nano_from_usd(usd)
        except ValueError:
            raise self.wrong("has more than nine digits after the point", member) from None

    def no_provider(self, name: str, member: str, known: Collection[str]) -> BadRequest:
        near = nearest_of(name, known, limit=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return self.wrong(f"there is no provider `{name}` here{hint}", member)

    def consistent(self, prefer: Preferences) -> Preferences:
        """The same. Raises BadRequest where its members contradict each other."""
        found = contradiction(prefer)
        if found is not None:
            raise self.wrong(found[1], found[0])
        return prefer


def cutoffs(asked: float | Percentiles | None) -> float | Cutoffs | None:
    if not isinstance(asked, Percentiles):
        return asked
    return Cutoffs(p50=asked.p50, p75=asked.p75, p90=asked.p90, p99=asked.p99)
