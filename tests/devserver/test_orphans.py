import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devserver import orphans

Sleeper = subprocess.Popen[bytes]


@pytest.fixture
def sleepers(place: Path) -> Iterator[dict[str, Sleeper]]:
    """Start two processes, marked with directories below `place`."""
    with ExitStack() as running:
        processes = {}
        for name in ("ours", "foreign"):
            mark = {orphans.MARK: str(place / name)}
            process = subprocess.Popen(
                ("/bin/sleep", "1000"), env={**os.environ, **mark}
            )
            running.enter_context(process)
            running.callback(process.kill)
            processes[name] = process
        yield processes


def test_orphans_are_stopped_by_their_mark_only(
    place: Path, sleepers: dict[str, Sleeper]
) -> None:
    orphans.stop(place / "ours")

    assert sleepers["ours"].poll() is not None
    assert sleepers["foreign"].poll() is None


def test_orphans_are_not_found_by_a_pid_file(
    place: Path, sleepers: dict[str, Sleeper]
) -> None:
    """A stale process id may belong to another process by now."""
    data = place / "ours" / "stores" / "postgres"
    data.mkdir(parents=True)
    (data / "postmaster.pid").write_text(f"{sleepers['foreign'].pid}\n{data}\n")

    orphans.stop(place / "ours")

    assert sleepers["foreign"].poll() is None
