"""Comparisons of ours with a baseline, in alternation, and their targets."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, Protocol

MIN_CALLS = 5


@dataclass(frozen=True, kw_only=True)
class Plan:
    rounds: int
    seconds: int  # of each sample
    workers: int  # of each server
    is_short: bool  # less of what takes many minutes


@dataclass(frozen=True, slots=True)
class Sample:
    value: float
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for a median: of the ratio to the baseline, or of our value."""

    sense: Literal["at least", "at most"]
    bound: float
    of: Literal["ratio", "value"] = "ratio"

    def is_met_by(self, number: float) -> bool:
        if self.sense == "at least":
            return number >= self.bound
        return number <= self.bound

    def __str__(self) -> str:
        sign = ">=" if self.sense == "at least" else "<="
        return f"{self.of} {sign} {self.bound:,g}"


Measure = Callable[[int], Sample]  # within so many seconds
Call = Callable[[], object]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    name: str
    unit: str
    baseline_name: str
    ours: Measure
    baseline: Measure
    target: Target
    is_repeated: bool = True  # otherwise it has one round and no warm-up


class Benchmark(Protocol):
    """One subject, while its processes run."""

    @property
    def comparisons(self) -> Sequence[Comparison]: ...
    def verify(self) -> Mapping[str, float]:
        """Return counts that prove the samples; raise InvalidRun without proof."""


@dataclass(frozen=True, slots=True)
class Round:
    """Two samples of the same minute, in which the machine was as fast for both."""

    baseline: Sample
    ours: Sample

    @property
    def ratio(self) -> float:
        return self.ours.value / self.baseline.value

    def ratio_of(self, detail: str) -> float:
        return self.ours.details[detail] / self.baseline.details[detail]


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True)
class Result:
    comparison: Comparison
    rounds: Sequence[Round]

    @property
    def ours(self) -> Spread:
        return spread([each.ours.value for each in self.rounds])

    @property
    def baseline(self) -> Spread:
        return spread([each.baseline.value for each in self.rounds])

    @property
    def ratio(self) -> Spread:
        """Return the spread of the rounds' ratios, not the ratio of the medians."""
        return spread([each.ratio for each in self.rounds])

    @property
    def is_met(self) -> bool:
        target = self.comparison.target
        measured = self.ratio if target.of == "ratio" else self.ours
        return target.is_met_by(measured.median)


@dataclass(frozen=True, slots=True)
class Outcome:
    name: str
    results: Sequence[Result]
    evidence: Mapping[str, float]


def spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def number(value: float) -> str:
    """Format with three significant digits, and all digits before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def milliseconds(call: Call, *, seconds: float) -> Sample:
    """Return the median duration of the calls that fit into the time."""
    durations: list[float] = []
    until = time.perf_counter() + seconds
    while len(durations) < MIN_CALLS or time.perf_counter() < until:
        began = time.perf_counter()
        call()
        durations.append((time.perf_counter() - began) * 1000)
    return Sample(median(durations), {"calls": len(durations)})
