"""Processes finish their work after SIGTERM."""

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
from tests.services import Process, Server

VISITORS = 25
# All visitors together send about 500 opens a second.
PACE_SECONDS = 0.05
PROCESS_VISITS = "shortlinks.tasks.process_visits"
IS_WAITING = """
SELECT FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


class Visitor(threading.Thread):
    """Opens a link repeatedly on one connection, until the server closes it.

    Each visitor has an address; one that opens all links would be a scanner.
    """

    def __init__(self, address: str, code: str, number: int) -> None:
        super().__init__()
        home = {"X-Forwarded-For": f"192.0.2.{number}"}
        self._headers = {**factories.BROWSER, **home}
        self.statuses: list[int] = []
        self.failure: Exception | None = None
        self._connection = http.client.HTTPConnection(address, timeout=20)
        self._path = f"/{code}"
        self._stop_event = threading.Event()

    def run(self) -> None:
        try:
            while not self._stop_event.wait(PACE_SECONDS) and self._open_link():
                pass
        except (OSError, http.client.HTTPException) as error:
            self.failure = error
        finally:
            self._connection.close()

    def stop(self) -> None:
        self._stop_event.set()
        self.join()

    def _open_link(self) -> bool:
        """Return whether the connection can be used again."""
        sock = self._connection.sock
        if sock is not None and select.select([sock], [], [], 0)[0]:
            return False
        self._connection.request("GET", self._path, headers=self._headers)
        response = self._connection.getresponse()
        response.read()
        self.statuses.append(response.status)
        return not response.will_close


@pytest.fixture
def codes(transactional_db: None) -> list[str]:
    account = factories.account()
    return [factories.link(factories.contact(account)).code for _ in range(VISITORS)]


@pytest.fixture
def redirects(codes: list[str], tmp_path: Path) -> Iterator[Server]:
    with services.redirects_server(tmp_path, TRUSTED_PROXIES="127.0.0.0/8") as server:
        yield server


@pytest.fixture
def visitors(redirects: Server, codes: list[str]) -> Iterator[list[Visitor]]:
    address = urlsplit(str(redirects.client.base_url)).netloc
    started = [Visitor(address, code, n) for n, code in enumerate(codes)]
    for visitor in started:
        visitor.start()
    yield started
    for visitor in started:
        visitor.stop()


def test_no_request_is_lost_if_all_processes_stop(
    visitors: list[Visitor], redirects: Server, worker: Process, tmp_path: Path
) -> None:
    with services.web_server(tmp_path) as web, services.beat(tmp_path) as beat:
        services.wait_for(Note.objects.exists)
        for process in (beat, redirects.process, web.process, worker):
            process.terminate()
        beat.exit_code()  # may be any, because beat has no work to lose
        codes = [each.exit_code() for each in (redirects.process, web.process, worker)]
        for visitor in visitors:
            visitor.join(20)

    assert codes == [0, 0, 0]
    assert [visitor.failure for visitor in visitors] == [None] * VISITORS
    statuses = [status for visitor in visitors for status in visitor.statuses]
    assert set(statuses) == {302}
    # On a slow machine, the visitors exceed the budget of visits stored one by one.
    visits = Visit.objects.aggregate(Sum("visit_count"))
    assert visits == {"visit_count__sum": len(statuses)}

    with services.worker(tmp_path, name="next"):
        app.send_task(PROCESS_VISITS)
        services.wait_for(
            lambda: not Visit.objects.filter(due_at__isnull=False).exists()
        )
    assert Note.objects.aggregate(Sum("opens")) == {"opens__sum": len(statuses)}


def test_worker_finishes_its_batch_before_it_stops(
    transactional_db: None, worker: Process
) -> None:
    link = factories.link(factories.contact(factories.account()))
    for _ in range(50):
        factories.visit(link)

    with psycopg.connect(queries.conninfo()) as other:
        other.execute("SELECT FROM shortlinks_shortlink FOR UPDATE")
        app.send_task(PROCESS_VISITS)
        services.wait_for(is_a_statement_waiting)
        worker.terminate()
        services.wait_for(lambda: worker.has_logged("Warm shutdown"))
        other.rollback()
        code = worker.exit_code()

    assert code == 0
    assert not Visit.objects.filter(due_at__isnull=False).exists()
    assert Note.objects.get().opens == 50


def is_a_statement_waiting() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(IS_WAITING)
        return bool(cursor.fetchone() is not None)
