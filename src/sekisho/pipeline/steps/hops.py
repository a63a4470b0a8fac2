"""How many gateways a call has come through: one that is configured as its own provider must not call itself
for ever."""

from sekisho.core.contract import Named
from sekisho.core.error import LoopDetected

HEADER = b"x-sekisho-hops"
MOST = 4
"""Gateways before this one. A team's gateway behind a company's makes one; a real chain has no more."""


def count_hops(named: Named) -> int:
    """Raises LoopDetected above `MOST`. What is no number counts as the most, for no gateway sent it."""
    value = named.get(HEADER)
    if value is None:
        return 0
    hops = int(value) if value.isdigit() and len(value) < 3 else MOST
    if hops > MOST:
        raise LoopDetected(
            f"the call came through {hops} gateways already: a provider's base_url leads back here"
        )
    return hops
