"""The command line, and the rounds of each benchmark."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from django.utils import timezone

from devserver import signals
from systemtests import InvalidRun, machine, report
from systemtests.benchmarks import (
    batches,
    commits,
    dataset,
    memory,
    processing,
    redirects,
    redirects_while_processing,
    regressions,
    results,
    singles,
    wrk,
)
from systemtests.benchmarks.comparisons import (
    Benchmark,
    Comparison,
    Outcome,
    Plan,
    Result,
    Round,
    number,
)

BENCHMARKS: dict[str, Callable[[Plan, Path], AbstractContextManager[Benchmark]]] = {
    "redirects": redirects.prepare,
    "redirects_while_processing": redirects_while_processing.prepare,
    "commits": commits.prepare,
    "batches": batches.prepare,
    "singles": singles.prepare,
    "processing": processing.prepare,
    "memory": memory.prepare,
}
# `make check` repeats these, in a minute.
CHECKED = ("redirects", "batches", "singles", "processing")
WARM_UP_SECONDS = 2
CHECKED_PLAN = Plan(rounds=2, seconds=1, workers=2, is_short=True)


def main() -> int:
    """Return 0 after measuring, even if a target is missed.

    Return 1 after an invalid run or a regression, or 128 plus the number of a signal.
    """
    arguments = _parser().parse_args()
    signals.raise_on_stop_signals()
    try:
        dataset.migrate()
        if arguments.check:
            return _check()
        if arguments.record:
            regressions.record([_measure(name, CHECKED_PLAN) for name in CHECKED])
        else:
            _run(arguments.only or list(BENCHMARKS), _plan(arguments))
    except InvalidRun as error:
        print(f"\nINVALID RUN: {error}", file=sys.stderr)
        return 1
    except signals.Interrupted as interrupted:
        return 128 + interrupted.signum
    return 0


def _check() -> int:
    """Measure again before reporting a regression: the machine may be busy."""
    slower = [name for name in CHECKED if _regressions(name)]
    remarks = [line for name in slower for line in _regressions(name)]
    for line in remarks:
        print(f"SLOWER, twice: {line}", file=sys.stderr)
    return 1 if remarks else 0


def _regressions(name: str) -> list[str]:
    outcome = _measure(name, CHECKED_PLAN)
    return regressions.find([outcome], regressions.recorded())


def _run(names: Sequence[str], plan: Plan) -> None:
    at = timezone.now()
    described = machine.describe() | machine.describe_stores() | {"wrk": wrk.version()}
    outcomes = [_measure(name, plan) for name in names]
    results.show(outcomes, described, plan)
    content = {"plan": plan, "machine": described}
    content["benchmarks"] = [results.as_json(outcome) for outcome in outcomes]
    print(f"written to {report.write('bench', content, at=at)}")


def _measure(name: str, plan: Plan) -> Outcome:
    with (
        tempfile.TemporaryDirectory(prefix="shortlinks-bench-") as directory,
        BENCHMARKS[name](plan, Path(directory)) as benchmark,
    ):
        print(f"{name}: warming up", flush=True)
        for comparison in benchmark.comparisons:
            if comparison.is_repeated:
                _measure_round(comparison, min(plan.seconds, WARM_UP_SECONDS))
        rounds = _rounds(benchmark.comparisons, plan)
        measured = [Result(c, rounds[c.name]) for c in benchmark.comparisons]
        return Outcome(name, measured, benchmark.verify())


def _measure_round(comparison: Comparison, seconds: int) -> Round:
    return Round(baseline=comparison.baseline(seconds), ours=comparison.ours(seconds))


def _rounds(comparisons: Sequence[Comparison], plan: Plan) -> dict[str, list[Round]]:
    rounds: dict[str, list[Round]] = {each.name: [] for each in comparisons}
    for index in range(1, plan.rounds + 1):
        for comparison in comparisons:
            if index > 1 and not comparison.is_repeated:
                continue
            done = _measure_round(comparison, plan.seconds)
            rounds[comparison.name].append(done)
            print(
                f"  round {index}/{plan.rounds}, {comparison.name}:"
                f" {comparison.baseline_name} {number(done.baseline.value)},"
                f" ours {number(done.ours.value)} {comparison.unit},"
                f" ratio {done.ratio:.3f}",
                flush=True,
            )
    return rounds


def _plan(arguments: argparse.Namespace) -> Plan:
    short = arguments.short
    return Plan(
        rounds=arguments.rounds or (2 if short else 5),
        seconds=arguments.seconds or (2 if short else 4),
        workers=arguments.workers,
        is_short=short,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m systemtests.benchmarks")
    parser.add_argument(
        "--only", action="append", choices=BENCHMARKS, help="one of them; repeatable"
    )
    parser.add_argument("--check", action="store_true", help="compare with the record")
    parser.add_argument("--record", action="store_true", help="write recorded.json")
    parser.add_argument("--short", action="store_true", help="2 rounds of 2 s")
    parser.add_argument("--rounds", type=_positive, help="5 by default")
    parser.add_argument("--seconds", type=_positive, help="for each sample; 4")
    parser.add_argument(
        "--workers",
        type=_positive,
        default=os.cpu_count(),
        help="of each server; as many as cores by default",
    )
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value
