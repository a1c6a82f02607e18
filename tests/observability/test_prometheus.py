"""Prometheus with the sample configuration, the alert rules and the dashboard."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import services
from tests.observability.conftest import FOLDER

# Grafana replaces these variables.
GRAFANA = {"$instance": ".*", "$__rate_interval": "1m"}


@pytest.fixture
def server(
    prometheus: str, transactional_db: None, tmp_path: Path
) -> Iterator[httpx.Client]:
    environment = {"METRICS_DIR": str(tmp_path / "metrics")}
    with services.metrics(tmp_path, **environment) as exporter:
        config = (FOLDER / "prometheus.yml").read_text()
        for default, actual in (
            ("9464", str(exporter.base_url.port)),
            ("scrape_interval: 15s", "scrape_interval: 1s\n  evaluation_interval: 1s"),
            ("scrape_timeout: 10s", "scrape_timeout: 1s"),
        ):
            assert default in config
            config = config.replace(default, actual)
        (tmp_path / "prometheus.yml").write_text(config)
        shutil.copy(FOLDER / "alerts.yml", tmp_path)
        with running(prometheus, tmp_path) as client:
            yield client


@contextlib.contextmanager
def running(prometheus: str, directory: Path) -> Iterator[httpx.Client]:
    port = services.free_port()
    options = {
        "config.file": directory / "prometheus.yml",
        "storage.tsdb.path": directory / "data",
        "web.listen-address": f"127.0.0.1:{port}",
    }
    command = (prometheus, *(f"--{name}={value}" for name, value in options.items()))
    with (
        (directory / "prometheus.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log) as process,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=10) as client,
    ):
        try:
            services.wait_for(lambda: responds(client))
            yield client
        finally:
            process.terminate()


def responds(client: httpx.Client) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get("/status/runtimeinfo").status_code == 200
    return False


def query_result(server: httpx.Client, query: str) -> Any:
    response = server.get("/query", params={"query": query})
    assert response.status_code == 200, f"{query}: {response.text}"
    return response.json()["data"]["result"]


def dashboard_queries() -> list[str]:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    for variable, value in GRAFANA.items():
        found = [query.replace(variable, value) for query in found]
    return found


def test_prometheus_evaluates_all_rules_and_dashboard_queries(
    server: httpx.Client,
) -> None:
    [up] = services.wait_for(
        lambda: query_result(server, 'shortlinks_up{part="redis"} == 1')
    )
    results = [query_result(server, query) for query in dashboard_queries()]
    groups = services.wait_for(
        lambda: if_evaluated(server.get("/rules").json()["data"]["groups"])
    )

    assert up["metric"]["job"] == "shortlinks"
    assert len(results) > 20
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}


def if_evaluated(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups once all rules are evaluated."""
    rules = [rule for group in groups for rule in group["rules"]]
    return groups if all(rule["health"] != "unknown" for rule in rules) else []
