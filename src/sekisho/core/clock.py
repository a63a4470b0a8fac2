"""Time as an argument, so that everything that waits or measures can be tested without waiting."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    now: Callable[[], float] = time.time
    """Seconds since the epoch: for records and expiry only, it may jump."""
    monotonic: Callable[[], float] = time.monotonic
    """Seconds that never go back: for every duration and deadline."""
