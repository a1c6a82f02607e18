"""CPU time of the processes that are measured."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import psutil
from django.db import connection

from systemtests.benchmarks.comparisons import Sample

DETAIL = "processor_us"


@dataclass(frozen=True, slots=True)
class Meter:
    """Some processes, with all their children."""

    roots: Sequence[psutil.Process]

    def measure(self, take_sample: Callable[[], Sample], *, count: str) -> Sample:
        """Add the microseconds for each unit of work, counted by that detail."""
        before = self._spent()
        sample = take_sample()
        each = (self._spent() - before) / sample.details[count] * 1e6
        return replace(sample, details={**sample.details, DETAIL: each})

    def _spent(self) -> float:
        return sum(_of_tree(root) for root in self.roots)


def of(*roots: psutil.Process) -> Meter:
    return Meter(roots)


def postgres() -> psutil.Process:
    """Return the server, whose children serve the connections."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    server = psutil.Process(pid).parent()
    assert server  # noqa: S101  for mypy
    return server


def _of_tree(root: psutil.Process) -> float:
    """Sum up CPU seconds; those of ended children are included in their parents."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user
        total += times.children_system
    return total
