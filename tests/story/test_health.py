"""Each broken state is told by a name of its own, and the process stays alive.

Real processes, real stores; what is broken is broken for real.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import psutil
import pytest
import redis
from django.conf import settings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from shortlinks.domain.links import redis_cache
from shortlinks.domain.visits import partitions, processing, spool
from shortlinks.models import Heartbeat, ShortLink, WebhookDelivery
from tests import factories, services, stores
from tests.factories import BROWSER
from tests.stores import OwnStore

BEAT_KEY = f"{settings.REDIS_KEY_PREFIX}beat-heard-at"


def ready(process: httpx.Client) -> tuple[int, str, set[str]]:
    """And alive, which holds in every state."""
    assert process.get("/healthz").status_code == 200
    answer = process.get("/readyz")
    body = answer.json()
    failed = {name for name, check in body["checks"].items() if not check["ok"]}
    return answer.status_code, body["status"], failed


def becomes(process: httpx.Client, status: str, failed: set[str]) -> None:
    """Within a moment, during which `/healthz` holds too."""
    services.wait_for(lambda: ready(process)[1:] == (status, failed))


@pytest.fixture
def broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


@pytest.fixture
def healthy(web: httpx.Client) -> httpx.Client:
    partitions.record_worker_heartbeat()
    redis_cache.record_beat()
    return web


@pytest.fixture
def own_postgres() -> Iterator[OwnStore]:
    with stores.postgres() as own:
        yield own


@pytest.fixture
def own_valkey() -> Iterator[OwnStore]:
    with stores.valkey() as own:
        yield own


def nowhere() -> dict[str, str]:
    """Stores that refuse connections."""
    port = services.free_port()
    return {
        "DATABASE_URL": f"postgres://user:password@127.0.0.1:{port}/shortlinks",
        "REDIS_URL": f"redis://127.0.0.1:{port}/0",
    }


# --- API and admin -----------------------------------------------------------


def test_all_is_well(healthy: httpx.Client) -> None:
    assert ready(healthy) == (200, "ready", set())


def test_a_worker_that_is_silent_is_named(healthy: httpx.Client) -> None:
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=2))

    assert ready(healthy) == (200, "degraded", {"worker"})


def test_a_worker_that_never_was_is_named(healthy: httpx.Client) -> None:
    Heartbeat.objects.all().delete()

    assert ready(healthy) == (200, "degraded", {"worker"})


def test_beat_that_is_silent_is_named_and_not_the_worker(
    healthy: httpx.Client, broker: redis.Redis
) -> None:
    broker.set(BEAT_KEY, (timezone.now() - timedelta(minutes=2)).isoformat())

    assert ready(healthy) == (200, "degraded", {"beat"})


def test_a_backlog_that_nobody_follows_up_is_named(healthy: httpx.Client) -> None:
    factories.visit(1, due_at=timezone.now() - timedelta(minutes=10))

    assert ready(healthy) == (200, "degraded", {"backlog"})


def test_events_that_nobody_sends_are_named(healthy: httpx.Client) -> None:
    account = factories.account()
    factories.webhook(account, "https://receiver.example/")
    factories.visit(factories.link(factories.contact(account)))
    processing.process_due()
    assert ready(healthy) == (200, "ready", set())

    late = timezone.now() - timedelta(minutes=10)
    WebhookDelivery.objects.update(due_at=late)

    assert ready(healthy) == (200, "degraded", {"webhooks"})


def test_visits_that_were_set_aside_are_named(healthy: httpx.Client) -> None:
    factories.visit(1, due_at=None, dead_lettered_at=timezone.now())

    assert ready(healthy) == (200, "degraded", {"dead_lettered"})


@pytest.fixture
def no_partition_of_next_month() -> Iterator[None]:
    month = (timezone.now().replace(day=1) + timedelta(days=32)).strftime("%Y_%m")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE shortlinks_visit_{month}")
    yield
    partitions.create_partitions()


def test_a_partition_that_is_missing_is_named(
    healthy: httpx.Client, no_partition_of_next_month: None
) -> None:
    assert ready(healthy) == (200, "degraded", {"partitions"})


@pytest.fixture
def missing_migration(transactional_db: None) -> Iterator[None]:
    applied = MigrationRecorder.Migration.objects.filter(app="shortlinks").latest("id")
    applied.delete()
    yield
    applied.save(force_insert=True)


def test_a_migration_that_is_missing_is_named(
    healthy: httpx.Client, missing_migration: None
) -> None:
    assert ready(healthy) == (503, "unready", {"migrations"})


def test_stores_that_refuse_are_named(tmp_path: Path) -> None:
    with services.web(tmp_path, **nowhere()) as web:
        assert ready(web) == (503, "unready", {"postgres", "redis"})


def test_a_postgres_that_hangs_is_named(
    own_postgres: OwnStore, tmp_path: Path, transactional_db: None
) -> None:
    redis_cache.record_beat()
    with services.web(tmp_path, DATABASE_URL=own_postgres.url) as web:
        assert ready(web) == (503, "unready", {"migrations"})  # none of any app
        with own_postgres.hung():
            assert ready(web) == (503, "unready", {"postgres"})


def test_a_redis_that_hangs_is_named(
    own_valkey: OwnStore, tmp_path: Path, transactional_db: None
) -> None:
    partitions.record_worker_heartbeat()
    with (
        services.web(tmp_path, REDIS_URL=own_valkey.url) as web,
        own_valkey.hung(),
    ):
        assert ready(web) == (200, "degraded", {"redis"})


# --- redirects: never unready while they can lead on -------------------------


def test_redirects_are_ready(redirects: httpx.Client) -> None:
    assert ready(redirects) == (200, "ready", set())


def test_redirects_without_stores_say_degraded(
    transactional_db: None, tmp_path: Path
) -> None:
    with services.redirects(tmp_path, **nowhere()) as visitor:
        answer = visitor.get("/AbcdefGHJKLm", headers={"Accept-Language": "en"})

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert "One moment, please" in answer.text
        assert ready(visitor) == (200, "degraded", {"postgres", "redis"})


def test_redirects_ask_their_stores_though_nobody_visits(
    own_postgres: OwnStore, own_valkey: OwnStore, tmp_path: Path
) -> None:
    own = {"DATABASE_URL": own_postgres.url, "REDIS_URL": own_valkey.url}
    with services.redirects(tmp_path, **own) as visitor:
        assert ready(visitor) == (200, "ready", set())
        with own_postgres.hung():
            becomes(visitor, "degraded", {"postgres"})
            with own_valkey.hung():
                becomes(visitor, "degraded", {"postgres", "redis"})
            becomes(visitor, "degraded", {"postgres"})


def opened(visitor: httpx.Client, link: ShortLink) -> int:
    return visitor.get(f"/{link.code}", headers=BROWSER).status_code


@pytest.fixture
def link(transactional_db: None) -> ShortLink:
    """Known to Redis, with its account."""
    account = factories.account()
    redis_cache.refresh_account(account)
    return factories.link(factories.contact(account))


def test_visits_that_wait_in_the_spool_are_named(
    link: ShortLink, tmp_path: Path
) -> None:
    url = nowhere()["DATABASE_URL"]
    with services.redirects(tmp_path, DATABASE_URL=url) as visitor:
        assert opened(visitor, link) == 302
        assert ready(visitor) == (200, "degraded", {"postgres", "spool"})


def test_a_spool_that_cannot_be_written_and_its_lost_visits_are_named(
    link: ShortLink, tmp_path: Path
) -> None:
    """A file stands where the folder should be: so for root, too."""
    (tmp_path / "file").touch()
    broken = {"SPOOL_DIR": str(tmp_path / "file" / "spool")}
    with services.redirects(tmp_path, **broken) as visitor:
        assert ready(visitor) == (200, "degraded", {"spool_disk"})
    url = nowhere()["DATABASE_URL"]
    with services.redirects(tmp_path, DATABASE_URL=url, **broken) as visitor:
        assert opened(visitor, link) == 302
        assert ready(visitor) == (
            200,
            "degraded",
            {"postgres", "spool_disk", "lost_visits"},
        )


def test_lines_that_were_set_aside_are_named(
    transactional_db: None, tmp_path: Path
) -> None:
    spool.quarantine(tmp_path / "spool", [b"torn\n"])
    with services.redirects(tmp_path) as visitor:
        assert ready(visitor) == (200, "degraded", {"spool_bad"})


def test_a_spool_that_is_nearly_full_is_named(
    transactional_db: None, tmp_path: Path
) -> None:
    spool.quarantine(tmp_path / "spool", [b"x" * 1024**2])
    with services.redirects(tmp_path, SPOOL_MAX_MB="1") as visitor:
        assert ready(visitor) == (200, "degraded", {"spool_bad", "spool_disk"})


# --- worker and beat, by their own small servers -----------------------------


def at(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)


def test_a_worker_answers_and_names_its_stores(
    transactional_db: None, own_valkey: OwnStore, tmp_path: Path
) -> None:
    port = services.free_port()
    told = {"HEALTH_PORT": str(port), "REDIS_URL": own_valkey.url}
    with at(port) as health, services.worker(tmp_path, **told) as worker:
        assert ready(health) == (200, "ready", set())
        services.wait_for(Heartbeat.objects.exists)  # its own: there is no beat

        with own_valkey.hung():
            assert ready(health) == (503, "unready", {"redis"})

        for child in psutil.Process(worker.pid).children():
            child.suspend()
        assert ready(health) == (200, "ready", set())  # hung for a moment only
        worker.kill()


def test_a_worker_without_postgres_says_so(
    transactional_db: None, tmp_path: Path
) -> None:
    port = services.free_port()
    told = {"HEALTH_PORT": str(port), "DATABASE_URL": nowhere()["DATABASE_URL"]}
    with at(port) as health, services.worker(tmp_path, **told):
        assert ready(health) == (503, "unready", {"postgres"})


def test_beat_is_heard_of_by_what_it_sends(
    transactional_db: None, broker: redis.Redis, tmp_path: Path
) -> None:
    broker.delete(BEAT_KEY)
    port = services.free_port()
    with at(port) as health, services.beat(tmp_path, HEALTH_PORT=str(port)):
        services.wait_for(lambda: broker.exists(BEAT_KEY))

        assert ready(health) == (200, "ready", set())


def test_beat_without_its_broker_says_so(
    transactional_db: None, own_valkey: OwnStore, tmp_path: Path
) -> None:
    port = services.free_port()
    told = {"HEALTH_PORT": str(port), "REDIS_URL": own_valkey.url}
    with at(port) as health, services.beat(tmp_path, **told):
        services.wait_for(lambda: answers(health))
        with own_valkey.hung():
            assert ready(health) == (503, "unready", {"redis"})


def answers(health: httpx.Client) -> bool:
    try:
        return health.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
