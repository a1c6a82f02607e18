"""The table for people, and the same as JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from benchmarks.comparisons import Outcome, Plan, Result, Sample, Spread, number
from benchmarks.servers import CHECKOUT

FOLDER = CHECKOUT / "var" / "bench"
COLUMNS = ("", "ours", "yardstick", "ratio in a round", "target")

Machine = Mapping[str, str | int | float]


def show(outcomes: Sequence[Outcome], machine: Machine, plan: Plan) -> None:
    print("\nMedian (least..most)")
    rows = [_row(result) for outcome in outcomes for result in outcome.results]
    for line in _aligned([COLUMNS, *rows]):
        print(f"  {line}")
    for outcome in outcomes:
        evidence = (f"{name} {count:,g}" for name, count in outcome.evidence.items())
        print(f"{outcome.name}: {', '.join(evidence)}")
    print(
        f"{plan.rounds} rounds of {plan.seconds} s, {plan.workers} workers a server;"
        f" commit {machine['commit']}"
    )
    print(", ".join(f"{k} {v}" for k, v in machine.items() if k != "commit"))


def write(
    outcomes: Sequence[Outcome], machine: Machine, plan: Plan, *, at: datetime
) -> Path:
    """The file's path."""
    content = {
        "at": at.isoformat(timespec="seconds"),
        "plan": asdict(plan),
        "machine": dict(machine),
        "benchmarks": [
            {
                "name": outcome.name,
                "evidence": dict(outcome.evidence),
                "results": [_result(result) for result in outcome.results],
            }
            for outcome in outcomes
        ],
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def _row(result: Result) -> tuple[str, ...]:
    comparison = result.comparison
    verdict = "met" if result.is_met else "MISSED"
    return (
        comparison.name,
        f"{_spread(result.ours)} {comparison.unit}",
        f"{_spread(result.yardstick)} {comparison.yardstick_name}",
        _spread(result.ratio),
        f"{comparison.target} {verdict}",
    )


def _spread(spread: Spread) -> str:
    return f"{number(spread.median)} ({number(spread.least)}..{number(spread.most)})"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def _result(result: Result) -> dict[str, object]:
    comparison = result.comparison
    return {
        "name": comparison.name,
        "unit": comparison.unit,
        "yardstick_name": comparison.yardstick_name,
        "target": str(comparison.target),
        "is_met": result.is_met,
        "ours": asdict(result.ours),
        "yardstick": asdict(result.yardstick),
        "ratio": asdict(result.ratio),
        "turns": [
            {
                "ours": _sample(turn.ours),
                "yardstick": _sample(turn.yardstick),
                "ratio": turn.ratio,
            }
            for turn in result.turns
        ],
    }


def _sample(sample: Sample) -> dict[str, float]:
    return {"value": sample.value, **sample.details}
