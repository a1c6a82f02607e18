"""The exporter with the files of real processes."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from shortlinks.models import DailyVisits, DailyVisitsDelta, ShortLink, User
from tests import factories, services, stores
from tests.factories import BROWSER
from tests.observability.conftest import run

pytestmark = pytest.mark.process

COUNT = "shortlinks_redirects_total"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "metrics"


@pytest.fixture
def environment(directory: Path) -> dict[str, str]:
    return {"METRICS_DIR": str(directory)}


@pytest.fixture
def exporter(
    environment: dict[str, str], tmp_path: Path, transactional_db: None
) -> Iterator[httpx.Client]:
    with services.metrics(tmp_path, **environment) as client:
        yield client


@pytest.fixture
def link(admin: User) -> ShortLink:
    assert admin.account is not None
    return factories.link(factories.contact(admin.account))


def samples(exporter: httpx.Client, name: str) -> dict[tuple[str, ...], float]:
    """Return values by label values, which are ordered by label name."""
    response = exporter.get("/metrics")
    assert response.status_code == 200, response.text
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
        if sample.name == name
    }


def open_link(visitor: httpx.Client, link: ShortLink, times: int) -> None:
    for _ in range(times):
        assert visitor.get(f"/{link.code}", headers=BROWSER).status_code == 302


def test_exporter_has_the_counts_of_every_process(
    exporter: httpx.Client,
    environment: dict[str, str],
    link: ShortLink,
    admin: User,
    tmp_path: Path,
    promtool: str,
) -> None:
    token = factories.token(admin)
    with (
        services.worker(tmp_path, **environment),
        services.redirects(tmp_path, **environment) as visitor,
        services.web(tmp_path, **environment) as web,
        services.beat(tmp_path, **environment),
    ):
        open_link(visitor, link, 3)
        assert visitor.get("/AbcdefGHJKLm").status_code == 404
        headers = {"Authorization": f"Bearer {token}"}
        assert web.get("/api/v4/contacts/1", headers=headers).status_code == 404
        services.wait_for(
            lambda: samples(exporter, "shortlinks_notes_total")[("written",)]
        )
        services.wait_for(
            lambda: (
                samples(exporter, "shortlinks_heartbeat_age_seconds").keys()
                == {("beat",), ("worker",)}
            )
        )
        services.wait_for(
            lambda: (
                samples(exporter, "shortlinks_processes")
                == {(role,): 1 for role in ("beat", "redirects", "web", "worker")}
            )
        )

    redirected = samples(exporter, COUNT)
    assert (redirected[("redirected",)], redirected[("unknown",)]) == (3, 1)
    assert samples(exporter, "shortlinks_visits_stored_total")[("committed",)] == 3
    assert samples(exporter, "shortlinks_visit_batch_size_sum")[("postgres",)] == 3
    assert samples(exporter, "shortlinks_visits_processed_total")[("person",)] == 3
    assert samples(exporter, "shortlinks_api_requests_total")[
        ("GET", "api/v4/contacts/<id:entity_id>", "404")
    ]
    text = exporter.get("/metrics").text
    assert run(promtool, "check", "metrics", given=text.encode()) == ""
    secrets = {link.code, token, factories.URL, "127.0.0.1"}
    assert {secret for secret in secrets if secret in text} == set()


def test_restarted_process_continues_the_counts(
    exporter: httpx.Client, environment: dict[str, str], link: ShortLink, tmp_path: Path
) -> None:
    for _ in range(2):
        with services.redirects(tmp_path, **environment) as visitor:
            open_link(visitor, link, 2)

    assert samples(exporter, COUNT)[("redirected",)] == 4
    assert samples(exporter, "shortlinks_processes") == {}
    assert samples(exporter, "shortlinks_circuit_breakers_open") == {}


def test_visits_of_lost_links_are_counted(
    exporter: httpx.Client, environment: dict[str, str], link: ShortLink, tmp_path: Path
) -> None:
    """Redis still has a link that the database has lost (docs/adr/0039)."""
    ShortLink.objects.filter(pk=link.pk).delete()
    with (
        services.worker(tmp_path, **environment),
        services.redirects(tmp_path, **environment) as visitor,
    ):
        name = "shortlinks_visit_processing_failures_total"
        services.wait_for(lambda: samples(exporter, name))
        before = samples(exporter, name)
        open_link(visitor, link, 2)
        expected = {**before, ("lost_link",): 2}
        services.wait_for(lambda: samples(exporter, name) == expected)

    assert before == {("dead_lettered",): 0, ("lost_link",): 0, ("retried",): 0}


def test_exporter_adds_up_processes_of_a_role(
    exporter: httpx.Client,
    environment: dict[str, str],
    link: ShortLink,
    tmp_path: Path,
    directory: Path,
) -> None:
    with (
        services.redirects(tmp_path, **environment) as one,
        services.redirects(tmp_path, **environment) as other,
    ):
        open_link(one, link, 2)
        open_link(other, link, 3)
        services.wait_for(lambda: samples(exporter, COUNT)[("redirected",)] == 5)

        assert samples(exporter, "shortlinks_processes") == {("redirects",): 2}
    files = {path.name for path in directory.glob("counter_*")}
    assert files == {"counter_redirects-0.db", "counter_redirects-1.db"}


def test_exporter_has_the_gauges_of_the_database(
    exporter: httpx.Client, link: ShortLink
) -> None:
    visit = factories.visit(link)
    factories.visit(link, due_at=None, dead_lettered_at=visit.due_at)

    assert samples(exporter, "shortlinks_visits_due") == {(): 1}
    assert 60 <= samples(exporter, "shortlinks_visit_processing_lag_seconds")[()] < 90
    assert samples(exporter, "shortlinks_visits_dead_lettered") == {(): 1}
    assert samples(exporter, "shortlinks_visit_partitions_ahead") == {(): 3}
    assert samples(exporter, "shortlinks_rollup_lag_seconds") == {(): 0}


def test_rollup_lag_is_the_age_of_the_oldest_count(
    exporter: httpx.Client, link: ShortLink
) -> None:
    for day in (date(2026, 11, 22), date(2026, 11, 23)):
        DailyVisits.objects.create(link=link, day=day, verdict="person", visits=1)
    oldest = DailyVisitsDelta.objects.order_by("pk")[:1]
    DailyVisitsDelta.objects.filter(pk__in=oldest).update(
        created_at=timezone.now() - timedelta(minutes=5)
    )

    assert 300 <= samples(exporter, "shortlinks_rollup_lag_seconds")[()] < 330


def test_exporter_omits_gauges_of_stores_that_do_not_respond(
    environment: dict[str, str], tmp_path: Path, directory: Path
) -> None:
    with (
        stores.postgres() as postgres,
        stores.valkey() as valkey,
        services.metrics(
            tmp_path, DATABASE_URL=postgres.url, REDIS_URL=valkey.url, **environment
        ) as exporter,
        postgres.hung(),
        valkey.hung(),
    ):
        assert samples(exporter, "shortlinks_up") == {("postgres",): 0, ("redis",): 0}
        assert samples(exporter, "shortlinks_visits_due") == {}
        assert exporter.get("/healthz").status_code == 200


def test_exporter_skips_broken_files(
    exporter: httpx.Client,
    environment: dict[str, str],
    link: ShortLink,
    directory: Path,
) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "counter_web-9.db").write_bytes(b"\xff\xff\x00\x00" + b"\xff" * 5000)
    (directory / "counter_web-8.db").touch()

    assert samples(exporter, "shortlinks_up")[("postgres",)] == 1


def test_process_works_if_its_metrics_cannot_be_written(
    link: ShortLink, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    place = str(tmp_path / "file" / "metrics")
    with services.redirects(tmp_path, METRICS_DIR=place) as visitor:
        open_link(visitor, link, 1)
    assert "nothing is measured" in (tmp_path / "redirects.log").read_text()


def test_error_has_the_port_if_it_is_in_use(exporter: httpx.Client) -> None:
    port = str(exporter.base_url.port)
    done = subprocess.run(
        (sys.executable, "manage.py", "serve_metrics"),
        cwd=services.ROOT,
        env={**services.base_environment(), "METRICS_PORT": port},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 1
    assert re.search(rf"METRICS_PORT {port}: .*in use", done.stderr)
