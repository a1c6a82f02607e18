import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from shortlinks.observability import process_slots
from tests import services

pytestmark = pytest.mark.process

# Prints its identifier and that of a forked child, then waits to be killed.
PROGRAM = """
import os, sys
from pathlib import Path
from shortlinks.observability.process_slots import Slot
slot = Slot(Path(sys.argv[1]))
slot.role = "web"
print(slot.identifier(), flush=True)
if sys.argv[2] == "fork" and os.fork() == 0:
    print(slot.identifier(), flush=True)
    os._exit(0)
sys.stdin.read()
"""
Running = subprocess.Popen[str]


class Starter:
    def __init__(self, directory: Path, running: ExitStack) -> None:
        self._directory = directory
        self._running = running

    def __call__(self, kind: str = "one") -> Running:
        process = subprocess.Popen(
            (sys.executable, "-c", PROGRAM, str(self._directory), kind),
            cwd=services.ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._running.enter_context(process)
        self._running.callback(process.kill)
        return process


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    with ExitStack() as running:
        yield Starter(tmp_path, running)


def read_line(process: Running) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_running_processes_have_different_slots(start: Starter, tmp_path: Path) -> None:
    assert [read_line(start()), read_line(start())] == ["web-0", "web-1"]
    assert process_slots.live(tmp_path) == ["web-0", "web-1"]


def test_process_takes_the_slot_of_a_killed_one(start: Starter, tmp_path: Path) -> None:
    first = start()
    assert read_line(first) == "web-0"
    assert read_line(start()) == "web-1"
    first.kill()
    first.wait(10)

    with process_slots.dead(tmp_path) as dead:
        assert dead == ["web-0"]
    assert read_line(start()) == "web-0"


def test_files_of_a_slot_are_allocated_in_full(start: Starter, tmp_path: Path) -> None:
    assert read_line(start()) == "web-0"

    sizes = {path.name: path.stat() for path in tmp_path.glob("*.db")}
    assert {name: stat.st_size for name, stat in sizes.items()} == {
        f"{kind}_web-0.db": size for kind, size in process_slots.FILE_SIZES.items()
    }
    assert all(stat.st_blocks * 512 >= stat.st_size for stat in sizes.values())


def test_forked_child_takes_another_slot(start: Starter) -> None:
    process = start("fork")

    assert [read_line(process), read_line(process)] == ["web-0", "web-1"]
