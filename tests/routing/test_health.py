"""The breaker, on its own and on the board, whatever happens in whatever order."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.routing.endpoints import Clock

from sekisho.core.record import AttemptRecord, CallRecord
from sekisho.core.usage import Usage
from sekisho.routing import board as boards
from sekisho.routing.board import Board
from sekisho.routing.health import DEFAULT, FIT, Finding, Health, Outcome, admits, began, ended, probed, state

OUTCOMES = st.sampled_from(["answered", "failed", "throttled", "unusable"])
STEPS = st.lists(
    st.tuples(
        st.floats(0, 100), OUTCOMES, st.none() | st.floats(0, 1e6), st.floats(0, 50) | st.just(math.inf)
    ),
    max_size=40,
)


def after(*outcomes: Outcome, now: float = 1000.0, **more: Any) -> Health:
    """All at one moment."""
    health = FIT
    for outcome in outcomes:
        health = ended(health, outcome, now, **more)
    return health


@given(STEPS)
def test_nothing_is_called_before_its_time(steps: list[Any]) -> None:
    now, health = 1000.0, FIT
    for passed, outcome, retry_after, age in steps:
        now += passed
        health = ended(
            health, outcome, now, began=now - age if age < math.inf else math.inf, retry_after=retry_after
        )
        if now < health.until:
            assert not admits(health, now)
            assert not admits(health, math.nextafter(health.until, 0))
        assert health.until - now <= DEFAULT.patience + 1e-6


@given(STEPS)
def test_whatever_happened_a_provider_that_is_well_again_is_found_so_within_one_interval(
    steps: list[Any],
) -> None:
    now, health = 1000.0, FIT
    for passed, outcome, retry_after, _ in steps:
        now += passed
        if outcome != "throttled":
            retry_after = None
        health = ended(health, outcome, now, retry_after=retry_after)
    if health.broken and not health.asked > now:
        assert health.until - now <= DEFAULT.longest
    back = max(now, health.until) + DEFAULT.probe + 1
    assert admits(health, back)
    well = ended(began(health, back), "answered", back + 1, began=back)
    assert admits(well, back + 1)
    assert state(well, back + 1) == "closed"


def test_it_opens_after_three_failures_in_a_row_and_rests_twice_as_long_each_time() -> None:
    assert admits(after("failed", "failed"), 1000)
    assert admits(after("failed", "failed", "answered", "failed", "failed"), 1000)
    health, now, rests = after("failed", "failed", "failed"), 1000.0, []
    for _ in range(6):
        rests.append(health.until - now)
        now = health.until
        health = ended(began(health, now), "failed", now, began=now)
    assert rests == [5, 10, 20, 40, 60, 60]


def test_it_opens_when_most_calls_fail_though_never_three_in_a_row() -> None:
    health = after(*["failed", "failed", "answered"] * 3)
    assert admits(health, 1000)
    assert not admits(ended(health, "failed", 1000), 1000)


def test_calls_that_were_under_way_when_it_opened_are_no_news() -> None:
    """Two hundred streams that end together open it once; one that goes on to its end does not close it."""
    opened = after("failed", "failed", "failed", began=900)
    many = opened
    for _ in range(200):
        many = ended(many, "failed", 1000.5, began=900)
    assert (many.until, many.broken) == (opened.until, 1)
    assert state(ended(opened, "answered", 1001, began=900), 1001) == "open"
    assert state(ended(opened, "answered", 1001, began=1000.5), 1001) == "closed"


def test_a_last_resort_that_fails_does_not_put_recovery_off() -> None:
    opened = after("failed", "failed", "failed")
    tried = ended(opened, "failed", 1002, began=1001)
    assert (tried.until, tried.broken) == (opened.until, opened.broken)


def test_what_no_wait_mends_opens_it_at_once() -> None:
    assert after("unusable").until == 1030


def test_a_providers_own_time_is_kept_and_is_no_failure() -> None:
    health = after("throttled", retry_after=7)
    assert (health.until, health.asked, health.broken) == (1007, 1007, 0)
    assert state(health, 1006) == "throttled"
    assert state(health, 1007) == "closed"
    assert not admits(ended(health, "answered", 1003, began=1002), 1003)
    assert after("throttled", retry_after=1e9).until == 1000 + DEFAULT.patience
    assert after("throttled", retry_after=-5).until == 1000
    assert after("throttled").asked == 0


# --- background probes ------------------------------------------------------------------------------


def found(health: Health, now: float, *, answered: bool, by_model: bool = False, since: float = 0) -> Health:
    finding = Finding(answered=answered, by_model=by_model, since=since, rest=40)
    return probed(health, finding, now)


def test_a_background_probe_that_fails_keeps_calls_away_until_the_next_one_is_over() -> None:
    health = found(FIT, 1000, answered=False)
    assert (state(health, 1000), health.until) == ("open", 1040)
    health = found(health, 1030, answered=False)
    assert (health.until, health.opened, health.broken) == (1070, 1000, 1)
    assert state(found(health, 1060, answered=True), 1060) == "closed"


def test_while_calls_are_answered_a_background_probe_opens_nothing() -> None:
    answered = after("answered", now=1000)
    assert admits(found(answered, 1010, answered=False, since=990), 1010)
    assert not admits(found(answered, 1040, answered=False, since=1010), 1040)


def test_a_list_closes_only_what_a_list_has_seen_failing_and_a_model_closes_what_calls_opened() -> None:
    opened = after("failed", "failed", "failed")
    assert found(opened, 1001, answered=True) == opened
    assert admits(found(opened, 1001, answered=True, by_model=True), 1001)
    gone = found(opened, 1001, answered=False)
    assert admits(found(gone, 1002, answered=True), 1002)


@pytest.mark.parametrize("by_model", [True, False])
def test_probes_never_close_what_calls_keep_opening(by_model: bool) -> None:
    health = found(found(FIT, 1000, answered=False), 1001, answered=True, by_model=by_model)
    health = ended(began(health, 1002), "failed", 1003, began=1002)
    assert state(health, 1003) == "open", "the first failure opens it again"
    for now in range(1004, 1400):
        answered = found(found(health, now, answered=False), now, answered=True, by_model=by_model)
        assert answered.broken
    assert not found(health, 1004, answered=True, by_model=by_model).until > health.until
    health = ended(began(health, 1010), "answered", 1011, began=1010)
    assert state(health, 1011) == "closed"
    health = found(found(health, 1100, answered=False, since=1050), 1101, answered=True, by_model=by_model)
    assert state(health, 1101) == "closed", "since a call was answered they are believed again"


def test_what_the_provider_asked_for_outlasts_a_probe() -> None:
    health = found(ended(after("failed", "failed", "failed"), "throttled", 1000, retry_after=90), 1001,
                   answered=True, by_model=True)  # fmt: skip
    assert (state(health, 1001), health.until) == ("throttled", 1090)


@given(STEPS, st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.booleans()), max_size=10))
def test_probes_keep_nobody_away_for_longer_than_their_interval_when_they_have_ended(
    steps: list[Any], probes: list[Any]
) -> None:
    now, health = 1000.0, FIT
    for passed, outcome, _, _ in steps:
        now += passed
        health = ended(health, outcome, now)
    for passed, answered, by_model in probes:
        now += passed
        health = found(health, now, answered=answered, by_model=by_model)
    back = max(now, health.until) + DEFAULT.probe + 1
    assert back - now <= DEFAULT.longest + 40 + DEFAULT.probe + 1
    assert admits(health, back)


def test_a_probe_that_never_reports_back_is_given_up() -> None:
    health = began(after("failed", "failed", "failed"), 1005)
    assert not admits(health, 1005)
    assert admits(health, 1005 + DEFAULT.probe + 0.1)


def test_an_older_call_that_is_throttled_makes_no_room_for_a_second_probe() -> None:
    health = began(after("failed", "failed", "failed"), 1005)
    health = ended(health, "throttled", 1006, began=999, retry_after=0)
    assert not admits(health, 1007)
    assert admits(ended(health, "throttled", 1008, began=1005, retry_after=0), 1009)


class Probes(RuleBasedStateMachine):
    """Calls come and go at one endpoint; who is not admitted does not call."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.board = Board(self.clock)
        self.calls: list[float] = []
        self.probes: list[float] = []
        """When each of those calls began that were sent while it was half open."""

    @rule(seconds=st.floats(0.01, 20))
    def pass_time(self, seconds: float) -> None:
        self.clock.time += seconds

    @rule()
    def call(self) -> None:
        if not self.board.admits("a"):
            return
        if self.board.of("a").health.broken:
            self.probes = [each for each in self.probes if self.clock.time - each <= DEFAULT.probe]
            assert self.probes == []
            self.probes.append(self.clock.time)
        self.board.began("a")
        self.calls.append(self.clock.time)

    @precondition(lambda self: self.calls)
    @rule(which=st.integers(0), outcome=OUTCOMES | st.none(), data=st.none() | st.floats(0, 30))
    def end(self, which: int, outcome: Outcome | None, data: float | None) -> None:
        begun = self.calls.pop(which % len(self.calls))
        self.board.ended("a", outcome, began=begun, retry_after=data)
        if outcome is not None and begun in self.probes:
            self.probes.remove(begun)

    @invariant()
    def counts_what_is_under_way(self) -> None:
        assert self.board.of("a").inflight == len(self.calls)


TestProbes = Probes.TestCase


def test_a_stream_that_begins_proves_its_provider_well() -> None:
    clock = Clock()
    board = Board(clock)
    for _ in range(3):
        board.began("a")
        board.ended("a", "failed", began=clock.time)
    clock.time += 5
    board.began("a")
    assert not board.admits("a")
    board.answering("a", clock.time)
    assert board.admits("a")


def test_speed_is_taken_from_records_that_tell_it() -> None:
    clock = Clock()
    board = Board(clock)
    usage = Usage(output=100)
    attempt = AttemptRecord(provider="p", upstream_model="m", milliseconds=500)
    record = CallRecord(
        id="1", started=0, key_id="k", operation="chat", dialect="openai_chat", requested_model="a/m",
        model="a/m", provider="p", upstream_model="m", status=200, outcome="ok", usage=usage,
        attempts=(attempt,), first_token_ms=900, total_ms=900,
    )  # fmt: skip
    board.observe(record)
    speed = board.of("p/a/m=m").speed.percentile(0.5, clock.time)
    assert speed == pytest.approx(200, rel=0.25)


def test_the_board_stays_small_whatever_names_clients_invent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boards, "MOST", 100)
    clock = Clock()
    board = Board(clock)
    board.began("busy")
    for number in range(1000):
        board.began(f"open/{number}")
        board.ended(f"open/{number}", "unusable", began=clock.time)
    assert len(board._standings) <= 101
    assert board.of("busy").inflight == 1
    board.keep({"open/999"})
    assert not board.admits("open/999")


def test_a_call_from_before_that_fails_leaves_the_probe_under_way() -> None:
    opened = after("failed", "failed", "failed")
    probing = began(opened, opened.until)
    late = ended(probing, "failed", opened.until + 1, began=opened.opened)
    assert late.probe == probing.probe
    assert not admits(late, opened.until + 2)
