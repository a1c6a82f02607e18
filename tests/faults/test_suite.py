"""The fault suite works: one fault, little load, and nothing left behind."""

import subprocess
import sys

import psutil

from devserver import orphans
from tests.services import ROOT

SECONDS = 150
FAULT = "kill postgres + redirects"


def test_promises_hold_through_a_fault() -> None:
    before = runs()

    done = subprocess.run(
        (sys.executable, "-m", "faults", "--short", "--only", FAULT),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 held" in done.stdout
    assert runs() == before


def runs() -> set[str]:
    """The directories of fault suites that still have a process."""
    marks = {
        (each.info["environ"] or {}).get(orphans.MARK, "")
        for each in psutil.process_iter(["environ"])
    }
    return {mark for mark in marks if "shortlinks-faults-" in mark}
