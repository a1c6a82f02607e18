"""Lines of all processes as JSON, with the id of the request behind them."""

import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from config import logs
from config.celery import app
from shortlinks import tasks
from shortlinks.models import ShortLink, User
from shortlinks.observability import request_ids
from shortlinks.observability.scrubbing import scrub
from tests import factories, services
from tests.factories import BROWSER

JSON = {"LOG_FORMAT": "json"}
ID = "0123456789abcdef-ours"
MADE = re.compile(r"[0-9a-f]{32}")
NAMES = ("worker", "beat", "redirects")
FOLLOWED_UP = "visits followed up: 1"


@pytest.fixture
def link(transactional_db: None) -> ShortLink:
    return factories.link(factories.contact(factories.account()))


def lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def line(log: Path, message: str) -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        return next((one for one in lines(log) if one["message"] == message), None)

    told: dict[str, Any] = services.wait_for(found)
    return told


def test_a_request_has_its_clients_id(client: Client, db: None) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": ID})["x-request-id"] == ID


@pytest.mark.parametrize(
    "id_",
    ["", "short", "x" * 65, "eyJhbGciOi.eyJhbGciOi.abcdefgh", "0123456789abcdef\t"],
)
def test_an_id_that_is_not_sane_is_replaced(client: Client, db: None, id_: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-Id": id_})

    assert MADE.fullmatch(answer["x-request-id"])


def test_every_line_of_a_request_has_its_id(admin: User, tmp_path: Path) -> None:
    port = services.free_port()
    away = {"DATABASE_URL": f"postgres://u:p@127.0.0.1:{port}/none"}
    token = factories.token(admin)
    headers = {"X-Request-Id": ID, "Authorization": f"Bearer {token}"}
    with services.web(tmp_path, **JSON, **away) as web:
        answer = web.get("/api/v4/account", headers=headers)

    assert (answer.status_code, answer.headers["x-request-id"]) == (503, ID)
    told = line(tmp_path / "web.log", "API response 503")
    assert (told["request_id"], told["level"]) == (ID, "ERROR")
    assert told.keys() >= {"time", "logger", "process"}
    assert token not in (tmp_path / "web.log").read_text()


def test_a_task_has_the_id_of_the_request_that_rang(
    link: ShortLink, tmp_path: Path
) -> None:
    services.empty_queues()
    with services.worker(tmp_path, **JSON):
        factories.visit(link)
        with request_ids.bound(ID):
            app.send_task(tasks.process_visits.name)
        told = line(tmp_path / "worker.log", FOLLOWED_UP)

    assert (told["request_id"], told["task"]) == (ID, "process_visits")


def test_a_burst_of_redirects_has_an_id_and_all_processes_speak_json(
    link: ShortLink, tmp_path: Path
) -> None:
    with (
        services.worker(tmp_path, **JSON),
        services.beat(tmp_path, **JSON),
        services.redirects(tmp_path, **JSON) as visitor,
    ):
        assert visitor.get(f"/{link.code}", headers=BROWSER).status_code == 302
        told = line(tmp_path / "worker.log", FOLLOWED_UP)
        # while they run: Celery's last words are plain
        told_by_all = [lines(tmp_path / f"{name}.log") for name in NAMES]

    assert MADE.fullmatch(told["request_id"])
    assert link.code not in str(told_by_all)


@pytest.mark.parametrize("kind", [logs.JsonFormatter, logs.LineFormatter])
def test_tokens_and_codes_are_starred_out_of_exceptions_too(
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


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("/AbcdefGHJKLm", "/***"),
        ("GET /AbcdefGHJKLm?a=1", "GET /***?a=1"),
        ("see https://go.example/AbcdefGHJKLm.", "see https://go.example/***."),
        ("/AbcdefGHJKLmn", "/AbcdefGHJKLmn"),
        ("/AbcdefGHJKLm/x.py", "/AbcdefGHJKLm/x.py"),
        ("/abcdefghijkm.py", "/abcdefghijkm.py"),
        ("nothing of ours", "nothing of ours"),
    ],
)
def test_codes_are_starred_where_they_stand_in_paths(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


def test_the_readable_lines_have_the_id_at_their_end() -> None:
    record = logging.LogRecord("name", logging.INFO, "f", 1, "hello", (), None)
    with request_ids.bound(ID):
        text = logs.LineFormatter().format(record)

    assert text.endswith(f"INFO name: hello [{ID}]")
