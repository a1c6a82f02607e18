"""The command line: what is measured, how often, and the end of a void run."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
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
    report,
    runner,
    seed,
)
from benchmarks.comparisons import Benchmark, Outcome, Plan, Void
from embedded import interruptions

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


def main() -> int:
    """0 measured, whatever the ratios; 1 void; 128 and the signal's number."""
    arguments = _parser().parse_args()
    interruptions.expect()
    try:
        _measure(arguments.only or list(BENCHMARKS), _plan(arguments))
    except Void as void:
        print(f"\nVOID, nothing was measured: {void}", file=sys.stderr)
        return 1
    except interruptions.Interrupted as interrupted:
        return 128 + interrupted.signum
    return 0


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
