"""The command line: which faults, how much load, and 1 if a promise was broken."""

import argparse
import os
import platform
import time
from collections.abc import Sequence

from django.utils import timezone

from benchmarks import machine
from devserver import signals
from faults import report, seed, service, trial
from faults.catalogue import FAULTS
from faults.service import ROLES, Service
from faults.trial import FULL, SHORT, Plan
from faults.waiting import Broken


def main() -> int:
    """0 all held; 1 a promise was broken; 128 and the signal's number."""
    arguments = _parser().parse_args()
    signals.expect()
    plan = SHORT if arguments.short else FULL
    running = service.opened()
    try:
        return _try_all(arguments.only or list(FAULTS), running, plan)
    except signals.Interrupted as interrupted:
        return 128 + interrupted.signum
    finally:
        signals.ignore()
        running.end()
        report.keep_logs(running.base)


def _try_all(names: Sequence[str], running: Service, plan: Plan) -> int:
    at, began = timezone.now(), time.monotonic()
    running.start_stores()
    seed.migrate()
    running.start(*ROLES)
    print(report.head(), flush=True)
    outcomes, failures = [], []
    for name in names:
        try:
            outcome = trial.run(FAULTS[name], running, plan)
        except Broken as broken:
            failures.append(f"{name}: {broken}")
            print(f"{failures[-1]} (NOT TRIED TO ITS END)", flush=True)
            running.heal()
            continue
        outcomes.append(outcome)
        print(report.row(outcome), flush=True)
    path = report.write(outcomes, failures, plan, _machine(), at=at)
    held = sum(not outcome.broken for outcome in outcomes)
    minutes = (time.monotonic() - began) / 60
    print(f"{held} of {len(names)} held, {minutes:.1f} minutes; written to {path}")
    return 0 if held == len(names) else 1


def _machine() -> dict[str, str | int | float]:
    return {
        "cores": os.cpu_count() or 0,
        "processor": machine.processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "commit": machine.commit(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m faults")
    parser.add_argument("--only", action="append", choices=FAULTS, metavar="NAME")
    parser.add_argument("--short", action="store_true", help="1,600 opens a fault")
    return parser
