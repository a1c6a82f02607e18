"""While Postgres is away the API says so at once, and no client waits.

Opens at the first failure; a thread asks until Postgres answers. No client probes.
"""

import logging
import threading
import time

import psycopg

from shortlinks.domain.postgres import queries
from shortlinks.observability import metrics

logger = logging.getLogger(__name__)

PROBE_INTERVAL_SECONDS = 0.5


class DatabaseBreaker:
    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._is_open = False

    @property
    def is_open(self) -> bool:
        return self._is_open

    def trip(self) -> None:
        with self._turn:
            if self._is_open:
                return
            self._is_open = True
        metrics.circuit_breakers_open.labels("postgres").set(1)
        threading.Thread(target=self._probe_until_available, daemon=True).start()

    def _probe_until_available(self) -> None:
        while True:
            try:
                psycopg.connect(queries.conninfo()).close()
            except psycopg.Error as error:
                logger.warning("Postgres is away: %s", type(error).__name__)
                time.sleep(PROBE_INTERVAL_SECONDS)
            else:
                self._is_open = False
                metrics.circuit_breakers_open.labels("postgres").set(0)
                return


breaker = DatabaseBreaker()
