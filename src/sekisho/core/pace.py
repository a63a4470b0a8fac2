"""How one answer came, as the connection to its provider saw it."""

import msgspec


class Pace(msgspec.Struct, eq=False):
    """Filled in while the answer comes. Seconds."""

    connect: float = 0.0
    """Until the connection was made; 0: there was one."""
    longest_gap: float = 0.0
    """Of those between two pieces of the body."""
