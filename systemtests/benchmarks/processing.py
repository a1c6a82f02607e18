"""Processing by one worker, compared with a statement that only marks the visits."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil

from config.celery import app
from systemtests import InvalidRun
from systemtests.benchmarks import cpu_time, databases, dataset, durability, servers
from systemtests.benchmarks.comparisons import Comparison, Plan, Sample, Target
from systemtests.benchmarks.databases import Connection
from systemtests.polling import repeating

VISITS = {False: 40_000, True: 10_000}  # by `is_short`
TIMEOUT_SECONDS = 120
SWEEP_SECONDS = 5
# The baseline's visits are due later, so that the worker never takes them.
BASELINE_DELAY = timedelta(hours=1)
# Stores the verdict and the pixel, without any rule.
MARK = """
WITH marked AS (
  UPDATE shortlinks_visit
  SET due_at = NULL, processed_at = now(), verdict = 'person', counted_day = now()
  WHERE due_at > now() RETURNING pixel_sha256)
INSERT INTO shortlinks_pixel
  (account_id, cookie_sha256, visitor_uid, created_at, last_seen_at)
SELECT (SELECT min(id) FROM shortlinks_account), pixel_sha256,
       substr(encode(pixel_sha256, 'hex'), 1, 26), now(), now()
FROM marked
"""
OPENS = "SELECT coalesce(sum(opens), 0)::bigint FROM shortlinks_note"


@dataclass
class Processing:
    worker: psutil.Process
    connection: Connection
    visits: int
    opens: int = 0

    @property
    def comparisons(self) -> Sequence[Comparison]:
        return [
            Comparison(
                name="processing, one worker process",
                unit="visits/s",
                baseline_name="marked by one statement",
                ours=self._ours,
                baseline=self._baseline,
                target=Target("at least", 8_000, of="value"),
            )
        ]

    def verify(self) -> Mapping[str, float]:
        """Return the opens, which are all people's, if all are counted in notes."""
        durability.expect_fsync()
        noted = databases.scalar(self.connection, OPENS)
        if noted != self.opens:
            raise InvalidRun(f"{self.opens} opens were processed, notes have {noted}")
        return {"opens": noted}

    def _ours(self, _: int) -> Sample:
        databases.insert_due(self.connection, self.visits, links=dataset.LINKS)
        self.opens += self.visits
        meter = cpu_time.of(self.worker, cpu_time.postgres())
        return meter.measure(self._process, count="visits")

    def _process(self) -> Sample:
        with sweeping():
            rate = databases.processing_rate(
                self.connection, self.visits, seconds=TIMEOUT_SECONDS
            )
        return Sample(rate, {"visits": self.visits})

    def _baseline(self, _: int) -> Sample:
        databases.insert_due(
            self.connection, self.visits, links=dataset.LINKS, delay=BASELINE_DELAY
        )
        meter = cpu_time.of(cpu_time.postgres())
        return meter.measure(self._mark, count="visits")

    def _mark(self) -> Sample:
        began = time.monotonic()
        self.connection.execute(MARK)
        rate = self.visits / (time.monotonic() - began)
        return Sample(rate, {"visits": self.visits})


def sweeping() -> AbstractContextManager[None]:
    """Send the worker's task now and every 5 s, as beat does."""
    return repeating(
        lambda: app.send_task("shortlinks.tasks.process_visits"), pause=SWEEP_SECONDS
    )


@contextlib.contextmanager
def prepare(plan: Plan, directory: Path) -> Iterator[Processing]:
    dataset.create()
    with servers.worker(directory) as worker, databases.connect() as connection:
        yield Processing(worker, connection, VISITS[plan.is_short])
