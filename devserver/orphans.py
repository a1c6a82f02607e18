"""What a killed run has left behind: found, and stopped by process id.

Ours is a process that carries our directory in its environment, as everything we start
does and hands down; or a store whose command line names our directory, since stores
are started with an empty environment and may run as another user.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

from devserver import console

MARK = "EMBEDDED_IN"
STORES = {"postgres": signal.SIGINT, "valkey-server": signal.SIGTERM}
# The process manager waits for its own in turn, a store writes what it has in memory.
MANAGER_SECONDS = 180
STORE_SECONDS = 60
USER_SECONDS = 15
POLL_SECONDS = 0.02


def stop(*directories: Path) -> None:
    """The stores last."""
    stop_users(*directories)
    _stop(_find(directories), STORE_SECONDS)


def stop_users(*directories: Path) -> None:
    """All but the stores; first the process manager, which stops its own in order."""
    managers = [each for each in _find(directories) if _is_manager(each)]
    _stop(managers, MANAGER_SECONDS)
    users = [each for each in _find(directories) if not _is_store(each)]
    _stop(users, USER_SECONDS)


def _find(directories: tuple[Path, ...]) -> list[psutil.Process]:
    places = {str(directory) for directory in directories}
    everything = psutil.process_iter(["name", "cmdline", "environ"])
    return [
        each
        for each in everything
        if _is_marked(each, places) or _is_store_below(each, places)
    ]


def _is_marked(process: psutil.Process, places: set[str]) -> bool:
    # None is what another user does not let us read.
    environment: dict[str, str] = process.info["environ"] or {}
    return environment.get(MARK) in places


def _is_store_below(process: psutil.Process, places: set[str]) -> bool:
    below = tuple(f"{place}{os.sep}" for place in places)
    arguments: list[str] = process.info["cmdline"] or []
    return _is_store(process) and any(each.startswith(below) for each in arguments)


def _is_store(process: psutil.Process) -> bool:
    return process.info["name"] in STORES


def _is_manager(process: psutil.Process) -> bool:
    return "supervisor.supervisord" in (process.info["cmdline"] or [])


def _stop(processes: list[psutil.Process], seconds: float) -> None:
    if not processes:
        return
    names = (f"{each.info['name']} ({each.pid})" for each in processes)
    console.say("run", f"stopping what was left behind: {', '.join(names)}")
    for process in processes:
        _signal(process, STORES.get(process.info["name"], signal.SIGTERM))
    stubborn = _wait(processes, seconds)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    _wait(stubborn, seconds)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that still run then."""
    deadline = time.monotonic() + seconds
    running = processes
    while running and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        running = [process for process in running if _runs(process)]
    return running


def _runs(process: psutil.Process) -> bool:
    """A zombie does not; who is to bury it may take his time."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _signal(process: psutil.Process, signum: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signum)
