"""Following visits up: one worker process, against SQL that only marks them."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from benchmarks import durability, processors, seed, servers, sites
from benchmarks.comparisons import Comparison, Plan, Sample, Target, Void
from benchmarks.sites import Connection
from config.celery import app

VISITS = {False: 40_000, True: 10_000}
WITHIN_SECONDS = 120
# One statement for all of them; the verdict and the pixel, and no rule.
MARK = """
WITH marked AS (
  UPDATE shortlinks_visit
  SET due_at = NULL, processed_at = now(), verdict = 'person', counted_day = now()
  WHERE due_at <= now() RETURNING pixel_sha256)
INSERT INTO shortlinks_pixel
  (account_id, cookie_sha256, visitor_uid, created_at, last_seen_at)
SELECT (SELECT min(id) FROM shortlinks_account), pixel_sha256,
       substr(encode(pixel_sha256, 'hex'), 1, 26), now(), now()
FROM marked
"""
OPENS = "SELECT coalesce(sum(opens), 0)::bigint FROM shortlinks_note"


@dataclass
class FollowUps:
    worker: psutil.Process
    connection: Connection
    plan: Plan
    opened: int = 0

    @property
    def comparisons(self) -> Sequence[Comparison]:
        count = VISITS[self.plan.is_short]
        return [
            Comparison(
                name="follow-up, one worker process",
                unit="visits/s",
                yardstick_name="marked by one statement",
                ours=partial(self._ours, count),
                yardstick=partial(self._yardstick, count),
                target=Target("at least", 8_000, of="value"),
            )
        ]

    def warm_up(self) -> None:
        self._yardstick(5_000)
        self._ours(5_000)

    def verify(self) -> Mapping[str, float]:
        """Every open stands in a note: all were taken for a person's."""
        durability.expect()
        counted = sites.scalar(self.connection, OPENS)
        if counted != self.opened:
            raise Void(f"{self.opened} opens were followed up, notes say {counted}")
        return {"opens": counted}

    def _ours(self, count: int) -> Sample:
        sites.make_due(self.connection, count, links=seed.LINKS)
        self.opened += count
        meter = processors.of(self.worker.pid, processors.postgres())
        return meter.measured(partial(self._followed, count), units=lambda _: count)

    def _followed(self, count: int) -> Sample:
        ring()
        rate = sites.follow_up_rate(self.connection, count, within=WITHIN_SECONDS)
        return Sample(rate)

    def _yardstick(self, count: int) -> Sample:
        sites.make_due(self.connection, count, links=seed.LINKS)
        meter = processors.of(processors.postgres())
        return meter.measured(partial(self._marked, count), units=lambda _: count)

    def _marked(self, count: int) -> Sample:
        began = time.monotonic()
        self.connection.execute(MARK)
        return Sample(count / (time.monotonic() - began))


def ring() -> None:
    app.send_task("shortlinks.tasks.process_visits")


@contextlib.contextmanager
def opened(plan: Plan, directory: Path) -> Iterator[FollowUps]:
    seed.fresh()
    with (
        servers.worker(directory) as worker,
        sites.default().connected() as connection,
    ):
        yield FollowUps(worker, connection, plan)
