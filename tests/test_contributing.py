"""The recipes of CONTRIBUTING.md are complete: a forgotten step fails here."""

import ast
import json
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib import admin
from django.utils import translation
from django.utils.translation import gettext

from config.celery import app
from deploy import roles
from shortlinks import tasks
from shortlinks.admin import navigation
from shortlinks.api.openapi.document import document, operations
from shortlinks.domain import known_networks, reasons
from shortlinks.domain.visits import bot_detection, classifier, processing
from shortlinks.domain.visits.bot_detection import Classification
from shortlinks.domain.webhooks import events
from shortlinks.models import Verdict, Visit, WebhookEvent

ROOT = Path(settings.BASE_DIR)
API = (ROOT / "docs" / "api.md").read_text()
OPENS = (ROOT / "docs" / "what-counts-as-an-open.md").read_text()
SOURCES = {path: path.read_text() for path in (ROOT / "shortlinks").rglob("*.py")}
NAMES = {task.rpartition(".")[2]: task for task in app.tasks if "shortlinks." in task}


FOLDERS = ("config", "deploy", "devserver", "shortlinks", "systemtests", "tests")
MAX_FILE_LINES = 400


def in_russian(text: str) -> str:
    with translation.override("ru"):
        return gettext(text)


def constants() -> dict[str, object]:
    """Return the constants of the rules, those in tables included."""
    found: dict[str, object] = {}
    for name, value in {**vars(bot_detection), **vars(classifier)}.items():
        if name.isupper():
            table = value if isinstance(value, dict) else {"": value}
            found |= {f"{name} {key}": each for key, each in table.items()}
    return found


def classifications() -> list[Classification]:
    """Return what the rules for one visit and for several can decide."""
    owners = known_networks.read_owners()
    of_networks = [bot_detection._by_network(owner) for owner in owners]
    found = [*constants().values(), *of_networks]
    return [each for each in found if isinstance(each, Classification)]


def keys_of_reasons() -> set[str]:
    """Return the keys of all reasons, also of those that begin or end a longer one."""
    parts = {text for text in constants().values() if isinstance(text, str)}
    decided = {each.reason for each in classifications()}
    return {reason.partition(reasons.BEFORE_NAME)[0] for reason in decided | parts}


def model_names() -> list[str]:
    return sorted(model.__name__ for model in admin.site._registry)


@pytest.mark.parametrize("path", sorted({each.path for each in operations()}))
def test_route_is_described_in_the_api_page(path: str) -> None:
    last = [part for part in path.split("/") if part and not part.startswith("{")][-1]

    assert re.search(rf"/{re.escape(last)}\b", API)


@pytest.mark.parametrize("verdict", Verdict)
def test_verdict_has_a_row_in_the_table_of_opens(verdict: Verdict) -> None:
    assert re.search(rf"^\| `{verdict.value}` \| .+ \|$", OPENS, re.MULTILINE)


@pytest.mark.parametrize("verdict", Verdict)
def test_verdict_is_returned_by_a_rule(verdict: Verdict) -> None:
    assert verdict in {each.verdict for each in classifications()}


@pytest.mark.parametrize("verdict", Verdict)
def test_verdict_fits_its_column_and_is_translated(verdict: Verdict) -> None:
    column = Visit._meta.get_field("verdict")

    assert len(verdict.value) <= (column.max_length or 0)
    assert in_russian(str(verdict.label)) != str(verdict.label)


def test_reason_of_each_verdict_has_a_certainty_and_a_sentence() -> None:
    assert keys_of_reasons() | {processing.OVERRIDDEN} == set(reasons.REASONS)


@pytest.mark.parametrize("key", reasons.REASONS)
def test_reason_is_explained_in_russian(key: str) -> None:
    sentence = reasons.REASONS[key].sentence

    assert in_russian(sentence) != sentence


@pytest.mark.parametrize("event", WebhookEvent)
def test_webhook_event_is_documented_and_subscribable(event: WebhookEvent) -> None:
    assert f"`{event.value}`" in API
    assert f'"{event.value}"' in json.dumps(document())


@pytest.mark.parametrize("event", WebhookEvent)
def test_webhook_event_has_a_source(event: WebhookEvent) -> None:
    assert event in events.SOURCES


@pytest.mark.parametrize("event", WebhookEvent)
def test_webhook_event_is_enqueued(event: WebhookEvent) -> None:
    others = [text for path, text in SOURCES.items() if str(path) != events.__file__]

    assert any(f"WebhookEvent.{event.name}" in text for text in others)


@pytest.mark.parametrize("event", WebhookEvent)
def test_webhook_event_is_translated(event: WebhookEvent) -> None:
    assert in_russian(str(event.label)) != str(event.label)


@pytest.mark.parametrize("name", model_names())
def test_admin_page_is_in_the_menu_with_an_icon(name: str) -> None:
    assert name in {model for _, models in navigation.SECTIONS for model in models}
    assert name in navigation.ICONS


def test_admin_modules_are_imported() -> None:
    folder = ROOT / "shortlinks" / "admin"
    init = ast.parse((folder / "__init__.py").read_text())
    imported = {
        alias.name
        for node in init.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    registering = {
        path.stem for path in folder.glob("*.py") if "@admin.register(" in SOURCES[path]
    }
    assert registering <= imported
    assert len(registering) > 5


@pytest.mark.parametrize("name", sorted(NAMES))
def test_task_is_scheduled_or_enqueued(name: str) -> None:
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    texts = [*SOURCES.values(), (ROOT / "config" / "beat.py").read_text()]
    enqueued = re.compile(rf"\b{name}\.(?:delay|apply_async)\(|\"{NAMES[name]}\"")

    assert NAMES[name] in scheduled or any(enqueued.search(text) for text in texts)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_task_is_routed_to_a_queue_of_a_worker(name: str) -> None:
    route = app.amqp.router.route({}, NAMES[name])

    assert route["queue"].name in {*roles.QUEUES, *roles.SLOW_QUEUES}


def test_beat_schedules_existing_tasks_only() -> None:
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert scheduled <= set(NAMES.values())
    assert tasks.__name__ == "shortlinks.tasks"


def test_files_are_short() -> None:
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]

    lengths = {
        path: len(path.read_text().splitlines())
        for path in files
        if path.parent.name != "migrations"
    }
    assert {path for path, n in lengths.items() if n > MAX_FILE_LINES} == set()
    assert len(lengths) > 300
