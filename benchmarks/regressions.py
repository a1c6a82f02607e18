"""Whether what was once measured still holds: a short run against recorded ratios."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.comparisons import Outcome, Result

PATH = Path(__file__).with_name("recorded.json")
# The machine that checks is another one, and has other things to do.
MOST_LOST = 0.4


def recorded() -> dict[str, float]:
    return msgspec.json.decode(PATH.read_bytes(), type=dict[str, float])


def record(outcomes: Sequence[Outcome]) -> None:
    """These medians are the measure from now on; others stay."""
    known = recorded() if PATH.exists() else {}
    known |= {r.comparison.name: round(r.ratio.median, 3) for r in _results(outcomes)}
    text = msgspec.json.format(msgspec.json.encode(dict(sorted(known.items()))))
    PATH.write_bytes(text + b"\n")


def worse(outcomes: Sequence[Outcome], known: Mapping[str, float]) -> list[str]:
    """What fell too far below its record, in words."""
    return [
        f"{result.comparison.name}: a ratio of {result.ratio.median:.3f},"
        f" recorded is {known[result.comparison.name]:.3f}"
        for result in _results(outcomes)
        if result.comparison.name in known and _has_fallen(result, known)
    ]


def _has_fallen(result: Result, known: Mapping[str, float]) -> bool:
    """By the best round: a neighbour on the machine takes rounds, and makes none."""
    comparison = result.comparison
    was = known[comparison.name]
    if comparison.target.sense == "at least":
        return result.ratio.most < was * (1 - MOST_LOST)
    return result.ratio.least > was / (1 - MOST_LOST)


def _results(outcomes: Sequence[Outcome]) -> Iterable[Result]:
    return (result for outcome in outcomes for result in outcome.results)
