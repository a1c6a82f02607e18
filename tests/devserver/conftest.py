"""`python -m devserver` as a process, as users start it."""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from deploy import keys
from devserver import orphans

CHECKOUT = Path(__file__).resolve().parent.parent.parent
# The tests themselves run in an `exec`, whose variables must not reach the process.
OURS = (
    *("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", orphans.MARK),
    *keys.SERVICE,
)


class Devserver:
    """A running `python -m devserver`; its output is in a file."""

    def __init__(self, output: Path, *arguments: str, **settings: str) -> None:
        kept = {k: v for k, v in os.environ.items() if k not in OURS}
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "devserver", *arguments),
                cwd=CHECKOUT,
                env={**kept, **settings},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def code(self) -> int:
        return self.process.wait(180)

    def wait_for(self, text: str) -> None:
        until(lambda: text in self.output or self.process.poll() is not None)
        assert text in self.output


Start = Callable[..., Devserver]


@pytest.fixture(autouse=True)
def _processes(starts_processes: None) -> None:
    """Mark all tests of this directory."""


@pytest.fixture
def place() -> Iterator[Path]:
    with public_directory() as path:
        yield path


@pytest.fixture
def start(place: Path) -> Iterator[Start]:
    with starter(place) as start:
        yield start


@contextlib.contextmanager
def public_directory() -> Iterator[Path]:
    """Create a directory that every user can enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory).resolve()
        path.chmod(0o755)
        yield path


@contextlib.contextmanager
def starter(place: Path) -> Iterator[Start]:
    """Return a function that starts one; at the end, stop all and what they started."""
    started: list[Devserver] = []

    def start(*arguments: str, **settings: str) -> Devserver:
        output = place / f"output-{len(started)}"
        started.append(Devserver(output, *arguments, **settings))
        return started[-1]

    yield start
    for each in started:
        each.process.terminate()
        each.code()
    for orphan in processes(place):
        orphan.kill()


def until(holds: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not true after {seconds} s"
        time.sleep(0.02)


def processes(directory: Path) -> list[psutil.Process]:
    """Return those with this directory in the command line or as mark."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline", "environ"])
        if _mentions(process, str(directory))
    ]


def names(directory: Path) -> set[str]:
    return {process.info["name"] for process in processes(directory)}


def _mentions(process: psutil.Process, directory: str) -> bool:
    mark = (process.info["environ"] or {}).get(orphans.MARK, "")
    return any(directory in text for text in (mark, *(process.info["cmdline"] or [])))
