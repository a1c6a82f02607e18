"""Results as a table, and as JSON."""

from collections.abc import Sequence

from systemtests import report
from systemtests.benchmarks.comparisons import (
    Outcome,
    Plan,
    Result,
    Spread,
    number,
)
from systemtests.machine import Machine

COLUMNS = ("", "ours", "baseline", "ratio in a round", "target")


def show(outcomes: Sequence[Outcome], machine: Machine, plan: Plan) -> None:
    print("\nMedian (min..max)")
    rows = [_row(result) for outcome in outcomes for result in outcome.results]
    table = [COLUMNS, *rows]
    widths = [max(map(len, column)) + 1 for column in zip(*table, strict=True)]
    for cells in table:
        print(f"  {report.line(cells, widths)}")
    for outcome in outcomes:
        evidence = (f"{name} {count:,g}" for name, count in outcome.evidence.items())
        print(f"{outcome.name}: {', '.join(evidence)}")
    print(f"{plan.rounds} rounds of {plan.seconds} s, {plan.workers} workers a server")
    print(", ".join(f"{key} {value}" for key, value in machine.items()))


def as_json(outcome: Outcome) -> dict[str, object]:
    """Return the evidence and each round, from which medians can be computed."""
    return {
        "name": outcome.name,
        "evidence": outcome.evidence,
        "results": [
            {
                "name": result.comparison.name,
                "unit": result.comparison.unit,
                "baseline_name": result.comparison.baseline_name,
                "target": str(result.comparison.target),
                "is_met": result.is_met,
                "rounds": result.rounds,
            }
            for result in outcome.results
        ],
    }


def _row(result: Result) -> tuple[str, ...]:
    comparison = result.comparison
    return (
        comparison.name,
        f"{_spread(result.ours)} {comparison.unit}",
        f"{_spread(result.baseline)} {comparison.baseline_name}",
        _spread(result.ratio),
        f"{comparison.target} {'met' if result.is_met else 'MISSED'}",
    )


def _spread(spread: Spread) -> str:
    bounds = f"{number(spread.minimum)}..{number(spread.maximum)}"
    return f"{number(spread.median)} ({bounds})"
