"""`/readyz` has a name for each failure, while `/healthz` stays 200."""

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
from shortlinks.domain.monitoring import heartbeats
from shortlinks.domain.visits import partitions, processing, spool
from shortlinks.models import Heartbeat, ShortLink, WebhookDelivery
from tests import factories, services, stores
from tests.factories import BROWSER
from tests.stores import OwnStore


def state(process: httpx.Client) -> tuple[int, str, set[str]]:
    """Return the readiness of a process, which must also be alive."""
    assert process.get("/healthz").status_code == 200
    response = process.get("/readyz")
    body = response.json()
    failed = {name for name, check in body["checks"].items() if not check["ok"]}
    return response.status_code, body["status"], failed


def wait_for_state(process: httpx.Client, expected: tuple[int, str, set[str]]) -> None:
    """Wait, because the last checks are kept for a moment."""
    services.wait_for(lambda: state(process) == expected)


@pytest.fixture
def broker() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL)


@pytest.fixture
def web_with_heartbeats(web: httpx.Client) -> httpx.Client:
    heartbeats.record_worker()
    heartbeats.record_beat()
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


def test_web_is_ready(web_with_heartbeats: httpx.Client) -> None:
    wait_for_state(web_with_heartbeats, (200, "ready", set()))


def test_web_is_degraded_if_the_worker_is_silent(
    web_with_heartbeats: httpx.Client,
) -> None:
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=2))

    wait_for_state(web_with_heartbeats, (200, "degraded", {"worker"}))


def test_web_is_degraded_without_a_worker(web_with_heartbeats: httpx.Client) -> None:
    Heartbeat.objects.all().delete()

    wait_for_state(web_with_heartbeats, (200, "degraded", {"worker"}))


def test_web_is_degraded_if_beat_is_silent(
    web_with_heartbeats: httpx.Client, broker: redis.Redis
) -> None:
    broker.set(heartbeats.BEAT_KEY, (timezone.now() - timedelta(minutes=2)).isoformat())

    wait_for_state(web_with_heartbeats, (200, "degraded", {"beat"}))


def test_web_is_degraded_by_an_old_backlog(web_with_heartbeats: httpx.Client) -> None:
    factories.visit(1, due_at=timezone.now() - timedelta(minutes=10))

    wait_for_state(web_with_heartbeats, (200, "degraded", {"backlog"}))


def test_web_is_degraded_by_late_webhooks(web_with_heartbeats: httpx.Client) -> None:
    account = factories.account()
    factories.webhook(account, "https://receiver.example/")
    factories.visit(factories.link(factories.contact(account)))
    processing.process_due()
    wait_for_state(web_with_heartbeats, (200, "ready", set()))

    late = timezone.now() - timedelta(minutes=10)
    WebhookDelivery.objects.update(due_at=late)

    wait_for_state(web_with_heartbeats, (200, "degraded", {"webhooks"}))


def test_web_is_degraded_by_dead_lettered_visits(
    web_with_heartbeats: httpx.Client,
) -> None:
    factories.visit(1, due_at=None, dead_lettered_at=timezone.now())

    wait_for_state(web_with_heartbeats, (200, "degraded", {"dead_lettered"}))


@pytest.fixture
def missing_partition() -> Iterator[None]:
    month = (timezone.now().replace(day=1) + timedelta(days=32)).strftime("%Y_%m")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE shortlinks_visit_{month}")
    yield
    partitions.create_partitions()


def test_web_is_degraded_without_the_next_partition(
    web_with_heartbeats: httpx.Client, missing_partition: None
) -> None:
    wait_for_state(web_with_heartbeats, (200, "degraded", {"partitions"}))


@pytest.fixture
def missing_migration(transactional_db: None) -> Iterator[None]:
    applied = MigrationRecorder.Migration.objects.filter(app="shortlinks").latest("id")
    applied.delete()
    yield
    applied.save(force_insert=True)


def test_web_is_unready_without_a_migration(
    web_with_heartbeats: httpx.Client, missing_migration: None
) -> None:
    wait_for_state(web_with_heartbeats, (503, "unready", {"migrations"}))


def test_web_is_unready_if_the_stores_refuse_connections(tmp_path: Path) -> None:
    with services.web(tmp_path, **nowhere()) as web:
        wait_for_state(web, (503, "unready", {"postgres", "redis"}))


def test_web_is_unready_if_postgres_does_not_respond(
    own_postgres: OwnStore, tmp_path: Path, transactional_db: None
) -> None:
    heartbeats.record_beat()
    with services.web(tmp_path, DATABASE_URL=own_postgres.url) as web:
        wait_for_state(web, (503, "unready", {"migrations"}))  # the database is empty
        with own_postgres.hung():
            wait_for_state(web, (503, "unready", {"postgres"}))


def test_web_is_degraded_if_redis_does_not_respond(
    own_valkey: OwnStore, tmp_path: Path, transactional_db: None
) -> None:
    heartbeats.record_worker()
    with (
        services.web(tmp_path, REDIS_URL=own_valkey.url) as web,
        own_valkey.hung(),
    ):
        wait_for_state(web, (200, "degraded", {"redis"}))


# --- redirects: never unready -------------------------


def test_redirects_are_ready(redirects: httpx.Client) -> None:
    assert state(redirects) == (200, "ready", set())


def test_redirects_are_degraded_without_stores(
    transactional_db: None, tmp_path: Path
) -> None:
    with services.redirects(tmp_path, **nowhere()) as visitor:
        response = visitor.get("/AbcdefGHJKLm", headers={"Accept-Language": "en"})

        assert (response.status_code, response.headers["retry-after"]) == (503, "30")
        assert "One moment, please" in response.text
        assert state(visitor) == (200, "degraded", {"postgres", "redis"})
        assert details(visitor) == ("OperationalError", "ConnectionError")


def test_redirects_check_their_stores_without_visitors(
    own_postgres: OwnStore, own_valkey: OwnStore, tmp_path: Path
) -> None:
    own = {"DATABASE_URL": own_postgres.url, "REDIS_URL": own_valkey.url}
    with services.redirects(tmp_path, **own) as visitor:
        assert state(visitor) == (200, "ready", set())
        assert details(visitor) == ("", "")
        with own_postgres.hung():
            wait_for_state(visitor, (200, "degraded", {"postgres"}))
            with own_valkey.hung():
                wait_for_state(visitor, (200, "degraded", {"postgres", "redis"}))
                assert details(visitor) == ("TimeoutError", "TimeoutError")
            wait_for_state(visitor, (200, "degraded", {"postgres"}))


def details(redirects: httpx.Client) -> tuple[str, str]:
    checks = redirects.get("/readyz").json()["checks"]
    return checks["postgres"]["detail"], checks["redis"]["detail"]


def open_link(visitor: httpx.Client, link: ShortLink) -> int:
    return visitor.get(f"/{link.code}", headers=BROWSER).status_code


@pytest.fixture
def link(transactional_db: None) -> ShortLink:
    account = factories.account()
    redis_cache.refresh_account(account)
    return factories.link(factories.contact(account))


def test_redirects_are_degraded_by_visits_in_the_spool(
    link: ShortLink, tmp_path: Path
) -> None:
    url = nowhere()["DATABASE_URL"]
    with services.redirects(tmp_path, DATABASE_URL=url) as visitor:
        assert open_link(visitor, link) == 302
        assert state(visitor) == (200, "degraded", {"postgres", "spool"})


def test_redirects_are_degraded_by_a_broken_spool_and_lost_visits(
    link: ShortLink, tmp_path: Path
) -> None:
    """A file instead of the folder is an error for root, too."""
    (tmp_path / "file").touch()
    broken = {"SPOOL_DIR": str(tmp_path / "file" / "spool")}
    with services.redirects(tmp_path, **broken) as visitor:
        assert state(visitor) == (200, "degraded", {"spool_disk"})
    url = nowhere()["DATABASE_URL"]
    with services.redirects(tmp_path, DATABASE_URL=url, **broken) as visitor:
        assert open_link(visitor, link) == 302
        assert state(visitor) == (
            200,
            "degraded",
            {"postgres", "spool_disk", "lost_visits"},
        )


def test_redirects_are_degraded_by_quarantined_lines(
    transactional_db: None, tmp_path: Path
) -> None:
    spool.quarantine(tmp_path / "spool", [b"torn\n"])
    with services.redirects(tmp_path) as visitor:
        assert state(visitor) == (200, "degraded", {"spool_bad"})


def test_redirects_are_degraded_by_a_nearly_full_spool(
    transactional_db: None, tmp_path: Path
) -> None:
    spool.quarantine(tmp_path / "spool", [b"x" * 1024**2])
    with services.redirects(tmp_path, SPOOL_MAX_MB="1") as visitor:
        assert state(visitor) == (200, "degraded", {"spool_bad", "spool_disk"})


# --- worker and beat -----------------------------


def client_of(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)


def test_worker_is_unready_if_redis_does_not_respond(
    transactional_db: None, own_valkey: OwnStore, tmp_path: Path
) -> None:
    port = services.free_port()
    environment = {"HEALTH_PORT": str(port), "REDIS_URL": own_valkey.url}
    with client_of(port) as health, services.worker(tmp_path, **environment) as worker:
        assert state(health) == (200, "ready", set())
        services.wait_for(Heartbeat.objects.exists)  # without beat

        with own_valkey.hung():
            assert state(health) == (503, "unready", {"redis"})

        for child in psutil.Process(worker.pid).children():
            child.suspend()
        assert state(health) == (200, "ready", set())  # until the limit
        worker.kill()


def test_worker_is_unready_without_postgres(
    transactional_db: None, tmp_path: Path
) -> None:
    port = services.free_port()
    environment = {"HEALTH_PORT": str(port), "DATABASE_URL": nowhere()["DATABASE_URL"]}
    with client_of(port) as health, services.worker(tmp_path, **environment):
        assert state(health) == (503, "unready", {"postgres"})


def test_beat_stores_its_heartbeat(
    transactional_db: None, broker: redis.Redis, tmp_path: Path
) -> None:
    broker.delete(heartbeats.BEAT_KEY)
    port = services.free_port()
    with client_of(port) as health, services.beat(tmp_path, HEALTH_PORT=str(port)):
        services.wait_for(lambda: broker.exists(heartbeats.BEAT_KEY))

        assert state(health) == (200, "ready", set())


def test_beat_is_unready_if_redis_does_not_respond(
    transactional_db: None, own_valkey: OwnStore, tmp_path: Path
) -> None:
    port = services.free_port()
    environment = {"HEALTH_PORT": str(port), "REDIS_URL": own_valkey.url}
    with client_of(port) as health, services.beat(tmp_path, **environment):
        services.wait_for(lambda: responds(health))
        with own_valkey.hung():
            assert state(health) == (503, "unready", {"redis"})


def responds(health: httpx.Client) -> bool:
    try:
        return health.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


# --- details ---------------------------------------


def test_parts_are_named_only_without_a_proxy(
    web_with_heartbeats: httpx.Client, redirects: httpx.Client
) -> None:
    for process in (web_with_heartbeats, redirects):
        wait_for_state(process, (200, "ready", set()))
        through_proxy = process.get("/readyz", headers={"X-Forwarded-For": "10.0.0.9"})

        assert through_proxy.json() == {"status": "ready"}
