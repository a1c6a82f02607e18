"""What a measurement is: ours and a yardstick, in turns, and a ratio to reach."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Protocol


class Void(Exception):
    """The run proves nothing, and why."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int  # for each measurement
    workers: int  # of each server

    @property
    def warm_up_seconds(self) -> int:
        """Enough for the caches, and for Python to have seen its code."""
        return min(self.seconds, 2)


@dataclass(frozen=True, slots=True)
class Sample:
    value: float
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two things that are measured one after the other, again and again."""

    name: str
    unit: str
    yardstick_name: str
    ours: Callable[[], Sample]
    yardstick: Callable[[], Sample]
    least_ratio: float  # ours to the yardstick's


class Benchmark(Protocol):
    """One thing measured, while its processes run."""

    @property
    def comparisons(self) -> Sequence[Comparison]: ...
    def warm_up(self) -> None: ...
    def verify(self) -> Mapping[str, float]:
        """The evidence that the samples count; Void if there is none."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was measured side by side, so that a drifting machine drifts in both."""

    yardstick: Sample
    ours: Sample

    @property
    def ratio(self) -> float:
        return self.ours.value / self.yardstick.value


@dataclass(frozen=True, slots=True)
class Spread:
    median: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Result:
    comparison: Comparison
    turns: Sequence[Turn]

    @property
    def ours(self) -> Spread:
        return spread([turn.ours.value for turn in self.turns])

    @property
    def yardstick(self) -> Spread:
        return spread([turn.yardstick.value for turn in self.turns])

    @property
    def ratio(self) -> Spread:
        """Of the turns' own ratios, not of the medians."""
        return spread([turn.ratio for turn in self.turns])

    @property
    def is_met(self) -> bool:
        return self.ratio.median >= self.comparison.least_ratio


@dataclass(frozen=True, slots=True)
class Outcome:
    """A benchmark's results with the evidence for them."""

    name: str
    results: Sequence[Result]
    evidence: Mapping[str, float]


def spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))
