"""Shift the wall clock of processes with a small library, compiled from C."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from devserver import apt
from devserver.errors import RunError

SOURCE = Path(__file__).with_name("wall_clock.c")
COMPILER = "cc"
PACKAGE = "gcc"
COMPILE_SECONDS = 60
# Passed on to the stores, which get no other variable of the user.
VARIABLES = ("LD_PRELOAD", "WALL_CLOCK_OFFSET")


class CompilerMissing(RunError):
    pass


def prepare(directory: Path) -> dict[str, str]:
    """Return an environment in which `set_offset` shifts the clock of processes."""
    library = _compile(directory / "wall_clock.so")
    _offset_path(directory).write_bytes(bytes(8))
    values = (str(library), str(_offset_path(directory)))
    return dict(zip(VARIABLES, values, strict=True))


def set_offset(directory: Path, seconds: int) -> None:
    """Write in place, because the processes have mapped the file."""
    with _offset_path(directory).open("r+b") as offset:
        offset.write(seconds.to_bytes(8, "little", signed=True))


@contextlib.contextmanager
def shifted(days: int) -> Iterator[None]:
    """Shift the clock of processes that are started meanwhile by this many days."""
    if not days:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="shortlinks-clock-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # the stores may run as another user
        os.environ |= prepare(directory)
        set_offset(directory, days * 24 * 3600)
        yield


def _offset_path(directory: Path) -> Path:
    return directory / "clock"


def _compile(library: Path) -> Path:
    compiler = apt.program(COMPILER, package=PACKAGE)
    if compiler is None:
        raise CompilerMissing(f"install it with: sudo apt-get install {PACKAGE}")
    command = (compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE))
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=COMPILE_SECONDS
    )
    if done.returncode:
        raise RunError(f"the clock was not compiled: {done.stderr}")
    return library
