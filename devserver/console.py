"""What the user sees: one line at a time, each with the name of who says it."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from zlib import crc32

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
FOLLOW_SECONDS = 0.1


def say(name: str, text: str) -> None:
    prefix = f"[{name}]"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        colour = COLOURS[crc32(name.encode()) % len(COLOURS)]
        prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
    show(f"{prefix} {text}")


def show(text: str) -> None:
    # A terminal that was closed, or `| head`, must not keep a shutdown from its end.
    with contextlib.suppress(OSError):
        print(text, flush=True)


class Log:
    """A log file as it grows from here on; whoever writes it may rotate it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch(mode=0o600)
        self._file = path.open("rb")
        self._file.seek(0, os.SEEK_END)
        self._unfinished = b""

    def new_lines(self) -> list[str]:
        data = self._unfinished + self._file.read()
        if self._is_rotated():
            self._file.close()
            self._file = self._path.open("rb")
            data += self._file.read()
        *lines, self._unfinished = data.split(b"\n")
        return [line.decode(errors="replace") for line in lines]

    def _is_rotated(self) -> bool:
        with contextlib.suppress(FileNotFoundError):  # between renaming and reopening
            return not os.path.samestat(
                os.fstat(self._file.fileno()), self._path.stat()
            )
        return False


@contextlib.contextmanager
def following(paths: Mapping[str, Path]) -> Iterator[None]:
    """Says what these logs say, each by its name, to their last word."""
    logs = {name: Log(path) for name, path in paths.items()}
    over = threading.Event()

    def follow() -> None:
        last = False
        while not last:
            last = over.wait(FOLLOW_SECONDS)
            for name, log in logs.items():
                for line in log.new_lines():
                    say(name, line)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
