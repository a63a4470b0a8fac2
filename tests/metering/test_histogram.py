"""Durations by size: what is stored goes by these bounds for ever."""

import random

from sekisho.metering.histogram import BOUNDS, bucket, merge, quantile


def test_bounds_rise_and_are_those_that_stored_histograms_were_counted_by() -> None:
    assert list(BOUNDS) == sorted(set(BOUNDS))
    assert (len(BOUNDS), BOUNDS[:8], BOUNDS[-1]) == (92, (1, 2, 3, 4, 5, 6, 7, 8), 2**24)
    assert all(bucket(bound) == at for at, bound in enumerate(BOUNDS))
    assert (bucket(0), bucket(2**60)) == (0, len(BOUNDS))


def test_merged_histograms_are_those_of_all_and_quantiles_are_at_most_a_fifth_too_long() -> None:
    chance = random.Random(1)
    durations = [int(chance.lognormvariate(7, 2)) for _ in range(5_000)]
    merged: dict[int, int] = {}
    for at in range(10):
        part: dict[int, int] = {}
        for each in durations[at::10]:
            merge(part, {bucket(each): 1})
        merge(merged, part)
    whole: dict[int, int] = {}
    for each in durations:
        merge(whole, {bucket(each): 1})
    assert merged == whole
    for share in (0.5, 0.9, 0.99, 1.0):
        exact = sorted(durations)[max(0, round(share * len(durations)) - 1)]
        told = quantile(merged, share)
        assert told is not None
        assert exact <= told <= 1.2 * exact + 1
    assert quantile({}, 0.5) is None
