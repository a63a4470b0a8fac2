"""An epoch: the time between two losses of the shared counters.

Its name is part of every key, so that what is left of an earlier one (of a server that came back with a
snapshot of yesterday) is never read.
"""

from functools import cached_property

import msgspec

from sekisho.control.state import address

LIMITS = "{limits}:"
"""All keys have one hash tag: a call's limits are of several holders, and one script touches all of them. See
docs/decisions/0009."""
ROOT = address.ROOT + LIMITS
TOLD_AGAIN = 300.0
"""Seconds: calls that ended so lately are told apart by their ids, since one may be told of again."""


class Epoch(msgspec.Struct, frozen=True, dict=True):
    run_id: str
    token: str
    root: str = ROOT
    """What all its keys begin with."""

    @cached_property
    def place(self) -> bytes:
        return marker_at(self.root)

    @cached_property
    def marker(self) -> bytes:
        """What stands at its place."""
        return f"{self.run_id} {self.token}".encode()

    @cached_property
    def leases(self) -> bytes:
        return self.key("leases")

    @cached_property
    def counted(self) -> bytes:
        """Ids of calls that were counted from the books, of those that may be settled again."""
        return self.key("counted")

    @cached_property
    def prefix(self) -> str:
        return f"{self.root}{self.token}:"

    def hold(self, hold_id: str) -> bytes:
        return f"{self.prefix}h:{hold_id}".encode()

    def call_of(self, hold: bytes) -> str:
        """The call whose hold this key is."""
        return hold.decode().removeprefix(f"{self.prefix}h:")

    def limit_of(self, counter: str) -> str:
        """The id of the limit whose counter this key is."""
        return counter.removeprefix(f"{self.prefix}c:").partition(":")[0]

    def counter(self, counter: str) -> bytes:
        return f"{self.prefix}c:{counter}".encode()

    def key(self, name: str) -> bytes:
        return f"{self.prefix}{name}".encode()


def marker_at(root: str) -> bytes:
    """The key that names the epoch, and the run of the server that it began in. Gone, or of another run: all
    is lost."""
    return f"{root}epoch".encode()


def read_marker(value: bytes | None, root: str) -> Epoch | None:
    """The epoch that a marker names."""
    if value is None:
        return None
    run_id, _, token = value.decode().partition(" ")
    return Epoch(run_id, token, root)
