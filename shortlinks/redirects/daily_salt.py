"""The key under which a day's sources are hashed (DESIGN 4)."""

import asyncio
import logging
import secrets
from datetime import UTC, date, datetime

import psycopg

from shortlinks.redirects.database import GuardedConnection

logger = logging.getLogger(__name__)

KEY_BYTES = 32
POLL_INTERVAL_SECONDS = 30.0

# The first process of the day makes the key, the others read it.
GET_OR_CREATE = """
WITH made AS (
  INSERT INTO shortlinks_dailysalt (day, key) VALUES (%(day)s, %(key)s)
  ON CONFLICT (day) DO NOTHING RETURNING key)
SELECT key FROM made UNION ALL SELECT key FROM shortlinks_dailysalt WHERE day = %(day)s
"""


class DailySaltKeeper:
    """`current` is there from the start: one of its own until Postgres has one."""

    def __init__(self, database: GuardedConnection) -> None:
        self._database = database
        self._day: date | None = None
        self.current = secrets.token_bytes(KEY_BYTES)

    async def refresh_forever(self) -> None:
        """Keep `current` the day's key, for as long as the process lives."""
        while True:
            await self.refresh()
            await asyncio.sleep(POLL_INTERVAL_SECONDS)

    async def refresh(self) -> None:
        today = datetime.now(UTC).date()
        if today == self._day:
            return
        try:
            made = secrets.token_bytes(KEY_BYTES)
            # Two statements may pass each other: the second look finds the winner.
            for _ in range(2):
                rows = await self._database.execute(
                    GET_OR_CREATE, {"day": today, "key": made}
                )
                if rows:
                    self.current, self._day = bytes(rows[0][0]), today
                    return
        except (psycopg.Error, OSError) as error:
            logger.warning("no source key of the day yet: %r", error)
