"""`exec`: run one command, such as the tests, with temporary stores."""

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from deploy import keys
from devserver import (
    environment,
    locks,
    orphans,
    ports,
    signals,
    store_directories,
    stores,
)
from devserver.errors import RunError
from devserver.stores import Store

READY_SECONDS = 120
POLL_SECONDS = 0.02
# After this time, a command that was asked to stop is killed.
STOP_SECONDS = 10


def execute(command: Sequence[str], directory: Path | None) -> int:
    """Return the command's exit code, or 128 + N if signal N ended it."""
    signals.raise_on_stop_signals()
    with _base(directory) as base, locks.exclusive(base):
        try:
            _clear(base)
            return _execute(command, base)
        finally:
            signals.ignore()
            _clear(base)


def _clear(base: Path) -> None:
    orphans.stop(base, store_directories.directory(base))
    store_directories.remove(base)


@contextlib.contextmanager
def _base(directory: Path | None) -> Iterator[Path]:
    if directory:
        directory.mkdir(parents=True, exist_ok=True)
        yield directory.resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="shortlinks-") as fresh:
            Path(fresh).chmod(0o755)  # the stores may run as another user
            yield Path(fresh).resolve()


def _execute(command: Sequence[str], base: Path) -> int:
    secrets = keys.new()
    needed = stores.needed(base, secrets, ports.pick(*stores.PORTS))
    settings = {store.setting: store.url for store in needed}
    settings["METRICS_DIR"] = str(base / "metrics")  # not those of `make run`
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(running(each, base)) for each in needed]
        for store, process in zip(needed, processes, strict=True):
            wait(store, process)
        # Stop processes that the command left running, before the stores.
        stack.callback(orphans.stop_clients, base)
        return _call(command, environment.for_processes(base, secrets, settings))


@contextlib.contextmanager
def running(store: Store, base: Path) -> Iterator[subprocess.Popen[bytes]]:
    store.prepare()
    program = store.program
    log = base / f"{program.name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            program.command,
            cwd="/",
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C goes to the command only
            **store.home.credentials,
        )
    try:
        yield process
    finally:
        process.send_signal(program.stop_signal)
        try:
            process.wait(program.stop_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait(store: Store, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not store.make_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RunError(f"{store.title} does not start")
        time.sleep(POLL_SECONDS)


def _call(command: Sequence[str], settings: Mapping[str, str]) -> int:
    with subprocess.Popen(command, env=dict(settings)) as process:
        try:
            code = process.wait()
        except signals.Interrupted as interrupted:
            # On Ctrl-C, the terminal has sent the signal to the command as well.
            if interrupted.signum != signal.SIGINT or not sys.stdin.isatty():
                process.send_signal(interrupted.signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
            raise
    return code if code >= 0 else 128 - code
