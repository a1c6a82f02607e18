"""The command line: what is measured, how often, and the end of a void run."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from django.utils import timezone

from benchmarks import (
    commits,
    creation,
    follow_up,
    followed,
    growth,
    machine,
    memory,
    redirects,
    regressions,
    report,
    runner,
    seed,
)
from benchmarks.comparisons import Benchmark, Outcome, Plan, Void
from devserver import signals

BENCHMARKS: dict[str, Callable[[Plan, Path], AbstractContextManager[Benchmark]]] = {
    "redirects": redirects.opened,
    "followed": followed.opened,
    "commits": commits.opened,
    "batches": creation.batches,
    "singles": creation.singles,
    "follow-up": follow_up.opened,
    "memory": memory.opened,
    "growth": growth.opened,
}


# What `make check` repeats: a sample that takes less than a minute.
CHECKED = ("redirects", "batches", "singles", "follow-up")
CHECKED_PLAN = Plan(rounds=2, seconds=1, workers=2, is_short=True, links=0)


def main() -> int:
    """0 measured, whatever the ratios; 1 void, or worse than recorded with --check;
    128 and the signal's number.
    """
    arguments = _parser().parse_args()
    signals.expect()
    try:
        if arguments.check:
            return _check()
        if arguments.record:
            return _record()
        _measure(arguments.only or list(BENCHMARKS), _plan(arguments))
    except Void as void:
        print(f"\nVOID, nothing was measured: {void}", file=sys.stderr)
        return 1
    except signals.Interrupted as interrupted:
        return 128 + interrupted.signum
    return 0


def _check() -> int:
    """Measured twice before anything is said to be worse: others may be at work."""
    known = regressions.recorded()
    seed.migrate()
    worse = {name: _worse(name, known) for name in CHECKED}
    again = {name: _worse(name, known) for name, lost in worse.items() if lost}
    for line in (line for lost in again.values() for line in lost):
        print(f"SLOWER, twice: {line}", file=sys.stderr)
    return 1 if any(again.values()) else 0


def _record() -> int:
    seed.migrate()
    regressions.record([_outcome(name, CHECKED_PLAN) for name in CHECKED])
    return 0


def _worse(name: str, known: Mapping[str, float]) -> list[str]:
    return regressions.worse([_outcome(name, CHECKED_PLAN)], known)


def _measure(names: Sequence[str], plan: Plan) -> None:
    at = timezone.now()
    seed.migrate()
    described = machine.describe()
    outcomes = [_outcome(name, plan) for name in names]
    report.show(outcomes, described, plan)
    print(f"written to {report.write(outcomes, described, plan, at=at)}")


def _outcome(name: str, plan: Plan) -> Outcome:
    with (
        tempfile.TemporaryDirectory(prefix="shortlinks-bench-") as directory,
        BENCHMARKS[name](plan, Path(directory)) as benchmark,
    ):
        return runner.run(name, benchmark, plan)


def _plan(arguments: argparse.Namespace) -> Plan:
    short = arguments.short
    return Plan(
        rounds=arguments.rounds or (2 if short else 5),
        seconds=arguments.seconds or (2 if short else 4),
        workers=arguments.workers,
        is_short=short,
        links=arguments.links or (100_000 if short else 10_000_000),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", action="append", choices=BENCHMARKS, metavar="NAME")
    parser.add_argument("--check", action="store_true", help="against what is recorded")
    parser.add_argument("--record", action="store_true", help="for later checks")
    parser.add_argument("--short", action="store_true", help="2 rounds of 2 s")
    parser.add_argument("--links", type=_positive, help="of `growth`; 10,000,000")
    parser.add_argument("--rounds", type=_positive, help="5 unless told")
    parser.add_argument("--seconds", type=_positive, help="of a measurement; 4")
    parser.add_argument(
        "--workers",
        type=_positive,
        default=os.cpu_count(),
        help="of each server; as many as there are cores",
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number
