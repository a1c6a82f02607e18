"""The package as its users meet it: `python -m devserver` in a process of its own."""

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
# These tests may themselves run in the stores and with the settings of an `exec`.
OURS = (
    *("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", orphans.MARK),
    *keys.SERVICE,
)


class Embedded:
    """`python -m devserver ...`, its output in a file that can be read meanwhile."""

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
        return self.process.wait(60)

    def says(self, text: str) -> None:
        until(lambda: text in self.output or self.process.poll() is not None)
        assert text in self.output


Start = Callable[..., Embedded]


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
    """One that every user reaches, as pytest's own is not."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory).resolve()
        path.chmod(0o755)
        yield path


@contextlib.contextmanager
def starter(place: Path) -> Iterator[Start]:
    """Starts some, and sees to it that none of what they start outlives the test."""
    started: list[Embedded] = []

    def start(*arguments: str, **settings: str) -> Embedded:
        output = place / f"output-{len(started)}"
        started.append(Embedded(output, *arguments, **settings))
        return started[-1]

    yield start
    for each in started:
        each.process.terminate()
        each.code()
    for orphan in processes(place):
        orphan.kill()


def until(holds: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def processes(directory: Path) -> list[psutil.Process]:
    """Who has this directory in its command line, or as its mark."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline", "environ"])
        if _names(process, str(directory))
    ]


def names(directory: Path) -> set[str]:
    return {process.info["name"] for process in processes(directory)}


def _names(process: psutil.Process, directory: str) -> bool:
    mark = (process.info["environ"] or {}).get(orphans.MARK, "")
    return any(directory in text for text in (mark, *(process.info["cmdline"] or [])))
