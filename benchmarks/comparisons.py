"""What a measurement is: ours and a yardstick, in turns, and a target to reach."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, Protocol


class Void(Exception):
    """The run proves nothing, and why."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: int  # for each measurement
    workers: int  # of each server
    is_short: bool  # a sample of what takes many minutes
    links: int  # that the tables have grown to

    @property
    def warm_up_seconds(self) -> int:
        """Enough for the caches, and for Python to have seen its code."""
        return min(self.seconds, 2)


@dataclass(frozen=True, slots=True)
class Sample:
    value: float
    details: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """A bound for the median: of ours to the yardstick's, or of ours alone."""

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


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two things that are measured one after the other, again and again."""

    name: str
    unit: str
    yardstick_name: str
    ours: Callable[[], Sample]
    yardstick: Callable[[], Sample]
    target: Target
    rounds: int | None = None  # fewer than planned, for what takes long


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

    def ratio_of(self, detail: str) -> float:
        return self.ours.details[detail] / self.yardstick.details[detail]


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
        target = self.comparison.target
        measured = self.ratio if target.of == "ratio" else self.ours
        return target.is_met_by(measured.median)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A benchmark's results with the evidence for them."""

    name: str
    results: Sequence[Result]
    evidence: Mapping[str, float]


def spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values))


def number(value: float) -> str:
    """Three digits at least, and no more behind the point than say something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
