import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from devserver.errors import RunError


@contextlib.contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Allow one run in a directory. The kernel releases the lock of a dead process."""
    with (directory / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read() or "unknown"
            raise RunError(
                f"already running in {directory} (process {holder})"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
