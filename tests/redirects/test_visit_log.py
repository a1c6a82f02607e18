"""Group commit over a real Postgres: durable, or the visitor hears no."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import psycopg
import pytest
from django.conf import settings
from psycopg.conninfo import make_conninfo
from uuid_utils import uuid7

from shortlinks.models import Visit
from shortlinks.redirects import visit_log
from shortlinks.redirects.database import Connection
from shortlinks.redirects.visit_facts import VisitFacts
from shortlinks.redirects.visit_log import VisitLog, VisitNotStored
from tests.factories import CHROME

pytestmark = pytest.mark.django_db(transaction=True)


def conninfo() -> str:
    database = settings.DATABASES["default"]
    return make_conninfo(
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        dbname=database["NAME"],
    )


def facts(**fields: Any) -> VisitFacts:
    return VisitFacts(
        **{
            "id": str(uuid7()),
            "link_id": 7,
            "occurred_at": 1_795_000_000.25,
            "method": "GET",
            "user_agent": CHROME,
            "accept_language": "ru",
            "referer": "",
            "sec_fetch": "",
            "purpose": "",
            "address": "198.51.100.0",
            "source": "ab" * 16,
            "pixel_sha256": "",
            "pixel_is_new": False,
            **fields,
        }
    )


@contextlib.asynccontextmanager
async def opened(
    *, timeout: float = 5, on_commit: Callable[[int], None] = lambda _: None
) -> AsyncIterator[tuple[VisitLog, Connection]]:
    database = Connection(conninfo(), timeout=timeout)
    log = VisitLog(database, settle=0, on_commit=on_commit)
    yield log, database
    await log.close()
    await database.close()


def run(story: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(story)


def test_a_visit_comes_back_as_it_was() -> None:
    async def story() -> None:
        async with opened() as (log, _):
            await log.append(
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


def test_those_who_wait_together_share_a_statement() -> None:
    commits: list[int] = []

    async def story() -> None:
        async with opened(on_commit=commits.append) as (log, _):
            await asyncio.gather(*[log.append(facts()) for _ in range(500)])

    run(story())

    assert Visit.objects.count() == 500
    assert sum(commits) == 500
    assert len(commits) <= 3


def test_the_same_id_twice_is_stored_once() -> None:
    visit = facts()

    async def story() -> None:
        async with opened() as (log, _):
            await asyncio.gather(log.append(visit), log.append(visit))
            await log.append(visit)

    run(story())

    assert Visit.objects.count() == 1


def test_a_row_that_postgres_refuses_stands_alone() -> None:
    visits = [facts() for _ in range(20)]
    visits[13] = facts(source="not hex")

    async def story() -> list[Any]:
        async with opened() as (log, _):
            return await asyncio.gather(
                *[log.append(visit) for visit in visits], return_exceptions=True
            )

    outcomes = run(story())

    refused = [number for number, o in enumerate(outcomes) if o is not None]
    assert refused == [13]
    assert isinstance(outcomes[13], VisitNotStored)
    assert Visit.objects.count() == 19


def test_a_connection_that_was_cut_is_opened_again() -> None:
    async def story() -> None:
        async with opened() as (log, database):
            await log.append(facts())
            [(pid,)] = await database.execute("SELECT pg_backend_pid()")
            async with await psycopg.AsyncConnection.connect(conninfo()) as other:
                await other.execute("SELECT pg_terminate_backend(%s, 1000)", [pid])
            await log.append(facts())

    run(story())

    assert Visit.objects.count() == 2


def test_a_postgres_that_hangs_is_not_waited_for() -> None:
    """The table is locked by another: the writer gives its connection up."""

    async def story() -> tuple[Any, float]:
        loop = asyncio.get_running_loop()
        async with (
            await psycopg.AsyncConnection.connect(conninfo()) as other,
            opened(timeout=0.3) as (log, _),
        ):
            await other.execute("LOCK TABLE shortlinks_visit")
            began = loop.time()
            outcome = await asyncio.gather(log.append(facts()), return_exceptions=True)
            waited = loop.time() - began
            await other.rollback()
            await log.append(facts())
            return outcome[0], waited

    outcome, waited = run(story())

    assert isinstance(outcome, VisitNotStored)
    assert waited < 3
    assert 1 <= Visit.objects.count() <= 2  # the abandoned one may have got through


def test_a_visitor_who_goes_away_stops_nobody() -> None:
    async def story() -> None:
        async with opened() as (log, _):
            waiting = [asyncio.create_task(log.append(facts())) for _ in range(10)]
            await asyncio.sleep(0)
            waiting[3].cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await log.append(facts())

    run(story())

    assert Visit.objects.count() >= 10


def test_closing_finishes_the_open_batch_and_takes_nothing_more() -> None:
    async def story() -> None:
        async with opened() as (log, _):
            waiting = [asyncio.create_task(log.append(facts())) for _ in range(10)]
            await asyncio.sleep(0)
            await log.close()
            await asyncio.gather(*waiting)
            with pytest.raises(VisitNotStored):
                await log.append(facts())

    run(story())

    assert Visit.objects.count() == 10


def test_too_many_waiting_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit_log, "MOST_WAITING", 5)

    async def story() -> list[Any]:
        async with opened() as (log, _):
            return await asyncio.gather(
                *[log.append(facts()) for _ in range(8)], return_exceptions=True
            )

    outcomes = run(story())

    assert sum(isinstance(outcome, VisitNotStored) for outcome in outcomes) == 3
    assert Visit.objects.count() == 5
