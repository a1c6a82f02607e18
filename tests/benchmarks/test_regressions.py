"""The check fails when it should, and recorded names are those that are measured."""

import pytest

from benchmarks import regressions
from benchmarks.comparisons import Comparison, Outcome, Result, Sample, Target, Turn

NAME = "redirects, 32 connections"


def outcome(*costs: float) -> Outcome:
    """Rounds in which ours took so many times the yardstick's processor time."""
    unused = Sample(1)
    comparison = Comparison(
        name=NAME,
        unit="requests/s",
        yardstick_name="bare 302",
        ours=lambda: unused,
        yardstick=lambda: unused,
        target=Target("at least", 0.2),
    )
    turns = [
        Turn(Sample(1, {"processor_us": 10}), Sample(1, {"processor_us": 10 * cost}))
        for cost in costs
    ]
    return Outcome("redirects", [Result(comparison, turns)], {})


@pytest.mark.parametrize(
    ("costs", "is_worse"),
    [
        pytest.param([6.0, 6.0], False, id="as recorded"),
        pytest.param([9.9, 9.9], False, id="less than 40 % lost"),
        pytest.param([10.1, 10.1], True, id="more than 40 % lost"),
        pytest.param([30.0, 6.0], False, id="a neighbour took one round"),
    ],
)
def test_more_than_40_percent_lost_is_worse(
    costs: list[float], *, is_worse: bool
) -> None:
    worse = regressions.worse([outcome(*costs)], {NAME: 6.0})

    assert bool(worse) is is_worse


def test_what_is_not_recorded_is_not_judged() -> None:
    assert regressions.worse([outcome(99.0)], {}) == []


def test_what_make_check_repeats_is_recorded() -> None:
    assert NAME in regressions.recorded()


@pytest.mark.parametrize(
    ("target", "met", "missed"),
    [(Target("at least", 2), 2.0, 1.9), (Target("at most", 2), 2.0, 2.1)],
    ids=str,
)
def test_targets(target: Target, met: float, missed: float) -> None:
    assert (target.is_met_by(met), target.is_met_by(missed)) == (True, False)
