"""Log lines of all processes, with request ids."""

import io
import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from config import logs
from config.celery import app
from shortlinks import tasks
from shortlinks.models import ShortLink, User, Visit
from shortlinks.observability import request_ids
from shortlinks.observability.scrubbing import scrub
from tests import factories, services
from tests.factories import BROWSER

pytestmark = pytest.mark.process

JSON = {"LOG_FORMAT": "json"}
ID = "0123456789abcdef-id"
GENERATED = re.compile(r"[0-9a-f]{32}")
NAMES = ("worker", "beat", "redirects")
PROCESSED = "visits processed: 1"


@pytest.fixture
def link(transactional_db: None) -> ShortLink:
    return factories.link(factories.contact(factories.account()))


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def line(log: Path, message: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        return next((one for one in lines(log) if one["message"] == message), None)

    logged: dict[str, Any] = services.wait_for(found)
    return logged


def test_response_has_the_request_id_of_the_client(client: Client, db: None) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": ID})["x-request-id"] == ID


@pytest.mark.parametrize(
    "id_",
    ["", "short", "x" * 65, "eyJhbGciOi.eyJhbGciOi.abcdefgh", "0123456789abcdef\t"],
)
def test_invalid_request_id_is_replaced(client: Client, db: None, id_: str) -> None:
    response = client.get("/healthz", headers={"X-Request-Id": id_})

    assert GENERATED.fullmatch(response["x-request-id"])


def test_log_lines_of_a_request_have_its_id(admin: User, tmp_path: Path) -> None:
    port = services.free_port()
    unavailable = {"DATABASE_URL": f"postgres://u:p@127.0.0.1:{port}/none"}
    token = factories.token(admin)
    headers = {"X-Request-Id": ID, "Authorization": f"Bearer {token}"}
    with services.web(tmp_path, **JSON, **unavailable) as web:
        response = web.get("/api/v4/account", headers=headers)

    assert (response.status_code, response.headers["x-request-id"]) == (503, ID)
    logged = line(tmp_path / "web.log", "API response 503")
    assert (logged["request_id"], logged["level"]) == (ID, "ERROR")
    assert logged.keys() >= {"time", "logger", "process"}
    assert token not in (tmp_path / "web.log").read_text()


def test_log_lines_of_a_task_have_the_id_of_the_request(
    link: ShortLink, tmp_path: Path
) -> None:
    def found() -> list[dict[str, Any]]:
        """Send a visit, until no late message of another test processes it."""
        factories.visit(link)
        with request_ids.bound(ID):
            app.send_task(tasks.process_visits.name)
        services.wait_for(lambda: not Visit.objects.filter(due_at__isnull=False))
        processed = [one for one in lines(log) if one["message"] == PROCESSED]
        return [one for one in processed if one["request_id"] == ID]

    log = tmp_path / "worker.log"
    services.empty_queues()
    with services.worker(tmp_path, **JSON):
        [logged, *_] = services.wait_for(found)

    assert logged["task"] == "process_visits"


def test_all_processes_log_json_and_a_burst_has_an_id(
    link: ShortLink, tmp_path: Path
) -> None:
    with (
        services.worker(tmp_path, **JSON),
        services.beat(tmp_path, **JSON),
        services.redirects(tmp_path, **JSON) as visitor,
    ):
        assert visitor.get(f"/{link.code}", headers=BROWSER).status_code == 302
        logged = line(tmp_path / "worker.log", PROCESSED)
        # before they stop, because the last lines of Celery are not JSON
        all_lines = [lines(tmp_path / f"{name}.log") for name in NAMES]

    assert GENERATED.fullmatch(logged["request_id"])
    assert link.code not in str(all_lines)


@pytest.mark.parametrize("kind", [logs.JsonFormatter, logs.LineFormatter])
def test_tokens_and_codes_are_masked_in_exceptions(
    kind: Callable[[], logging.Formatter],
) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJl"
    try:
        raise ValueError(f"GET https://go.example/AbcdefGHJKLm with {token}")  # noqa: TRY301
    except ValueError as error:
        record = logging.LogRecord("a", logging.ERROR, "f", 1, "%s", (token,), None)
        record.exc_info = (ValueError, error, error.__traceback__)

    text = kind().format(record)

    assert "AbcdefGHJKLm" not in text
    assert token not in text
    assert "https://go.example/***" in text


def test_text_of_a_visitor_makes_no_further_line() -> None:
    text = 'x\n{"level": "INFO", "message": "forged"}\r\nforged'
    record = logging.LogRecord("a", logging.INFO, "f", 1, "got %s", (text,), None)

    [line] = logs.JsonFormatter().format(record).splitlines()

    assert json.loads(line)["message"] == f"got {text}"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("/AbcdefGHJKLm", "/***"),
        ("GET /AbcdefGHJKLm?a=1", "GET /***?a=1"),
        ("see https://go.example/AbcdefGHJKLm.", "see https://go.example/***."),
        ("/AbcdefGHJKLmn", "/AbcdefGHJKLmn"),
        ("/AbcdefGHJKLm/x.py", "/AbcdefGHJKLm/x.py"),
        ("/abcdefghijkm.py", "/abcdefghijkm.py"),
        ("nothing to mask", "nothing to mask"),
        (
            "null value\nDETAIL:  Failing row contains (7, x).",
            "null value\nDETAIL: ***",
        ),
        ("E('no\\nDETAIL:  Key (a)=(b)')", "E('no\\nDETAIL: ***"),
    ],
)
def test_codes_are_masked_in_paths(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


def test_line_format_ends_with_the_request_id() -> None:
    record = logging.LogRecord("name", logging.INFO, "f", 1, "hello", (), None)
    with request_ids.bound(ID):
        text = logs.LineFormatter().format(record)

    assert text.endswith(f"INFO name: hello [{ID}]")


@pytest.mark.parametrize("kind", [logs.JsonFormatter, logs.LineFormatter])
def test_times_are_utc_and_say_so(kind: Callable[[], logging.Formatter]) -> None:
    time_ = datetime(2026, 11, 26, 23, 30, 0, 250_000, UTC)
    record = logging.LogRecord("name", logging.INFO, "f", 1, "hello", (), None)
    record.created, record.msecs = time_.timestamp(), 250

    found = re.search(r"2026\S+ ?[\d:.]+(Z|\+00:00)", kind().format(record))

    assert found
    assert datetime.fromisoformat(found[0]) == time_


def test_wrong_host_is_one_line(client: Client) -> None:
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(logs.LineFormatter())
    logging.getLogger().addHandler(handler)
    try:
        response = client.get("/api/v4/account", headers={"Host": "e" * 999})
    finally:
        logging.getLogger().removeHandler(handler)

    [line] = output.getvalue().splitlines()
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "Invalid HTTP_HOST header" in line
    assert len(line) < 400
