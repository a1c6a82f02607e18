"""What may go wrong with a follow-up: a poison row, a message that comes twice."""

import json
import os
import signal
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

import redis
from django.conf import settings
from django.db import connection
from django.db.models import F, Max
from django.utils import timezone

from faults.service import Service
from faults.waiting import wait_for
from shortlinks.domain.visits.processing import MAX_ATTEMPTS
from shortlinks.models import Note, ShortLink, Visit
from shortlinks.tasks import process_visits

SECONDS = 60
LONGEST_WAIT_SECONDS = 10
# Its time lies beyond the years of Python, so no program can read it.
INSERT_POISON = """
INSERT INTO shortlinks_visit
  (id, link_id, occurred_at, method, user_agent, accept_language, referer, sec_fetch,
   purpose, visitor_hash, pixel_is_new, due_at)
VALUES (%s, %s, '20000-01-01', 'GET', '', '', '', '', '', '', false, now())
"""
HASTEN = "UPDATE shortlinks_visit SET due_at = now() WHERE id = %s AND due_at > now()"
HASTEN_SECONDS = 0.2
COPIES = 30
IS_BUSY = """
SELECT FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state <> 'idle'
  AND application_name <> 'shortlinks-redirects' AND pid <> pg_backend_pid()
"""
BATCH_SECONDS = 10
COMMIT_SECONDS = 2


@dataclass
class Poison:
    """A stored visit whose follow-up raises, again and again, till it is set aside."""

    name: str = "a poison row"
    doors: frozenset[int] = frozenset()
    _id: uuid.UUID = field(default_factory=uuid.uuid4)
    _since: datetime = field(default_factory=timezone.now)

    def prepare(self, service: Service) -> None:
        self._id, self._since = uuid.uuid4(), timezone.now()

    def inject(self, service: Service) -> None:
        """Its waits between attempts are cut short: they would take hours."""
        link = ShortLink.objects.latest("id")
        with connection.cursor() as cursor:
            cursor.execute(INSERT_POISON, [self._id, link.id])
        process_visits.delay()
        wait_for(self._is_set_aside, "the poison row is set aside", seconds=SECONDS)

    def lift(self, service: Service) -> None:
        """It went by itself."""

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
            broken.append(f"set aside after {attempts} attempts")
        if waited["longest"].total_seconds() > LONGEST_WAIT_SECONDS:
            broken.append(f"another visit waited {waited['longest']}")
        return broken

    def _is_set_aside(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(HASTEN, [self._id])
            if cursor.rowcount:
                process_visits.delay()
        time.sleep(HASTEN_SECONDS)
        return Visit.objects.filter(pk=self._id).dead_lettered().exists()


@dataclass
class Redelivery:
    """The worker dies after its commit and before its ack; then the message comes
    again, many times at once.
    """

    name: str = "a task delivered again"
    doors: frozenset[int] = frozenset()
    _messages: list[bytes] = field(default_factory=list)

    def prepare(self, service: Service) -> None:
        self._messages = []

    def inject(self, service: Service) -> None:
        wait_for(
            lambda: self._is_between(service),
            "a task is between commit and ack",
            seconds=SECONDS,
        )
        service.parts["worker"].kill()

    def lift(self, service: Service) -> None:
        with _broker() as broker:
            key = f"{settings.REDIS_KEY_PREFIX}visits"
            broker.lpush(key, *self._messages * COPIES)
        service.start("worker")

    def clear(self, service: Service) -> None:
        service.parts["worker"].thaw()

    def broken(self) -> Sequence[str]:
        return () if self._messages else ("no task was caught",)

    def _is_between(self, service: Service) -> bool:
        """The worker's parent, which acknowledges, is frozen; its child commits."""
        worker = service.parts["worker"]
        before = _newest_note()
        _meets(_unanswered, BATCH_SECONDS)
        os.kill(worker.pids()[0], signal.SIGSTOP)
        self._messages = _unanswered()
        is_committed = _meets(lambda: _newest_note() != before, COMMIT_SECONDS)
        if self._messages and is_committed and not _is_busy():
            return True
        worker.thaw()
        return False


def _meets(condition: Callable[[], object], seconds: float) -> bool:
    """Within the time, looked at without a pause: such moments are short."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
    return True


def _newest_note() -> object:
    return Note.objects.aggregate(newest=Max("updated_at"))["newest"]


def _is_busy() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(IS_BUSY)
        return cursor.fetchone() is not None


def _unanswered() -> list[bytes]:
    """The messages of follow-ups that a worker holds, as they lie in the queue."""
    with _broker() as broker:
        held = cast(list[bytes], broker.hvals(f"{settings.REDIS_KEY_PREFIX}unacked"))
    messages = [json.loads(each)[0] for each in held if b"process_visits" in each]
    return [json.dumps(message).encode() for message in messages]


def _broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5)
