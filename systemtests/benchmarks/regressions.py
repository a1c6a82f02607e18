"""Comparison of a short run with recorded ratios of CPU time.

On a busy machine, requests/s fall to a third, and not equally for ours and the
baseline. CPU time changes less.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from systemtests.benchmarks import cpu_time
from systemtests.benchmarks.comparisons import Outcome, Result

PATH = Path(__file__).with_name("recorded.json")
# The share of the recorded work for each second of CPU time that may be lost.
MAX_LOSS = 0.4


def recorded() -> dict[str, float]:
    return msgspec.json.decode(PATH.read_bytes(), type=dict[str, float])


def record(outcomes: Sequence[Outcome]) -> None:
    """Write these ratios, and keep those of other benchmarks."""
    known = recorded() if PATH.exists() else {}
    known |= {result.comparison.name: _ratio(result) for result in _metered(outcomes)}
    text = msgspec.json.format(msgspec.json.encode(dict(sorted(known.items()))))
    PATH.write_bytes(text + b"\n")


def find(outcomes: Sequence[Outcome], known: Mapping[str, float]) -> list[str]:
    """Return a sentence for each result that costs too much more than recorded."""
    lines = []
    for result in _metered(outcomes):
        name = result.comparison.name
        if name in known and _ratio(result) > known[name] / (1 - MAX_LOSS):
            lines.append(
                f"{name}: {_ratio(result)} times the CPU time of the baseline,"
                f" recorded were {known[name]}"
            )
    return lines


def _ratio(result: Result) -> float:
    """Return the best round's ratio, because other programs only add to a cost."""
    return round(min(each.ratio_of(cpu_time.DETAIL) for each in result.rounds), 2)


def _metered(outcomes: Sequence[Outcome]) -> Iterable[Result]:
    for outcome in outcomes:
        for result in outcome.results:
            if cpu_time.DETAIL in result.rounds[0].ours.details:
                yield result
