"""Find and stop the processes that a killed run left behind.

A process is ours if its environment contains the mark with our directory; everything
that we start inherits it. Stores start with an empty environment, and maybe as another
user: they are ours if their command line contains our directory.
"""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

from devserver import console

MARK = "DEVSERVER_DIRECTORY"
STORES = {"postgres": signal.SIGINT, "valkey-server": signal.SIGTERM}
# Supervisord waits for its own processes in turn; a store writes its memory to disk.
SUPERVISOR_SECONDS = 180
STORE_SECONDS = 60
CLIENT_SECONDS = 15
POLL_SECONDS = 0.02


def stop(*directories: Path) -> None:
    """Stop all processes of these directories, the stores last."""
    stop_clients(*directories)
    _stop(_find(directories), STORE_SECONDS)


def stop_clients(*directories: Path) -> None:
    """Stop all but the stores; supervisord first, which stops its own in order."""
    supervisors = [each for each in _find(directories) if _is_supervisor(each)]
    _stop(supervisors, SUPERVISOR_SECONDS)
    clients = [each for each in _find(directories) if not _is_store(each)]
    _stop(clients, CLIENT_SECONDS)


def _find(directories: tuple[Path, ...]) -> list[psutil.Process]:
    places = {str(directory) for directory in directories}
    everything = psutil.process_iter(["name", "cmdline", "environ"])
    return [
        each
        for each in everything
        if _is_marked(each, places) or _is_store_below(each, places)
    ]


def _is_marked(process: psutil.Process, places: set[str]) -> bool:
    # None if the process belongs to another user.
    environment: dict[str, str] = process.info["environ"] or {}
    return environment.get(MARK) in places


def _is_store_below(process: psutil.Process, places: set[str]) -> bool:
    below = tuple(f"{place}{os.sep}" for place in places)
    arguments: list[str] = process.info["cmdline"] or []
    return _is_store(process) and any(each.startswith(below) for each in arguments)


def _is_store(process: psutil.Process) -> bool:
    return process.info["name"] in STORES


def _is_supervisor(process: psutil.Process) -> bool:
    return "supervisor.supervisord" in (process.info["cmdline"] or [])


def _stop(processes: list[psutil.Process], seconds: float) -> None:
    if not processes:
        return
    names = (f"{each.info['name']} ({each.pid})" for each in processes)
    console.say("run", f"stopping processes of an earlier run: {', '.join(names)}")
    for process in processes:
        _signal(process, STORES.get(process.info["name"], signal.SIGTERM))
    running = _wait(processes, seconds)
    for process in running:
        _signal(process, signal.SIGKILL)
    _wait(running, seconds)


def _wait(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Return the processes that are still running after `seconds`."""
    deadline = time.monotonic() + seconds
    running = processes
    while running and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        running = [process for process in running if _is_running(process)]
    return running


def _is_running(process: psutil.Process) -> bool:
    """Return False for a zombie: it has ended, but its parent has not reaped it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _signal(process: psutil.Process, signum: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(signum)
