import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from devserver import wall_clock
from tests import programs
from tests.devserver.conftest import Start, names, processes, until

LOOK = """
import json, os, psycopg, redis
with psycopg.connect(os.environ["DATABASE_URL"]) as postgres:
    row = postgres.execute(
        "SELECT current_setting('server_version_num')::int / 10000,"
        " current_setting('fsync'), current_setting('data_checksums'),"
        " upper('ж'), usesuper FROM pg_user WHERE usename = current_user"
    ).fetchone()
with redis.Redis.from_url(os.environ["REDIS_URL"]) as valkey:
    server = valkey.info("server")["server_name"]
    policy = valkey.info("memory")["maxmemory_policy"]
print(json.dumps([*row, server, policy]))
"""

CLOCKS = """
import json, os, psycopg, redis, time
with psycopg.connect(os.environ["DATABASE_URL"]) as postgres:
    [now] = postgres.execute("SELECT extract(epoch FROM now())::float").fetchone()
with redis.Redis.from_url(os.environ["REDIS_URL"]) as valkey:
    print(json.dumps([time.time(), now, valkey.time()[0]]))
"""


def test_exec_starts_real_stores_and_leaves_no_process(
    place: Path, start: Start
) -> None:
    directory = place / "stores"

    run = start("exec", "--dir", str(directory), "--", sys.executable, "-c", LOOK)

    assert run.code() == 0, run.output
    assert json.loads(run.output) == [
        18,
        "on",
        "on",
        "Ж",
        False,
        "valkey",
        "noeviction",
    ]
    assert processes(directory) == []
    names = {path.name for path in directory.iterdir()}
    assert names == {"lock", "postgres.log", "valkey.log"}


def test_exec_passes_settings_of_the_service(start: Start) -> None:
    names = ("SECRET_KEY", "TOKEN_KEYS", "PIXEL_KEYS", "VISITOR_UID_KEY")
    show = "import os, json; print(json.dumps(dict(os.environ)))"

    run = start("exec", "--", sys.executable, "-c", show, SECRET_KEY="mine")

    assert run.code() == 0, run.output
    settings = json.loads(run.output)
    assert settings["SECRET_KEY"] == "mine"
    assert settings["TOKEN_KEYS"].startswith("k1:")
    assert all(len(settings[name]) >= 43 for name in names[1:])


def test_exec_shifts_the_clocks_of_command_and_stores(
    start: Start,
) -> None:
    programs.find(wall_clock.COMPILER, package=wall_clock.PACKAGE)
    arguments = ("--days-ahead", "400", "--", sys.executable, "-c", CLOCKS)

    run = start("exec", *arguments)

    assert run.code() == 0, run.output
    times = json.loads(run.output)
    ahead = _machine_time() + timedelta(days=400).total_seconds()
    assert all(abs(each - ahead) < 300 for each in times)


def _machine_time() -> float:
    """Ask a process whose clock is not shifted, as that of this test may be."""
    shifted = wall_clock.VARIABLES
    environment = {n: value for n, value in os.environ.items() if n not in shifted}
    date = ("date", "+%s")
    told = subprocess.run(date, env=environment, capture_output=True, check=True)
    return float(told.stdout)


@pytest.mark.parametrize(
    ("command", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 128 + signal.SIGTERM)],
)
def test_exec_returns_the_exit_code(command: str, code: int, start: Start) -> None:
    stores = {
        "DATABASE_URL": "postgres://elsewhere/db",
        "REDIS_URL": "redis://elsewhere",
    }

    run = start("exec", "--", "sh", "-c", command, **stores)

    assert run.code() == code


def test_exec_starts_no_store_that_is_in_the_environment(
    place: Path, start: Start
) -> None:
    named = {"DATABASE_URL": "postgres://u:p@elsewhere/db"}
    directory = place / "stores"
    command = ("sh", "-c", "echo $DATABASE_URL; ls $0", str(directory))

    run = start("exec", "--dir", str(directory), "--", *command, **named)

    assert run.code() == 0, run.output
    assert run.output.split() == [named["DATABASE_URL"], "lock", "stores", "valkey.log"]


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_exec_leaves_no_process_after_a_signal(
    signum: signal.Signals, place: Path, start: Start
) -> None:
    directory = place / "stores"
    # A process that handles the signal, and a child that ignores it.
    command = "trap 'exit 9' TERM INT; setsid sleep 1000 & echo started; wait"
    run = start("exec", "--dir", str(directory), "--", "sh", "-c", command)
    run.wait_for("started")
    until(lambda: {"postgres", "valkey-server", "sleep"} <= names(directory))

    run.process.send_signal(signum)

    assert run.code() == 128 + signum
    assert processes(directory) == []


def test_exec_starts_again_after_it_was_killed(place: Path, start: Start) -> None:
    directory = place / "stores"
    arguments = ("exec", "--dir", str(directory), "--")
    killed = start(*arguments, "sh", "-c", "echo started; sleep 1000")
    killed.wait_for("started")
    killed.process.kill()
    killed.code()
    until(lambda: {"postgres", "valkey-server", "sleep"} <= names(directory))

    run = start(*arguments, sys.executable, "-c", LOOK)

    assert run.code() == 0, run.output
    assert processes(directory) == []
