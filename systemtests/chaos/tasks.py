"""Faults of processing: a poison row, and a task that is delivered again."""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import redis
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Max
from django.utils import timezone

from shortlinks.domain.visits.processing import MAX_ATTEMPTS
from shortlinks.models import ShortLink, Visit
from shortlinks.tasks import process_visits
from systemtests.chaos.faults import Fault
from systemtests.chaos.service import Service
from systemtests.polling import wait_for

SECONDS = 60
MAX_WAIT_SECONDS = 10
# Its time is later than Python's last year, so psycopg cannot read it.
INSERT_POISON = """
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, visitor_hash, pixel_is_new, due_at)
VALUES (%s, %s, '20000-01-01', 'GET', '', '', '', '', '', '', false, now())
"""
RETRY_NOW = (
    "UPDATE shortlinks_visit SET due_at = now() WHERE id = %s AND due_at > now()"
)
RETRY_SECONDS = 0.2
COPIES = 30
IS_BUSY = """
SELECT FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state <> 'idle'
  AND application_name <> 'shortlinks-redirects' AND pid <> pg_backend_pid()
"""
LOCK_NOTES = "LOCK TABLE shortlinks_note IN SHARE ROW EXCLUSIVE MODE"
# Only processing locks visits; a merge of chats writes notes, too.
IS_BLOCKED = """
SELECT FROM pg_locks blocked JOIN pg_locks held USING (pid)
WHERE blocked.relation = 'shortlinks_note'::regclass AND NOT blocked.granted
  AND held.relation = 'shortlinks_visit'::regclass AND held.mode = 'RowShareLock'
"""


@dataclass
class PoisonRow(Fault):
    """A stored visit whose processing fails until it is dead-lettered."""

    name: str = "a poison row"
    _id: uuid.UUID = field(default_factory=uuid.uuid4)
    _since: datetime = field(default_factory=timezone.now)

    def prepare(self, service: Service) -> None:
        self._id, self._since = uuid.uuid4(), timezone.now()

    def inject(self, service: Service) -> None:
        """Insert the row, and shorten the pauses between attempts, which take hours."""
        link = ShortLink.objects.latest("id")
        with connection.cursor() as cursor:
            cursor.execute(INSERT_POISON, [self._id, link.id])
        process_visits.delay()
        wait_for(
            self._is_dead_lettered, "the poison row is dead-lettered", seconds=SECONDS
        )

    def clear(self, service: Service) -> None:
        Visit.objects.filter(pk=self._id).delete()

    def broken(self) -> Sequence[str]:
        attempts = Visit.objects.values_list("attempts", flat=True).get(pk=self._id)
        others = Visit.objects.exclude(processed_at=None).filter(
            occurred_at__gte=self._since
        )
        waited = others.aggregate(longest=Max(F("processed_at") - F("occurred_at")))
        broken = []
        if attempts != MAX_ATTEMPTS:
            broken.append(f"dead-lettered after {attempts} attempts")
        if waited["longest"].total_seconds() > MAX_WAIT_SECONDS:
            broken.append(f"another visit waited {waited['longest']}")
        return broken

    def _is_dead_lettered(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(RETRY_NOW, [self._id])
            if cursor.rowcount:
                process_visits.delay()
        time.sleep(RETRY_SECONDS)
        return Visit.objects.filter(pk=self._id).dead_lettered().exists()


@dataclass
class Redelivery(Fault):
    """A worker that dies between commit and acknowledgment.

    Its message is delivered again, many times at once.
    """

    name: str = "a task delivered again"
    _messages: list[bytes] = field(default_factory=list)

    def prepare(self, service: Service) -> None:
        self._messages = []

    def inject(self, service: Service) -> None:
        """Kill the worker after a commit of its child, before it acknowledges."""
        worker = service.parts["worker"]
        with transaction.atomic(), connection.cursor() as cursor:
            # The child waits for this lock, so that the parent is frozen in time.
            cursor.execute(LOCK_NOTES)
            wait_for(_is_blocked, "a task writes notes", seconds=SECONDS)
            worker.main.suspend()
            self._messages = _unacknowledged()
            before = _processed_visits()
        # Notes tell nothing: those of a task may stay as they are.
        wait_for(
            lambda: _processed_visits() > before and not _is_busy(),
            "the task is committed",
            seconds=SECONDS,
        )
        worker.kill()

    def lift(self, service: Service) -> None:
        with _broker() as broker:
            key = f"{settings.REDIS_KEY_PREFIX}visits"
            broker.lpush(key, *self._messages * COPIES)
        service.start("worker")

    def clear(self, service: Service) -> None:
        service.parts["worker"].thaw()

    def broken(self) -> Sequence[str]:
        return () if self._messages else ("no task was caught",)


def _processed_visits() -> int:
    return Visit.objects.exclude(processed_at=None).count()


def _is_blocked() -> bool:
    return _exists(IS_BLOCKED)


def _is_busy() -> bool:
    return _exists(IS_BUSY)


def _exists(query: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone() is not None


def _unacknowledged() -> list[bytes]:
    """Return the messages that the worker holds, as they were in the queue."""
    with _broker() as broker:
        held = cast(list[bytes], broker.hvals(f"{settings.REDIS_KEY_PREFIX}unacked"))
    messages = [json.loads(each)[0] for each in held if b"process_visits" in each]
    return [json.dumps(message).encode() for message in messages]


def _broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5)
