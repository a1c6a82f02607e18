"""The comparison of a short benchmark with the record."""

import pytest

from systemtests.benchmarks import regressions
from systemtests.benchmarks.comparisons import (
    Comparison,
    Outcome,
    Result,
    Round,
    Sample,
    Target,
)

NAME = "redirects, 32 connections"


def outcome(*ratios: float) -> Outcome:
    """Return rounds in which ours took these multiples of the CPU time."""
    unused = Sample(1)
    comparison = Comparison(
        name=NAME,
        unit="requests/s",
        baseline_name="plain 302",
        ours=lambda _: unused,
        baseline=lambda _: unused,
        target=Target("at least", 0.2),
    )
    rounds = [
        Round(Sample(1, {"processor_us": 10}), Sample(1, {"processor_us": 10 * ratio}))
        for ratio in ratios
    ]
    return Outcome("redirects", [Result(comparison, rounds)], {})


@pytest.mark.parametrize(
    ("ratios", "is_reported"),
    [
        pytest.param([6.0, 6.0], False, id="as recorded"),
        pytest.param([9.9, 9.9], False, id="less than 40 %"),
        pytest.param([10.1, 10.1], True, id="more than 40 %"),
        pytest.param([30.0, 6.0], False, id="one busy round"),
    ],
)
def test_regression_is_reported_above_40_percent(
    ratios: list[float], *, is_reported: bool
) -> None:
    found = regressions.find([outcome(*ratios)], {NAME: 6.0})

    assert bool(found) is is_reported


def test_regression_is_not_reported_without_a_record() -> None:
    assert regressions.find([outcome(99.0)], {}) == []


def test_record_contains_a_checked_benchmark() -> None:
    assert NAME in regressions.recorded()


@pytest.mark.parametrize(
    ("target", "met", "missed"),
    [(Target("at least", 2), 2.0, 1.9), (Target("at most", 2), 2.0, 2.1)],
    ids=str,
)
def test_target_is_met_at_its_bound(target: Target, met: float, missed: float) -> None:
    assert (target.is_met_by(met), target.is_met_by(missed)) == (True, False)
