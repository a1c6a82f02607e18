"""`/healthz` and `/readyz` of both doors."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from shortlinks.domain import upkeep
from shortlinks.models import Heartbeat
from tests import factories, services


def ready(answer: Any) -> tuple[int, str, set[str]]:
    body = answer.json()
    failed = {name for name, check in body["checks"].items() if not check["ok"]}
    return answer.status_code, body["status"], failed


@pytest.fixture
def healthy(db: None) -> None:
    upkeep.beat_heart()


def test_all_is_well(client: Client, healthy: None) -> None:
    assert ready(client.get("/readyz")) == (200, "ready", set())


def test_a_worker_that_is_silent_is_named(client: Client, healthy: None) -> None:
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=2))

    assert ready(client.get("/readyz")) == (200, "degraded", {"worker"})


def test_a_worker_that_never_was_is_named(client: Client, db: None) -> None:
    assert ready(client.get("/readyz")) == (200, "degraded", {"worker"})


def test_a_backlog_that_nobody_follows_up_is_named(
    client: Client, healthy: None
) -> None:
    factories.visit(1, due_at=timezone.now() - timedelta(minutes=10))

    assert ready(client.get("/readyz")) == (200, "degraded", {"backlog"})


def test_a_migration_that_is_missing_is_named(client: Client, healthy: None) -> None:
    latest = MigrationRecorder.Migration.objects.filter(app="shortlinks").latest("id")
    latest.delete()

    assert ready(client.get("/readyz")) == (503, "unready", {"migrations"})


def test_stores_that_are_away_are_named_and_the_process_is_alive(
    tmp_path: Path,
) -> None:
    port = services.free_port()
    with services.web(
        tmp_path,
        DATABASE_URL=f"postgres://user:password@127.0.0.1:{port}/shortlinks",
        REDIS_URL=f"redis://127.0.0.1:{port}/0",
    ) as web:
        assert ready(web.get("/readyz")) == (503, "unready", {"postgres", "redis"})
        assert web.get("/healthz").status_code == 200


def test_redirects_are_ready(redirects: httpx.Client) -> None:
    assert ready(redirects.get("/readyz")) == (200, "ready", set())


def test_redirects_without_stores_say_degraded(
    transactional_db: None, tmp_path: Path
) -> None:
    port = services.free_port()
    with services.redirects(
        tmp_path,
        DATABASE_URL=f"postgres://user:password@127.0.0.1:{port}/shortlinks",
        REDIS_URL=f"redis://127.0.0.1:{port}/0",
    ) as visitor:
        answer = visitor.get("/AbcdefGHJKLm", headers={"Accept-Language": "en"})

        assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
        assert "One moment, please" in answer.text
        assert ready(visitor.get("/readyz")) == (
            200,
            "degraded",
            {"postgres", "redis"},
        )
        assert visitor.get("/healthz").status_code == 200
