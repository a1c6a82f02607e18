"""Run the chosen faults in the environment that `__main__` prepared."""

import argparse
import os
import sys
import time
from collections.abc import Sequence

import django
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from config.celery import app  # noqa: E402  needs the setup
from devserver import signals  # noqa: E402
from systemtests import InvalidRun, machine, report, seed  # noqa: E402
from systemtests.chaos import experiment, results, service  # noqa: E402
from systemtests.chaos.experiment import FULL, SHORT, Plan  # noqa: E402
from systemtests.chaos.scenarios import FAULTS  # noqa: E402
from systemtests.chaos.service import ROLES, Service  # noqa: E402

app.set_default()  # the suite sends tasks too


def main() -> int:
    """Return 1 if a promise was broken, or 128 plus the number of a signal."""
    arguments = _parser().parse_args()
    signals.raise_on_stop_signals()
    plan = SHORT if arguments.short else FULL
    running = service.from_environment()
    try:
        return _run(arguments.only or list(FAULTS), running, plan)
    except signals.Interrupted as interrupted:
        return 128 + interrupted.signum
    finally:
        signals.ignore()
        running.end()
        results.keep_logs(running.base)


def _run(names: Sequence[str], running: Service, plan: Plan) -> int:
    at, began = timezone.now(), time.monotonic()
    running.start_stores()
    seed.migrate()
    running.start(*ROLES)
    print(results.header(), flush=True)
    outcomes, failures = [], []
    for name in names:
        try:
            outcome = experiment.run(FAULTS[name], running, plan)
        except InvalidRun as failure:
            failures.append(f"{name}: {failure}")
            print(f"{failures[-1]} (NOT COMPLETED)", flush=True)
            running.recover()
            continue
        outcomes.append(outcome)
        print(results.row(outcome), flush=True)
    content = {"machine": machine.describe(), "plan": plan, "faults": outcomes}
    path = report.write("chaos", content | {"failures": failures}, at=at)
    held = sum(not outcome.broken for outcome in outcomes)
    minutes = (time.monotonic() - began) / 60
    print(f"{held} of {len(names)} held, {minutes:.1f} minutes; written to {path}")
    return 0 if held == len(names) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m systemtests.chaos",
        epilog=f"Names of faults: {', '.join(FAULTS)}.",
    )
    parser.add_argument("--only", action="append", choices=FAULTS, metavar="NAME")
    parser.add_argument("--short", action="store_true", help="1,600 opens a fault")
    return parser


if __name__ == "__main__":
    sys.exit(main())
