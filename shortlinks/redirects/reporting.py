"""What this process counted, handed to the metrics once a second, off the loop."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from shortlinks.observability import metrics
from shortlinks.observability.tallies import CounterDelta, HistogramBuffer
from shortlinks.redirects.bell import DebouncedNotifier
from shortlinks.redirects.breaker import CircuitBreaker
from shortlinks.redirects.visit_log import Counts

logger = logging.getLogger(__name__)

REPORT_INTERVAL_SECONDS = 1.0
OUTCOMES: dict[int | str, str] = {
    200: "own_page",
    302: "redirected",
    404: "unknown",
    405: "method",
    503: "unavailable",
    "prefetch": "prefetch",
}
OTHER = "other"


@dataclass(frozen=True, slots=True)
class _Report:
    """Taken on the loop, written in a thread."""

    outcomes: Counter[str]
    results: dict[str, int]
    notifications: dict[str, int]
    breakers: dict[str, bool]
    seconds: dict[str, HistogramBuffer]
    visits: dict[str, HistogramBuffer]


class Reporter:
    def __init__(
        self,
        answers: defaultdict[int | str, int],
        counts: Counts,
        bell: DebouncedNotifier,
        breakers: Mapping[str, CircuitBreaker],
    ) -> None:
        self._answers = answers
        self._counts = counts
        self._bell = bell
        self._breakers = breakers
        self._outcomes = CounterDelta(metrics.redirects)
        self._fates = CounterDelta(metrics.visits_stored)
        self._bells = CounterDelta(metrics.worker_notifications)

    async def report_forever(self) -> None:
        while True:
            try:
                await self.report()
            except OSError as error:  # visitors come first
                logger.warning("nothing was reported: %s", error)
            await asyncio.sleep(REPORT_INTERVAL_SECONDS)

    async def report(self) -> None:
        await asyncio.to_thread(self._write, self._take())

    def _take(self) -> _Report:
        counts = self._counts
        return _Report(
            outcomes=self._by_outcome(),
            results={fate: getattr(counts, fate) for fate in metrics.RESULTS},
            notifications={"rung": self._bell.rung, "failed": self._bell.failed},
            breakers={name: b.is_open for name, b in self._breakers.items()},
            seconds={
                "postgres": counts.commit_seconds.take(),
                "spool": counts.spool_seconds.take(),
            },
            visits={
                "postgres": counts.commit_visits.take(),
                "spool": counts.spool_visits.take(),
            },
        )

    def _by_outcome(self) -> Counter[str]:
        outcomes: Counter[str] = Counter()
        for answer, count in self._answers.items():
            outcomes[OUTCOMES.get(answer, OTHER)] += count
        return outcomes

    def _write(self, report: _Report) -> None:
        self._outcomes.apply(report.outcomes)
        self._fates.apply(report.results)
        self._bells.apply(report.notifications)
        for store, is_open in report.breakers.items():
            metrics.circuit_breakers_open.labels(store).set(is_open)
        for store, seconds in report.seconds.items():
            seconds.write_to(metrics.batch_seconds.labels(store))
        for store, visits in report.visits.items():
            visits.write_to(metrics.visit_batch_size.labels(store))
