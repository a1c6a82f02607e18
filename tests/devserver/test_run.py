"""`make run` with a small project on real servers and real stores."""

import contextlib
import http.client
import os
import re
import signal
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from deploy import env_file
from devserver import demo, locks, ports
from tests.devserver.conftest import (
    Devserver,
    Start,
    names,
    processes,
    public_directory,
    starter,
    until,
)

SERVER = """
async def application(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})
"""
PROJECT = {
    "config/__init__.py": "",
    "config/settings.py": "SECRET_KEY = 'x'\nDATABASES = {}\n",
    "config/celery.py": """
import os
from celery import Celery
app = Celery("small", broker=os.environ["REDIS_URL"])
app.conf.broker_connection_retry_on_startup = True
""",
    "config/wsgi.py": """
def application(environ, start_response):
    start_response("200 OK", [])
    return [b""]
""",
    "config/asgi.py": SERVER,
    "config/web.py": SERVER,
    "config/granian_logs.json": '{"version": 1}',
    "manage.py": f"""
import os, secrets, sys, psycopg
from wsgiref.simple_server import make_server
from config.wsgi import application
if sys.argv[1] == "serve_metrics":
    port = int(os.environ["METRICS_PORT"])
    make_server("127.0.0.1", port, application).serve_forever()
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    if sys.argv[1] == "migrate":
        connection.execute("CREATE TABLE IF NOT EXISTS account ()")
    elif not connection.execute("SELECT FROM account").rowcount:
        connection.execute("INSERT INTO account DEFAULT VALUES")
        for name in {demo.CREATED}:
            print(name + "=" + secrets.token_hex())
""",
}


@pytest.fixture
def project(place: Path) -> Path:
    return make_project(place)


@pytest.fixture
def settings() -> dict[str, str]:
    return free_ports()


@pytest.fixture
def run(project: Path, settings: dict[str, str], start: Start) -> Devserver:
    """Start it without waiting for it."""
    return start("run", "--project", str(project), **settings)


@dataclass(frozen=True)
class Ready:
    project: Path
    run: Devserver


@pytest.fixture(scope="module")
def ready() -> Iterator[Ready]:
    """Run it once for the tests that do not change it."""
    with public_directory() as place, starter(place) as start:
        project = make_project(place)
        run = start("run", "--project", str(project), **free_ports())
        run.wait_for("[run] ready in")
        yield Ready(project, run)


def make_project(place: Path) -> Path:
    directory = place / "project"
    for name, text in PROJECT.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return directory


def free_ports() -> dict[str, str]:
    picked = ports.pick("PORT", "REDIRECT_PORT")
    return {name: str(port) for name, port in picked.items()}


def demo_data(project: Path) -> dict[str, str]:
    values = env_file.read(project / "var" / "demo.env")
    return {name: values[name] for name in demo.CREATED}


def pid(project: Path, name: str) -> int:
    """Return the process id of the last start."""
    log = (project / "var" / "log" / "supervisor.log").read_text()
    return int(re.findall(rf"spawned: '{name}' with pid (\d+)", log)[-1])


def status(port: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", "/healthz")
        return connection.getresponse().status


def test_run_passes_no_secret_in_a_command_line(ready: Ready) -> None:
    files = [ready.project / "var" / name for name in ("secrets.env", "demo.env")]
    secrets = {value for file in files for value in env_file.read(file).values()}
    running = processes(ready.project)

    shown = {word for each in running for word in each.info["cmdline"]}

    assert shown & secrets == set()
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_run_prints_progress_then_the_commands_to_paste(ready: Ready) -> None:
    progress, _, demo_text = ready.run.output.partition("\n\n")

    assert [line.partition("]")[0] for line in progress.splitlines()] == [
        *("[1/4", "[2/4", "[3/4", "[4/4"),
        *("[run", "[run"),
    ]
    assert str(ready.project / "var" / "log") in progress
    assert f". {ready.project}/var/demo.env\n" in demo_text
    assert demo_text.splitlines()[-1].endswith("; echo")


def test_run_restarts_a_crashed_process_and_reports_it(ready: Ready) -> None:
    crashed = psutil.Process(pid(ready.project, "web"))
    orphans = crashed.children()
    assert orphans

    crashed.kill()

    log = ready.project / "var" / "log" / "web.log"
    ready.run.wait_for(f"[run] web exited and is restarted; see {log}\n")
    until(lambda: pid(ready.project, "web") != crashed.pid)
    gone, alive = psutil.wait_procs(orphans, timeout=10)
    assert (gone, alive) == (orphans, [])


def test_run_stops_during_the_start(project: Path, run: Devserver) -> None:
    run.wait_for("[3/4] starting")

    run.process.send_signal(signal.SIGINT)

    assert run.code() == 0
    assert processes(project) == []


def test_run_refuses_a_second_start_in_a_checkout(
    project: Path, settings: dict[str, str], start: Start
) -> None:
    var = project / "var"
    var.mkdir()
    with locks.exclusive(var):
        run = start("run", "--project", str(project), **settings)

        assert run.code() == 1
    assert (
        run.output == f"[run] error: already running in {var} (process {os.getpid()})\n"
    )


def test_run_refuses_a_port_in_use(
    project: Path, settings: dict[str, str], start: Start
) -> None:
    with socket.create_server(("127.0.0.1", int(settings["REDIRECT_PORT"]))):
        run = start("run", "--project", str(project), **settings)

        assert run.code() == 1
    assert run.output == (
        f"[run] error: port {settings['REDIRECT_PORT']} is taken;"
        " choose another with REDIRECT_PORT=\n"
    )


def test_run_continues_after_it_was_killed(
    project: Path, settings: dict[str, str], run: Devserver, start: Start
) -> None:
    run.wait_for("[run] ready in")
    made = demo_data(project)
    manager = int((project / "var" / "supervisord.pid").read_text())
    run.process.kill()
    os.kill(manager, signal.SIGKILL)
    run.code()
    assert {"postgres", "valkey-server"} <= names(project)

    again = start("run", "--project", str(project), **settings)
    again.wait_for("[run] ready in")

    assert [status(port) for port in settings.values()] == [200, 200]
    assert demo_data(project) == made
    assert (project / "var" / "log" / "web.log.1").exists()
    again.process.terminate()
    assert again.code() == 0
    assert processes(project) == []


def test_run_fails_if_a_process_keeps_failing(project: Path, run: Devserver) -> None:
    (project / "config" / "celery.py").write_text("raise RuntimeError")

    assert run.code() == 1
    last = run.output.splitlines()[-1]
    assert re.match(
        r"\[run\] error: (worker|webhooks|beat) keeps failing; see .*\.log", last
    )
    assert processes(project) == []
