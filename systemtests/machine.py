"""The machine and the versions that a result was measured with."""

import os
import platform
import shutil
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median

import redis
from django.conf import settings
from django.db import connection

from systemtests import CHECKOUT

COMMITS = 200

Machine = dict[str, str | int | float]


def describe() -> Machine:
    return {
        "cores": os.cpu_count() or 0,
        "processor": _processor(),
        "system": platform.platform(),
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        "commit": _commit(),
    }


def describe_stores() -> Machine:
    return {
        "granian": version("granian"),
        "uvloop": version("uvloop"),
        "postgres": _postgres(),
        "valkey": _valkey(),
        "commit_ms": _measure_commit(),
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    models = [line.partition(":")[2] for line in lines if line.startswith("model name")]
    return models[0].strip() if models else platform.processor()


def _postgres() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0])


def _valkey() -> str:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5) as client:
        server = client.info("server")
    return str(server.get("valkey_version", server.get("redis_version")))


def _commit() -> str:
    """Return the hash, with a note if files were changed since."""
    head = _git("rev-parse", "--verify", "--quiet", "HEAD") or "no commit yet"
    return f"{head} + changes" if _git("status", "--porcelain") else head


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    command = (git, *arguments)
    done = subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=10
    )
    return done.stdout.strip()


def _measure_commit() -> float:
    """Return the milliseconds of the smallest commit: one log record, one fsync."""
    seconds = []
    with connection.cursor() as cursor:
        for _ in range(COMMITS):
            began = time.perf_counter()
            cursor.execute("SELECT pg_logical_emit_message(true, 'bench', '')")
            seconds.append(time.perf_counter() - began)
    return round(median(seconds) * 1000, 3)
