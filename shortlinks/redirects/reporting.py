"""What this process counted, handed to the metrics once a second, off the loop."""

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from shortlinks.observability import metrics
from shortlinks.observability.tallies import Moved, Spread
from shortlinks.redirects.bell import Bell
from shortlinks.redirects.breaker import Breaker
from shortlinks.redirects.visit_log import Counts

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 1.0
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
    fates: dict[str, int]
    bells: dict[str, int]
    breakers: dict[str, bool]
    seconds: dict[str, Spread]
    visits: dict[str, Spread]


class Reporter:
    def __init__(
        self,
        answers: defaultdict[int | str, int],
        counts: Counts,
        bell: Bell,
        breakers: Mapping[str, Breaker],
    ) -> None:
        self._answers = answers
        self._counts = counts
        self._bell = bell
        self._breakers = breakers
        self._outcomes = Moved(metrics.redirects)
        self._fates = Moved(metrics.visits_stored)
        self._bells = Moved(metrics.bells)

    async def keep_reporting(self) -> None:
        while True:
            try:
                await self.report()
            except OSError as error:  # visitors come first
                logger.warning("nothing was reported: %s", error)
            await asyncio.sleep(SECONDS_BETWEEN_REPORTS)

    async def report(self) -> None:
        await asyncio.to_thread(self._write, self._take())

    def _take(self) -> _Report:
        counts = self._counts
        return _Report(
            outcomes=self._by_outcome(),
            fates={fate: getattr(counts, fate) for fate in metrics.FATES},
            bells={"rung": self._bell.rung, "failed": self._bell.failed},
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
        self._outcomes.move(report.outcomes)
        self._fates.move(report.fates)
        self._bells.move(report.bells)
        for store, is_open in report.breakers.items():
            metrics.breakers_open.labels(store).set(is_open)
        for store, seconds in report.seconds.items():
            seconds.write_to(metrics.batch_seconds.labels(store))
        for store, visits in report.visits.items():
            visits.write_to(metrics.batch_visits.labels(store))
