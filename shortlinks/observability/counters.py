"""Counts of the redirects, in plain integers that become metrics once a second."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from prometheus_client import Counter, Histogram

from shortlinks.observability import metrics


@dataclass(slots=True)
class HistogramBuffer:
    """Observations by bucket since the last `take`."""

    bounds: Sequence[float]
    counts: list[int] = field(init=False)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def take(self) -> "HistogramBuffer":
        """Return the observations and start again from zero."""
        taken = HistogramBuffer(self.bounds)
        taken.counts, self.counts = self.counts, taken.counts
        taken.total, self.total = self.total, 0.0
        return taken

    def write_to(self, child: Histogram) -> None:
        metrics.add_observations(child, counts=self.counts, total=self.total)


class CounterDelta:
    """Adds to a counter the growth of the counts since the last call."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._applied: dict[str, int] = {}

    def apply(self, counts: Mapping[str, int]) -> None:
        for label, count in counts.items():
            grown = count - self._applied.get(label, 0)
            if grown:
                self._counter.labels(label).inc(grown)
                self._applied[label] = count
