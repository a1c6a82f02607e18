"""A load of prepared requests, sent by wrk."""

import random
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import msgspec

from devserver import apt
from systemtests import InvalidRun
from systemtests.benchmarks.comparisons import Sample
from systemtests.browsers import BROWSERS

SCRIPT = Path(__file__).with_name("wrk.lua")
HOST = "go.bench.example"
MAX_OPENS = 20_000  # prepared; each code occurs equally often
IPV4_NETWORK = int(IPv4Address("46.0.0.0"))
IPV6_NETWORK = int(IPv6Address("2a02:6b8::"))
# wrk has hung if it takes so much longer than the time of measuring.
CANCEL_GRACE_SECONDS = 30
# wrk's own timeout is 2 s. The service returns 503 long before.
ANSWER_SECONDS = 10


class Counts(msgspec.Struct, frozen=True):
    """The output of the script at the end of a run; percentiles in microseconds."""

    answered: int
    microseconds: int
    bad_statuses: int
    socket_errors: int
    p50: int
    p99: int

    def sample(self) -> Sample:
        """Return the answers a second."""
        details = {
            "answered": self.answered,
            "p50_ms": self.p50 / 1000,
            "p99_ms": self.p99 / 1000,
        }
        return Sample(self.answered / self.microseconds * 1e6, details)


@dataclass(frozen=True, slots=True)
class Load:
    wrk: str
    requests: Path

    def send(
        self,
        port: int,
        *,
        connections: int,
        seconds: int,
        start: int | None = None,
        pause_ms: int = 0,
    ) -> Counts:
        """Send the requests in a cycle; raise InvalidRun after any error.

        `start` is the index of the first one, and different in each run by default.
        `pause_ms` is the pause between two requests of a connection.
        """
        if start is None:
            start = time.monotonic_ns() // 1000
        command = (
            *(self.wrk, "--threads", "1", "--connections", str(connections)),
            *("--duration", f"{seconds}s", "--timeout", f"{ANSWER_SECONDS}s"),
            *("--script", str(SCRIPT), f"http://127.0.0.1:{port}/"),
            *("--", str(self.requests), str(start), str(pause_ms)),
        )
        output = _run(command, seconds=seconds + CANCEL_GRACE_SECONDS)
        counts = msgspec.json.decode(output.splitlines()[-1], type=Counts)
        if counts.bad_statuses or counts.socket_errors or not counts.answered:
            raise InvalidRun(f"some requests were not answered correctly: {counts}")
        return counts

    def send_all(self, port: int, *, count: int) -> None:
        """Send each of the first requests, so that the server caches their links."""
        sent = 0
        while sent < count:
            sent += self.send(port, connections=64, seconds=5, start=sent).answered


def prepare(requests: Iterable[bytes], directory: Path) -> Load:
    directory.mkdir(exist_ok=True)
    path = directory / "requests"
    path.write_bytes(b"".join(request + b"\0" for request in requests))
    return Load(_program(), path)


def prepare_opens(codes: Sequence[str], directory: Path) -> Load:
    """Prepare people's opens, in a random order that is the same each time."""
    return prepare(_opens(codes), directory)


def version() -> str:
    # wrk prints its version with an exit code of 1.
    done = subprocess.run((_program(), "-v"), capture_output=True, text=True, timeout=9)
    return done.stdout.split("Copyright")[0].strip()


def _opens(codes: Sequence[str]) -> Iterator[bytes]:
    chance = random.Random(1)  # noqa: S311  not a secret
    shuffled = list(codes) * max(1, MAX_OPENS // len(codes))
    chance.shuffle(shuffled)
    for code in shuffled:
        headers = {
            "Host": HOST,
            "X-Forwarded-For": _address(chance),
            **chance.choice(BROWSERS),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        yield f"GET /{code} HTTP/1.1\r\n{lines}\r\n".encode("ascii")


def _address(chance: random.Random) -> str:
    """Return an IPv6 address in one of four cases."""
    if chance.randrange(4) == 0:
        return str(IPv6Address(IPV6_NETWORK + chance.getrandbits(90)))
    return str(IPv4Address(IPV4_NETWORK + chance.getrandbits(24)))


def _program() -> str:
    found = apt.program("wrk", package="wrk")
    if found is None:
        raise InvalidRun(
            "wrk is not installed: `apt-get install wrk` on Debian or Ubuntu,"
            " `brew install wrk` on macOS, or https://github.com/wg/wrk"
        )
    return found


def _run(command: Sequence[str], *, seconds: float) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise InvalidRun(f"wrk did not end within {seconds:.0f} s") from None
    if done.returncode:
        raise InvalidRun(f"wrk failed: {done.stdout}{done.stderr}")
    return done.stdout
