"""Load by wrk, which takes little of the processors it shares with what it measures."""

import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.comparisons import Sample, Void
from devserver import apt

SCRIPT = Path(__file__).with_name("requests.lua")
# On top of the time measured; a wrk that takes longer has hung.
CANCEL_GRACE_SECONDS = 30
# wrk's own is 2 s; the service answers 503 long before, which counts as bad.
ANSWER_SECONDS = 10


class Counted(msgspec.Struct, frozen=True):
    """What the script says at the end of a run; percentiles in microseconds."""

    answered: int
    microseconds: int
    bad_statuses: int
    socket_errors: int
    p50: int
    p99: int

    def sample(self) -> Sample:
        """Answers per second."""
        details = {
            "answered": self.answered,
            "p50_ms": self.p50 / 1000,
            "p99_ms": self.p99 / 1000,
        }
        return Sample(self.answered / self.microseconds * 1e6, details)


@dataclass(frozen=True, slots=True)
class Load:
    """The requests that every server gets."""

    wrk: str
    requests: Path

    def put(
        self,
        port: int,
        *,
        connections: int,
        seconds: int,
        start: int | None = None,
        pause_ms: int = 0,
    ) -> Counted:
        """Counted when none of it was answered with an error; Void otherwise.

        `start` is the request to begin with; without it, some. `pause_ms` is between
        two requests of a connection.
        """
        if start is None:  # two runs do not ask for the same first
            start = time.monotonic_ns() // 1000
        command = (
            *(self.wrk, "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", f"{ANSWER_SECONDS}s"),
            *("--script", str(SCRIPT), f"http://127.0.0.1:{port}/"),
            *("--", str(self.requests), str(start), str(pause_ms)),
        )
        output = _output(command, within=seconds + CANCEL_GRACE_SECONDS)
        counted = msgspec.json.decode(output.splitlines()[-1], type=Counted)
        if counted.bad_statuses or counted.socket_errors or not counted.answered:
            raise Void(f"not every request was answered as it should be: {counted}")
        return counted

    def put_all(self, port: int, *, count: int) -> None:
        """So many requests from the first on, so that their links are known."""
        asked = 0
        while asked < count:
            asked += self.put(port, connections=64, seconds=5, start=asked).answered


def prepare(requests: Iterable[bytes], directory: Path) -> Load:
    path = directory / "requests"
    path.write_bytes(b"".join(request + b"\0" for request in requests))
    return Load(_wrk(), path)


def version() -> str:
    # It tells its version with the exit code of an error.
    done = subprocess.run((_wrk(), "-v"), capture_output=True, text=True, timeout=10)
    return done.stdout.split("Copyright")[0].strip()


def _wrk() -> str:
    found = apt.program("wrk", package="wrk")
    if found is None:
        raise Void(
            "wrk is needed and not on PATH: `apt-get install wrk` on Debian or Ubuntu,"
            " `brew install wrk` on macOS, or https://github.com/wg/wrk"
        )
    return found


def _output(command: Sequence[str], *, within: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=within)
    except subprocess.TimeoutExpired:
        raise Void(f"wrk did not end within {within:.0f} s") from None
    if done.returncode:
        raise Void(f"wrk failed: {done.stdout}{done.stderr}")
    return done.stdout
