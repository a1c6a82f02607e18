"""Whether what was once measured still holds: a short run against recorded ratios.

It is processor time that is compared, ours to the yardstick's: on a machine that has
other things to do, requests a second fall to a third, and not for both alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks import processors
from benchmarks.comparisons import Outcome, Result

PATH = Path(__file__).with_name("recorded.json")
# Of what a second of processor did when it was recorded, so much may be lost.
MOST_LOST = 0.4


def recorded() -> dict[str, float]:
    return msgspec.json.decode(PATH.read_bytes(), type=dict[str, float])


def record(outcomes: Sequence[Outcome]) -> None:
    """These are the measure from now on; those of other benchmarks stay."""
    known = recorded() if PATH.exists() else {}
    known |= {result.comparison.name: _least(result) for result in _metered(outcomes)}
    text = msgspec.json.format(msgspec.json.encode(dict(sorted(known.items()))))
    PATH.write_bytes(text + b"\n")


def worse(outcomes: Sequence[Outcome], known: Mapping[str, float]) -> list[str]:
    """What costs so much more than was recorded, in words."""
    lines = []
    for result in _metered(outcomes):
        name = result.comparison.name
        if name in known and _least(result) > known[name] / (1 - MOST_LOST):
            lines.append(
                f"{name}: {_least(result)} times the yardstick's processor time,"
                f" {known[name]} were recorded"
            )
    return lines


def _least(result: Result) -> float:
    """Of the rounds: neighbours add to a cost, and never take from it."""
    return round(min(turn.ratio_of(processors.DETAIL) for turn in result.turns), 2)


def _metered(outcomes: Sequence[Outcome]) -> Iterable[Result]:
    for outcome in outcomes:
        for result in outcome.results:
            if processors.DETAIL in result.turns[0].ours.details:
                yield result
