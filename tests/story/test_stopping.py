"""Every process that is told to stop finishes what it has begun."""

import http.client
import select
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connection
from django.db.models import Sum

from config.celery import app
from shortlinks.domain.postgres import queries
from shortlinks.models import Note, Visit
from tests import factories, services
from tests.services import Door, Process

VISITORS = 25
# With each visitor's pace, about 500 opens a second.
PACE_SECONDS = 0.05
FOLLOW_UP = "shortlinks.tasks.process_visits"
IS_WAITING = """
SELECT FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


class Visitor(threading.Thread):
    """Opens a link again and again on one connection, until told to leave it.

    Each from home: a browser that opens the links of many would be a scanner.
    """

    def __init__(self, address: str, code: str, number: int) -> None:
        super().__init__()
        home = {"X-Forwarded-For": f"192.0.2.{number}"}
        self._headers = {**factories.BROWSER, **home}
        self.statuses: list[int] = []
        self.failure: Exception | None = None
        self._connection = http.client.HTTPConnection(address, timeout=20)
        self._path = f"/{code}"
        self._over = threading.Event()

    def run(self) -> None:
        try:
            while not self._over.wait(PACE_SECONDS) and self._open_link():
                pass
        except (OSError, http.client.HTTPException) as error:
            self.failure = error
        finally:
            self._connection.close()

    def stop(self) -> None:
        self._over.set()
        self.join()

    def _open_link(self) -> bool:
        """Whether the connection is used again; an ended one is never written to."""
        sock = self._connection.sock
        if sock is not None and select.select([sock], [], [], 0)[0]:
            return False
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        answer.read()
        self.statuses.append(answer.status)
        return not answer.will_close


@pytest.fixture
def codes(transactional_db: None) -> list[str]:
    account = factories.account()
    return [factories.link(factories.contact(account)).code for _ in range(VISITORS)]


@pytest.fixture
def redirects(codes: list[str], tmp_path: Path) -> Iterator[Door]:
    with services.redirects_door(tmp_path, TRUSTED_PROXIES="127.0.0.0/8") as door:
        yield door


@pytest.fixture
def visitors(redirects: Door, codes: list[str]) -> Iterator[list[Visitor]]:
    address = urlsplit(str(redirects.client.base_url)).netloc
    started = [Visitor(address, code, n) for n, code in enumerate(codes)]
    for visitor in started:
        visitor.start()
    yield started
    for visitor in started:
        visitor.stop()


def test_stopping_everything_drops_no_request(
    visitors: list[Visitor], redirects: Door, worker: Process, tmp_path: Path
) -> None:
    with services.web_door(tmp_path) as web, services.beat(tmp_path) as beat:
        services.wait_for(Note.objects.exists)
        for process in (beat, redirects.process, web.process, worker):
            process.tell_to_stop()
        beat.code()  # whichever: it holds nothing that could be lost
        codes = [each.code() for each in (redirects.process, web.process, worker)]
        for visitor in visitors:
            visitor.join(20)

    assert codes == [0, 0, 0]
    assert [visitor.failure for visitor in visitors] == [None] * VISITORS
    answers = [status for visitor in visitors for status in visitor.statuses]
    assert set(answers) == {302}
    assert Visit.objects.count() == len(answers)

    with services.worker(tmp_path, name="next"):
        app.send_task(FOLLOW_UP)
        services.wait_for(
            lambda: not Visit.objects.filter(due_at__isnull=False).exists()
        )
    assert Note.objects.aggregate(Sum("opens")) == {"opens__sum": len(answers)}


def test_a_worker_that_is_told_to_stop_finishes_its_batch(
    transactional_db: None, worker: Process
) -> None:
    link = factories.link(factories.contact(factories.account()))
    for _ in range(50):
        factories.visit(link)

    with psycopg.connect(queries.conninfo()) as other:
        other.execute("SELECT FROM shortlinks_shortlink FOR UPDATE")
        app.send_task(FOLLOW_UP)
        services.wait_for(a_statement_waits)
        worker.tell_to_stop()
        services.wait_for(lambda: worker.says("Warm shutdown"))
        other.rollback()
        code = worker.code()

    assert code == 0
    assert not Visit.objects.filter(due_at__isnull=False).exists()
    assert Note.objects.get().opens == 50


def a_statement_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(IS_WAITING)
        return bool(cursor.fetchone() is not None)
