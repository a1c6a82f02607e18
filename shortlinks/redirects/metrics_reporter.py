"""Pass the counts of a redirect process to its metrics, once a second."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.observability import metrics
from shortlinks.observability.counters import CounterDelta, HistogramBuffer
from shortlinks.redirects.visit_writer import Counts
from shortlinks.redirects.worker_notifier import DebouncedNotifier

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
    """Counts that are read on the event loop and written in a thread."""

    outcomes: Counter[str]
    results: dict[str, int]
    notifications: dict[str, int]
    breakers: dict[str, bool]
    seconds: dict[str, HistogramBuffer]
    visits: dict[str, HistogramBuffer]


class Reporter:
    def __init__(
        self,
        responses: defaultdict[int | str, int],
        counts: Counts,
        notifier: DebouncedNotifier,
        breakers: Mapping[str, CircuitBreaker],
    ) -> None:
        self._responses = responses
        self._counts = counts
        self._notifier = notifier
        self._breakers = breakers
        self._outcomes = CounterDelta(metrics.redirects)
        self._results = CounterDelta(metrics.visits_stored)
        self._notifications = CounterDelta(metrics.worker_notifications)

    async def report_forever(self) -> None:
        while True:
            try:
                await self.report()
            except OSError as error:  # without metrics, redirects go on
                logger.warning("metrics were not written: %s", error)
            await asyncio.sleep(REPORT_INTERVAL_SECONDS)

    async def report(self) -> None:
        await asyncio.to_thread(self._write, self._take())

    def _take(self) -> _Report:
        counts = self._counts
        return _Report(
            outcomes=self._by_outcome(),
            results={result: getattr(counts, result) for result in metrics.RESULTS},
            notifications={
                "sent": self._notifier.sent,
                "failed": self._notifier.failed,
            },
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
        for response, count in self._responses.items():
            outcomes[OUTCOMES.get(response, OTHER)] += count
        return outcomes

    def _write(self, report: _Report) -> None:
        self._outcomes.apply(report.outcomes)
        self._results.apply(report.results)
        self._notifications.apply(report.notifications)
        for store, is_open in report.breakers.items():
            metrics.circuit_breakers_open.labels(store).set(is_open)
        for store, seconds in report.seconds.items():
            seconds.write_to(metrics.batch_seconds.labels(store))
        for store, visits in report.visits.items():
            visits.write_to(metrics.visit_batch_size.labels(store))
