"""The key of the visitor hash, which changes every day."""

import asyncio
import logging
import secrets
from datetime import UTC, date, datetime

import psycopg

from shortlinks.redirects.database import GuardedConnection

logger = logging.getLogger(__name__)

KEY_BYTES = 32
POLL_INTERVAL_SECONDS = 30.0

# The first process of the day creates the key; the others read it.
GET_OR_CREATE = """
WITH created AS (
  INSERT INTO shortlinks_dailysalt (day, key) VALUES (%(day)s, %(key)s)
  ON CONFLICT (day) DO NOTHING RETURNING key)
SELECT key FROM created
UNION ALL SELECT key FROM shortlinks_dailysalt WHERE day = %(day)s
"""


class DailySaltKeeper:
    """Keeps `current`, a random key until the day's key is read from Postgres."""

    def __init__(self, database: GuardedConnection) -> None:
        self._database = database
        self._day: date | None = None
        self.current = secrets.token_bytes(KEY_BYTES)

    async def refresh_forever(self) -> None:
        while True:
            await self.refresh()
            await asyncio.sleep(POLL_INTERVAL_SECONDS)

    async def refresh(self) -> None:
        today = datetime.now(UTC).date()
        if today == self._day:
            return
        try:
            key = secrets.token_bytes(KEY_BYTES)
            # A row that another process is inserting is found by the second statement.
            for _ in range(2):
                rows = await self._database.execute(
                    GET_OR_CREATE, {"day": today, "key": key}
                )
                if rows:
                    self.current, self._day = bytes(rows[0][0]), today
                    return
        except (psycopg.Error, OSError) as error:
            logger.warning("the daily salt was not read: %r", error)
