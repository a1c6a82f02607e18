"""Group commit over a real Postgres: durable, or the visitor hears no."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from shortlinks.domain.postgres import queries
from shortlinks.domain.visits import spool
from shortlinks.models import Visit
from shortlinks.redirects import visit_writer
from shortlinks.redirects.circuit_breaker import CircuitBreaker
from shortlinks.redirects.database import Connection, GuardedConnection
from shortlinks.redirects.visit_writer import AsyncSpool, QueueFull, VisitLog
from tests.factories import facts

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Opened:
    log: VisitLog
    connection: Connection
    breaker: CircuitBreaker
    door: AsyncSpool


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@contextlib.asynccontextmanager
async def opened(
    directory: Path,
    *,
    timeout: float = 5,
    most_bytes: int = 10**6,
    on_commit: Callable[[int], None] = lambda _: None,
) -> AsyncIterator[Opened]:
    connection = Connection(queries.conninfo(), timeout=timeout)
    probe = Connection(queries.conninfo(), timeout=timeout)
    breaker = CircuitBreaker("Postgres", lambda: probe.execute("SELECT 1"))
    door = AsyncSpool(directory, most_bytes=most_bytes)
    guarded = GuardedConnection(connection, breaker)
    log = VisitLog(guarded, door, settle=0, on_commit=on_commit)
    yield Opened(log, connection, breaker, door)
    await log.close()
    await door.finish()
    await breaker.close()
    await connection.close()
    await probe.close()


def run(story: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(story)


def test_a_visit_comes_back_as_it_was(directory: Path) -> None:
    async def story() -> None:
        async with opened(directory) as o:
            await o.log.append(
                facts(
                    user_agent='quote " backslash \\ comma , brace {} NULL я',
                    purpose="NULL",
                    pixel_sha256="cd" * 32,
                    pixel_is_new=True,
                )
            )

    run(story())

    visit = Visit.objects.get()
    assert visit.user_agent == 'quote " backslash \\ comma , brace {} NULL я'
    assert (visit.purpose, visit.referer) == ("NULL", "")
    assert visit.occurred_at.timestamp() == 1_795_000_000.25
    assert visit.address == "198.51.100.0"
    assert bytes(visit.pixel_sha256 or b"") == b"\xcd" * 32
    assert visit.pixel_is_new
    assert visit.due_at is not None


def test_those_who_wait_together_share_a_statement(directory: Path) -> None:
    commits: list[int] = []

    async def story() -> None:
        async with opened(directory, on_commit=commits.append) as o:
            await asyncio.gather(*[o.log.append(facts()) for _ in range(500)])

    run(story())

    assert Visit.objects.count() == 500
    assert sum(commits) == 500
    assert len(commits) <= 3


def test_the_same_id_twice_is_stored_once(directory: Path) -> None:
    visit = facts()

    async def story() -> None:
        async with opened(directory) as o:
            await asyncio.gather(o.log.append(visit), o.log.append(visit))
            await o.log.append(visit)

    run(story())

    assert Visit.objects.count() == 1


def test_a_row_that_postgres_refuses_stands_alone(directory: Path) -> None:
    visits = [facts() for _ in range(20)]
    visits[13] = facts(visitor_hash="not hex")

    async def story() -> list[Any]:
        async with opened(directory) as o:
            return await asyncio.gather(
                *[o.log.append(visit) for visit in visits], return_exceptions=True
            )

    outcomes = run(story())

    assert outcomes == [None] * 20
    assert Visit.objects.count() == 19
    [line] = (directory / "visits.bad").read_bytes().splitlines(keepends=True)
    assert spool.decode(line) == visits[13]


def test_a_connection_that_was_cut_is_opened_again(directory: Path) -> None:
    async def story() -> None:
        async with opened(directory) as o:
            await o.log.append(facts())
            [(pid,)] = await o.connection.execute("SELECT pg_backend_pid()")
            async with await psycopg.AsyncConnection.connect(
                queries.conninfo()
            ) as other:
                await other.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
            await o.log.append(facts())

    run(story())

    assert Visit.objects.count() == 2


def test_a_postgres_that_hangs_costs_one_batch_its_time(directory: Path) -> None:
    """The table is locked by another: visits go to the spool, and come home."""

    async def story() -> list[float]:
        loop = asyncio.get_running_loop()
        waited = []
        async with (
            await psycopg.AsyncConnection.connect(queries.conninfo()) as other,
            opened(directory, timeout=0.4) as o,
        ):
            await other.execute("LOCK TABLE shortlinks_visit")
            for _ in range(20):
                began = loop.time()
                await o.log.append(facts())
                waited.append(loop.time() - began)
                o.breaker.is_open = True  # the probe's SELECT 1 knows of no lock
            assert o.log.counts.spooled == 20
            await other.rollback()
        return waited

    waited = run(story())

    assert waited[0] >= 0.4
    assert max(waited[1:]) < 0.4
    spool.replay(directory)
    assert Visit.objects.count() == 20
    assert list(directory.iterdir()) == []


def test_a_visit_is_lost_only_when_the_disk_is_full_too(directory: Path) -> None:
    async def story() -> int:
        async with opened(directory, most_bytes=10) as o:
            o.breaker.is_open = True
            await o.log.append(facts())
            return o.log.counts.lost

    assert run(story()) == 1


def test_a_visitor_who_goes_away_stops_nobody(directory: Path) -> None:
    async def story() -> None:
        async with opened(directory) as o:
            waiting = [asyncio.create_task(o.log.append(facts())) for _ in range(10)]
            await asyncio.sleep(0)
            waiting[3].cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await o.log.append(facts())

    run(story())

    assert Visit.objects.count() >= 10


def test_closing_finishes_the_open_batch_and_takes_nothing_more(
    directory: Path,
) -> None:
    async def story() -> None:
        async with opened(directory) as o:
            waiting = [asyncio.create_task(o.log.append(facts())) for _ in range(10)]
            await asyncio.sleep(0)
            await o.log.close()
            await asyncio.gather(*waiting)
            with pytest.raises(QueueFull):
                await o.log.append(facts())

    run(story())

    assert Visit.objects.count() == 10


def test_too_many_waiting_are_turned_away(
    monkeypatch: pytest.MonkeyPatch, directory: Path
) -> None:
    monkeypatch.setattr(visit_writer, "MAX_QUEUED", 5)

    async def story() -> list[Any]:
        async with opened(directory) as o:
            return await asyncio.gather(
                *[o.log.append(facts()) for _ in range(8)], return_exceptions=True
            )

    outcomes = run(story())

    assert sum(isinstance(outcome, QueueFull) for outcome in outcomes) == 3
    assert Visit.objects.count() == 5
