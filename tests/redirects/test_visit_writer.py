"""The visit log with a real Postgres."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shortlinks.domain.circuit_breaker import CircuitBreaker
from shortlinks.domain.postgres import queries
from shortlinks.domain.visits import spool
from shortlinks.domain.visits.visit_records import VisitRecord
from shortlinks.models import Visit
from shortlinks.redirects import visit_writer
from shortlinks.redirects.database import Connection, GuardedConnection
from shortlinks.redirects.visit_writer import AsyncSpool, QueueFull, VisitLog
from tests import services
from tests.factories import CHROME, facts

ADDRESS = b"abcd"
SHARE = 20  # visits of one link in a spool of 1 MB

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Opened:
    log: VisitLog
    connection: Connection
    breaker: CircuitBreaker
    spool: AsyncSpool


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@contextlib.asynccontextmanager
async def open_log(
    directory: Path,
    *,
    timeout: float = 5,
    max_bytes: int = 10**6,
    conninfo: str = "",
    on_commit: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[Opened]:
    connection = Connection(conninfo or queries.conninfo(), timeout=timeout)
    is_back = threading.Event()
    breaker = CircuitBreaker("Postgres", is_back.wait)
    async_spool = AsyncSpool(directory, max_bytes=max_bytes)
    guarded = GuardedConnection(connection, breaker)
    log = VisitLog(guarded, async_spool, delay=0, on_commit=on_commit)
    yield Opened(log, connection, breaker, async_spool)
    await log.close()
    await async_spool.finish()
    is_back.set()
    await connection.close()


def run(scenario: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(scenario)


def test_log_stores_every_field(directory: Path) -> None:
    async def scenario() -> None:
        async with open_log(directory) as o:
            await o.log.append(
                facts(
                    user_agent='quote " backslash \\ comma , brace {} NULL я',
                    purpose="NULL",
                    pixel_sha256="cd" * 32,
                    pixel_is_new=True,
                    accepts_html=False,
                    is_mixed=True,
                ),
                ADDRESS,
            )

    run(scenario())

    visit = Visit.objects.get()
    assert visit.user_agent == 'quote " backslash \\ comma , brace {} NULL я'
    assert (visit.purpose, visit.referer) == ("NULL", "")
    assert visit.occurred_at.timestamp() == 1_795_000_000.25
    assert visit.address == "198.51.100.0"
    assert bytes(visit.pixel_sha256 or b"") == b"\xcd" * 32
    assert visit.pixel_is_new
    assert (visit.accepts_html, visit.is_mixed) == (False, True)
    assert visit.due_at is not None


def test_log_commits_waiting_visits_together(directory: Path) -> None:
    commits: list[int] = []

    async def scenario() -> None:
        async with open_log(directory, on_commit=commits.append) as o:
            await asyncio.gather(*[o.log.append(facts(), ADDRESS) for _ in range(500)])

    run(scenario())

    assert Visit.objects.filter(accepts_html=True, is_mixed=False).count() == 500
    assert sum(commits) == 500
    assert len(commits) <= 3


def test_log_stores_an_id_once(directory: Path) -> None:
    visit = facts()

    async def scenario() -> None:
        async with open_log(directory) as o:
            await asyncio.gather(
                o.log.append(visit, ADDRESS), o.log.append(visit, ADDRESS)
            )
            await o.log.append(visit, ADDRESS)

    run(scenario())

    assert Visit.objects.count() == 1


def test_log_quarantines_only_the_rejected_visit(directory: Path) -> None:
    visits = [facts() for _ in range(20)]
    visits[13] = facts(visitor_hash="not hex")

    async def scenario() -> list[Any]:
        async with open_log(directory) as o:
            return await asyncio.gather(
                *[o.log.append(visit, ADDRESS) for visit in visits],
                return_exceptions=True,
            )

    outcomes = run(scenario())

    assert outcomes == [None] * 20
    assert Visit.objects.count() == 19
    [line] = (directory / "visits.bad").read_bytes().splitlines(keepends=True)
    assert spool.decode(line) == visits[13]


def test_connection_is_opened_again_after_it_was_closed(directory: Path) -> None:
    async def scenario() -> None:
        async with open_log(directory) as o:
            await o.log.append(facts(), ADDRESS)
            [(pid,)] = await o.connection.execute("SELECT pg_backend_pid()")
            async with await psycopg.AsyncConnection.connect(
                queries.conninfo()
            ) as other:
                await other.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
            await o.log.append(facts(), ADDRESS)

    run(scenario())

    assert Visit.objects.count() == 2


def test_log_waits_for_one_batch_if_postgres_does_not_respond(directory: Path) -> None:
    async def scenario() -> list[float]:
        loop = asyncio.get_running_loop()
        waited = []
        async with (
            await psycopg.AsyncConnection.connect(queries.conninfo()) as other,
            open_log(directory, timeout=0.4) as o,
        ):
            await other.execute("LOCK TABLE shortlinks_visit")
            for _ in range(20):
                began = loop.time()
                await o.log.append(facts(), ADDRESS)
                waited.append(loop.time() - began)
            assert o.log.counts.spooled == 20
            await other.rollback()
        return waited

    waited = run(scenario())

    assert waited[0] >= 0.4
    assert max(waited[1:]) < 0.4
    spool.replay(directory)
    assert Visit.objects.count() == 20
    assert list(directory.iterdir()) == []


def test_log_counts_a_visit_as_lost_if_the_disk_is_full(directory: Path) -> None:
    async def scenario() -> int:
        async with open_log(directory, max_bytes=10) as o:
            o.breaker.trip(ConnectionError("gone"))
            await o.log.append(facts(), ADDRESS)
            return o.log.counts.lost

    assert run(scenario()) == 1


def test_counted_visits_are_stored_as_one_at_close(directory: Path) -> None:
    async def scenario() -> None:
        async with open_log(directory) as o:
            for _ in range(50):
                await o.log.count(facts(), ADDRESS)
            assert o.log.counts.counted == 50

    run(scenario())

    assert list(Visit.objects.values_list("visit_count", flat=True)) == [50]


def test_counted_visits_are_stored_while_the_log_is_open(directory: Path) -> None:
    async def scenario() -> int:
        async with open_log(directory) as o:
            await o.log.count(facts(), ADDRESS)
            await o.log.store_counted()
            return o.log.counts.committed

    assert run(scenario()) == 1


def test_log_counts_no_visit_after_it_was_closed(directory: Path) -> None:
    async def scenario() -> None:
        async with open_log(directory) as o:
            await o.log.close()
            with pytest.raises(QueueFull):
                await o.log.count(facts(), ADDRESS)

    run(scenario())


def test_one_link_fills_only_its_share_of_the_spool(directory: Path) -> None:
    async def scenario() -> None:
        async with open_log(directory, max_bytes=10**6) as o:
            o.breaker.trip(ConnectionError("gone"))
            for _ in range(200):
                await o.log.append(facts(link_id=1), ADDRESS)
            await o.log.append(facts(link_id=2), ADDRESS)
            assert (o.log.counts.counted, o.log.counts.lost) == (180, 0)

    run(scenario())
    spool.replay(directory)

    rows = Visit.objects.order_by("link_id", "visit_count", "pk")
    counts = list(rows.values_list("link_id", "visit_count"))
    assert counts == [(1, 1)] * 20 + [(1, 180), (2, 1)]


def unreachable() -> str:
    return f"host=127.0.0.1 port={services.free_port()} dbname=none"


def spooled(directory: Path) -> list[VisitRecord]:
    lines = [
        line
        for path in directory.glob(spool.PATTERN)
        for line in path.read_bytes().splitlines(keepends=True)
    ]
    return [visit for line in lines if (visit := spool.decode(line))]


@pytest.mark.parametrize("further", [1, 3])
def test_counted_visits_are_spooled_within_one_interval(
    directory: Path, further: int
) -> None:
    async def scenario() -> tuple[int, list[int]]:
        async with open_log(directory, conninfo=unreachable()) as o:
            for _ in range(SHARE + further):
                await o.log.append(facts(), ADDRESS)
            counted = o.log.counts.counted
            for _ in range(3):
                await o.log.store_counted()
            return counted, [visit.visit_count for visit in spooled(directory)]

    assert run(scenario()) == (further, [1] * SHARE + [further])


def test_visitors_are_counted_apart_while_postgres_is_unreachable(
    directory: Path,
) -> None:
    other = facts(visitor_hash="cd" * 16, user_agent="curl/8.5.0")

    async def scenario() -> list[VisitRecord]:
        async with open_log(directory, conninfo=unreachable()) as o:
            for _ in range(SHARE):
                await o.log.append(facts(), ADDRESS)
            for visit, address in ((facts(), ADDRESS), (other, b"efgh")):
                for _ in range(2):
                    await o.log.append(visit, address)
            await o.log.store_counted()
            return spooled(directory)[SHARE:]

    counted = [(visit.user_agent, visit.visit_count) for visit in run(scenario())]
    assert counted == [(CHROME, 2), ("curl/8.5.0", 2)]


def test_flood_from_an_address_mixes_no_other_in_the_spool(directory: Path) -> None:
    async def scenario() -> list[VisitRecord]:
        async with open_log(directory, conninfo=unreachable()) as o:
            for n in range(SHARE + 50):
                await o.log.append(facts(visitor_hash=f"{n:032x}"), ADDRESS)
            await o.log.append(facts(visitor_hash="cd" * 16), b"efgh")
            await o.log.store_counted()
            return spooled(directory)

    visits = run(scenario())

    assert sum(visit.visit_count for visit in visits) == SHARE + 51
    [click] = [visit for visit in visits if visit.visitor_hash == "cd" * 16]
    assert (click.visit_count, click.is_mixed) == (1, False)


def test_lost_record_counts_all_its_visits(directory: Path) -> None:
    async def scenario() -> int:
        async with open_log(directory, max_bytes=10) as o:
            o.breaker.trip(ConnectionError("gone"))
            await o.log.append(facts(visit_count=7), ADDRESS)
            return o.log.counts.lost

    assert run(scenario()) == 7


def fail(_: object) -> None:
    raise RuntimeError


def test_log_goes_on_after_an_unexpected_error(directory: Path) -> None:
    async def scenario() -> int:
        async with open_log(directory, on_commit=fail) as o:
            for _ in range(2):
                await asyncio.wait_for(o.log.append(facts(), ADDRESS), timeout=10)
            return o.log.counts.spooled

    assert run(scenario()) == 2
    assert Visit.objects.count() == 2


def test_log_counts_a_visit_as_lost_if_no_thread_can_spool_it(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> int:
        async with open_log(directory) as o:
            o.breaker.trip(ConnectionError("gone"))
            with monkeypatch.context() as no_threads:
                no_threads.setattr(threading.Thread, "start", fail)
                await asyncio.wait_for(o.log.append(facts(), ADDRESS), timeout=10)
            return o.log.counts.lost

    assert run(scenario()) == 1


def test_log_stores_all_visits_if_one_visitor_disconnects(directory: Path) -> None:
    async def scenario() -> None:
        async with open_log(directory) as o:
            waiting = [
                asyncio.create_task(o.log.append(facts(), ADDRESS)) for _ in range(10)
            ]
            await asyncio.sleep(0)
            waiting[3].cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await o.log.append(facts(), ADDRESS)

    run(scenario())

    assert Visit.objects.count() == 11


def test_log_stores_waiting_visits_and_accepts_no_more_on_close(
    directory: Path,
) -> None:
    async def scenario() -> None:
        async with open_log(directory) as o:
            waiting = [
                asyncio.create_task(o.log.append(facts(), ADDRESS)) for _ in range(10)
            ]
            await asyncio.sleep(0)
            await o.log.close()
            await asyncio.gather(*waiting)
            with pytest.raises(QueueFull):
                await o.log.append(facts(), ADDRESS)

    run(scenario())

    assert Visit.objects.count() == 10


def test_log_rejects_visits_if_too_many_wait(
    monkeypatch: pytest.MonkeyPatch, directory: Path
) -> None:
    monkeypatch.setattr(visit_writer, "MAX_QUEUED", 5)

    async def scenario() -> list[Any]:
        async with open_log(directory) as o:
            return await asyncio.gather(
                *[o.log.append(facts(), ADDRESS) for _ in range(8)],
                return_exceptions=True,
            )

    outcomes = run(scenario())

    assert sum(isinstance(outcome, QueueFull) for outcome in outcomes) == 3
    assert Visit.objects.count() == 5
