"""What goes wrong: the catalogue of faults, as data.

A fault strikes the first provider that a case asks; the others are well. So it does not matter which one a
route prefers, and every fault meets a call at its most harmless moment and at its worst.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle, repeat

from sekisho.testkit.provider import Script

EVENTS = 60
"""Of a whole answer."""
CUT_AT = 40
STORY = "".join(f"Gate {number:03d} ok." for number in range(EVENTS))
"""The whole answer: twelve characters an event, and no two alike."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """Seconds."""

    late: float
    """Until a first token that is late, and yet comes in time."""
    retry_after: float = 1.0
    gap: float = 0.002
    """Between two events."""


REAL = Tempo(late=20.0)
FAST = Tempo(late=0.7)
"""For limits of time that are shorter in the same way."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One answer, or none; what is not said is as in a good one."""

    status: int = 200
    error: str | None = None
    retry_after: bool = False
    late: bool = False
    silent: bool = False
    reset: bool = False
    cut: bool = False
    stall: bool = False
    malformed: bool = False
    endless: bool = False
    """The event that says that the stream is complete is missing."""

    def script(self, tempo: Tempo, text: str, *, stream: bool) -> Script:
        late = tempo.late if self.late else 0.0
        return Script(
            text=text,
            status=self.status,
            error=self.error,
            retry_after=tempo.retry_after if self.retry_after else None,
            before_headers="stall" if self.silent else "reset" if self.reset else None,
            delay_before_headers=0.0 if stream else late,
            first_token_delay=late if stream else 0.0,
            chunk_gap=tempo.gap,
            cut_after_events=CUT_AT if self.cut else None,
            stall_after_events=CUT_AT if self.stall else None,
            malformed_after_events=CUT_AT if self.malformed else None,
            missing_terminator=self.endless,
        )


WELL = Fault()


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    """For people."""
    faults: tuple[Fault, ...]
    """Of the provider that is struck, request by request."""
    for_ever: bool = False
    """The last of the faults goes on; else the provider is well afterwards."""
    again_and_again: bool = False
    """The faults come round."""
    calls: int = 1
    """One after the other."""
    most: int = 2
    """Requests that the struck provider may get while others are well; more is hammering."""
    rescued: bool = True
    """Whether there is a way to a whole answer; else an error is the right end."""
    refuses_prefill: bool = False
    """The providers that are well refuse requests that end in the assistant's own words."""

    def happenings(self) -> Iterator[Fault]:
        if self.again_and_again:
            return cycle(self.faults)
        return chain(self.faults, repeat(self.faults[-1] if self.for_ever else WELL))


_FAILS, _FULL = Fault(status=500), Fault(status=503)
CATALOGUE: tuple[Scenario, ...] = (
    Scenario("throttled", "429 with Retry-After", (Fault(status=429, retry_after=True),)),
    Scenario(
        "throttled-always", "429 for ever, without", (Fault(status=429),), for_ever=True, calls=8, most=6
    ),
    Scenario("fails-once", "500 once", (_FAILS,)),
    Scenario("overloaded", "503 for ever", (_FULL,), for_ever=True, calls=8, most=6),
    Scenario("reset", "reset before headers", (Fault(reset=True),), for_ever=True),
    Scenario("silent", "silence after accepting", (Fault(silent=True),), for_ever=True),
    Scenario("late", "first token late", (Fault(late=True),)),
    Scenario("cut", "cut at 40 of 60 tokens", (Fault(cut=True),), for_ever=True),
    Scenario("stalled", "stall in mid-stream", (Fault(stall=True),), for_ever=True),
    Scenario("malformed", "malformed event", (Fault(malformed=True),), for_ever=True),
    Scenario("endless", "no terminator", (Fault(endless=True),), for_ever=True),
    Scenario("too-long", "context length", (Fault(status=400, error="context"),), for_ever=True, most=1),
    Scenario(
        "filtered",
        "content filter",
        (Fault(status=400, error="filter"),),
        for_ever=True,
        most=1,
        rescued=False,
    ),
    Scenario(
        "cut-no-prefill",
        "cut, fallback refuses prefill",
        (Fault(cut=True),),
        for_ever=True,
        refuses_prefill=True,
    ),
    Scenario(
        "flapping",
        "primary that flaps",
        (_FAILS, _FAILS, WELL, _FULL, WELL, Fault(cut=True), WELL, WELL),
        again_and_again=True,
        calls=12,
        most=24,
    ),
    Scenario("books", "books after a failover", (_FULL, _FULL, WELL), calls=4, most=6),
)
