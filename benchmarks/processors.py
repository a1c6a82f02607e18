"""Processor time of what is measured: the same however busy its neighbours are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import psutil
from django.db import connection

from benchmarks.comparisons import Sample

DETAIL = "processor_us"


@dataclass(frozen=True, slots=True)
class Meter:
    """Some processes, with all that they started."""

    roots: Sequence[psutil.Process]

    def measured(
        self, measure: Callable[[], Sample], *, units: Callable[[Sample], float]
    ) -> Sample:
        """The sample, and what each unit of its work cost, in microseconds."""
        before = self._spent()
        sample = measure()
        each = (self._spent() - before) / units(sample) * 1e6
        return replace(sample, details={**sample.details, DETAIL: each})

    def _spent(self) -> float:
        return sum(_of_tree(root) for root in self.roots)


def of(*pids: int) -> Meter:
    return Meter([psutil.Process(pid) for pid in pids])


def postgres() -> int:
    """The server, whose children serve the connections; it is on this machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        row = cursor.fetchone()
    return psutil.Process(row[0]).ppid() if row else 0


def _of_tree(root: psutil.Process) -> float:
    """Those that have ended are in what their parent remembers of its children."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user
        total += times.children_system
    return total
