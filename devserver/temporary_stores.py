"""`exec`: stores that live as long as one command, for tests and benchmarks."""

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

READY_SECONDS = 60
POLL_SECONDS = 0.02
# A command that was told to stop and has not is killed then.
CANCEL_GRACE_SECONDS = 10


def execute(command: Sequence[str], directory: Path | None) -> int:
    """The command's exit code; 128 and the signal's number if one ended it or us."""
    signals.expect()
    with _base(directory) as base, locks.alone(base):
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
            Path(fresh).chmod(0o755)  # the stores' user may be another
            yield Path(fresh).resolve()


def _execute(command: Sequence[str], base: Path) -> int:
    secrets = keys.new()
    needed = stores.needed(base, secrets, ports.pick(*stores.PORTS))
    settings = {store.setting: store.url for store in needed}
    settings["METRICS_DIR"] = str(base / "metrics")  # apart from a run's in `var/`
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(running(each, base)) for each in needed]
        for store, process in zip(needed, processes, strict=True):
            wait(store, process)
        # Whatever the command leaves running ends before the stores do.
        stack.callback(orphans.stop_users, base)
        return _call(command, environment.compose(base, secrets, settings))


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
            start_new_session=True,  # a Ctrl-C is for the command
            **store.home.credentials,
        )
    try:
        yield process
    finally:
        process.send_signal(program.stop_signal)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(program.stop_seconds)


def wait(store: Store, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not store.serves():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RunError(f"{store.title} does not start")
        time.sleep(POLL_SECONDS)


def _call(command: Sequence[str], settings: Mapping[str, str]) -> int:
    with subprocess.Popen(command, env=dict(settings)) as process:
        try:
            code = process.wait()
        except signals.Interrupted as interrupted:
            # The terminal has told the command of a Ctrl-C as well.
            if interrupted.signum != signal.SIGINT or not sys.stdin.isatty():
                process.send_signal(interrupted.signum)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(CANCEL_GRACE_SECONDS)
            process.kill()
            raise
    return code if code >= 0 else 128 - code
