import json
import socket
from pathlib import Path

from deploy import env_file, keys
from devserver import demo
from tests.devserver.conftest import Start

SHOW = """
import json, os, sys
print(json.dumps([dict(os.environ), sys.argv[1:]]))
sys.exit(3)
"""
RUN = {
    "BASE_URL": "http://127.0.0.1:8000",
    "SHORT_BASE_URL": "http://127.0.0.1:8001",
    "DATABASE_URL": "postgres://user:password@127.0.0.1:1/shortlinks",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "DEMO_SITE_URL": "http://localhost:8004",
    "METRICS_URL": "http://127.0.0.1:9470/metrics",
}


def test_manage_runs_with_the_settings_of_make_run(start: Start, place: Path) -> None:
    (place / "manage.py").write_text(SHOW)
    (place / "var").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as store:
        url = f"postgres://user:password@127.0.0.1:{store.getsockname()[1]}/shortlinks"
        env_file.write(place / "var" / "demo.env", {**RUN, "DATABASE_URL": url})

        run = start(
            "manage", "--project", str(place), "issue_token", "a@b.c", "--days=7"
        )

        assert run.code() == 3, run.output
    environment, arguments = json.loads(run.output)
    secrets = keys.load_or_create(place / "var" / "secrets.env")
    expected = {
        **{name: RUN[name] for name in demo.ADDRESS_NAMES},
        **{name: secrets[name] for name in keys.SERVICE},
        "DATABASE_URL": url,
        "METRICS_PORT": "9470",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "WEBHOOK_ALLOW_PRIVATE_TARGETS": "1",
        "EMAIL_URL": (place / "var" / "mail").as_uri(),
    }
    assert {name: environment.get(name) for name in expected} == expected
    assert arguments == ["issue_token", "a@b.c", "--days=7"]


def test_manage_fails_if_the_stores_are_stopped(start: Start, place: Path) -> None:
    (place / "var").mkdir()
    env_file.write(place / "var" / "demo.env", RUN)

    run = start("manage", "--project", str(place), "check")

    assert run.code() == 1
    assert "the stores are not running" in run.output


def test_manage_fails_if_nothing_was_started_yet(start: Start, place: Path) -> None:
    run = start("manage", "--project", str(place), "check")

    assert run.code() == 1
    assert "start the service with make run" in run.output
