"""The docs, the dashboard and the alerts match the exported metrics."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from shortlinks.models import Verdict
from shortlinks.observability import exporter, metrics
from tests.observability.conftest import run

FOLDER = Path(settings.BASE_DIR) / "docs" / "observability"
README = (FOLDER / "README.md").read_text()
RULES = (FOLDER / "alerts.yml").read_text()
DASHBOARD = (FOLDER / "dashboard.json").read_text()
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")
SELECTOR = re.compile(r"(shortlinks_\w+)\{(.*?)\}")
GROUPED = re.compile(r"by \(([\w, ]+)\) ?\((?:rate|increase)?\(?(shortlinks_\w+)")
OF_PROMETHEUS = {"instance", "le"}


def exported() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return type and labels of each metric by name."""
    names: dict[str, tuple[str, tuple[str, ...]]] = {}
    for metric in metrics.REGISTRY.collect():
        collector: Any = metrics.REGISTRY._names_to_collectors[metric.name]
        total = "_total" if metric.type == "counter" else ""
        names[metric.name + total] = (metric.type, collector._labelnames)
    for name, (_, label) in exporter.GAUGES.items():
        names[name] = ("gauge", (label,) if label else ())
    return names


def label_names(selector: str) -> list[str]:
    return re.findall(r"(\w+)(?:=~|!~|!=|=)", selector)


def test_metrics_table_has_every_metric_with_type_and_labels() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) ?\|", README, re.MULTILINE)
    table = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels in rows
    }

    assert table == exported()


@pytest.mark.parametrize("text", [RULES, DASHBOARD], ids=["alerts", "dashboard"])
def test_metrics_of_alerts_and_dashboard_are_exported(text: str) -> None:
    names = set(re.findall(r"shortlinks_\w+", text))

    histograms = {name for name, (kind, _) in exported().items() if kind == "histogram"}
    missing = {
        name
        for name in names
        if name not in exported() and SUFFIX.sub("", name) not in histograms
    }
    assert missing == set()
    assert len(names) > 10


@pytest.mark.parametrize("text", [RULES, DASHBOARD], ids=["alerts", "dashboard"])
def test_labels_in_alerts_and_dashboard_exist(text: str) -> None:
    selected = {(m, x) for m, s in SELECTOR.findall(text) for x in label_names(s)}
    grouped = {
        (m, label) for by, m in GROUPED.findall(text) for label in by.split(", ")
    }

    labels = {name: set(labels) for name, (_, labels) in exported().items()}
    unknown = {
        (metric, label)
        for metric, label in selected | grouped
        if label not in labels.get(SUFFIX.sub("", metric), set()) | OF_PROMETHEUS
    }
    assert unknown == set()
    assert selected
    assert grouped


def test_metrics_table_has_the_values_of_labels() -> None:
    counters = [c for each in metrics.PREINITIALIZED.values() for c in each]
    verdicts = {*Verdict.values}
    missing = [
        (counter._name, value)
        for counter, values in counters
        for value in {*values} - verdicts - {"process_visits"}
        if not re.search(rf"`{counter._name}_total` .*`{value}`", README)
    ]

    assert missing == []
    assert len(counters) > 5


def test_dashboard_shows_every_metric() -> None:
    shown = {SUFFIX.sub("", name) for name in re.findall(r"shortlinks_\w+", DASHBOARD)}

    assert exported().keys() - shown <= {"shortlinks_spool_oldest_seconds"} | {
        "shortlinks_spool_free_bytes"
    }


def test_dashboard_can_be_imported_with_any_datasource() -> None:
    dashboard = json.loads(DASHBOARD)
    sources = {
        panel["datasource"]["uid"]
        for panel in dashboard["panels"]
        if panel["type"] != "row"
    }

    assert sources == {"${datasource}"}
    assert dashboard["templating"]["list"][0]["name"] == "datasource"


def test_alert_has_a_runbook_and_an_example() -> None:
    alerts = re.findall(r"alert: (\w+)", RULES)
    runbooks = re.findall(r"runbook_url: (\S+)", RULES)
    examples = (FOLDER / "alerts_test.yml").read_text()

    sections = re.findall(r"^### (\w+)$", README, re.MULTILINE)
    page = "docs/observability/README.md"
    assert sections == alerts
    assert runbooks == [f"{page}#{name.lower()}" for name in alerts]
    assert [name for name in alerts if f"- name: {name}\n" not in examples] == []


def test_prometheus_accepts_the_sample_and_the_rules(promtool: str) -> None:
    assert "is valid" in run(promtool, "check", "config", "prometheus.yml")
    assert "SUCCESS" in run(promtool, "check", "rules", "alerts.yml")


def test_alerts_fire_as_in_their_examples(promtool: str) -> None:
    assert "SUCCESS" in run(promtool, "test", "rules", "alerts_test.yml")
