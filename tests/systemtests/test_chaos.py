"""The chaos suite with one fault and a small load."""

import subprocess
import sys

import psutil
import pytest

from devserver import orphans
from tests.services import ROOT

pytestmark = pytest.mark.process

SECONDS = 150
FAULT = "kill postgres + redirects"


def test_chaos_suite_passes_and_leaves_no_process() -> None:
    before = runs()

    done = subprocess.run(
        (sys.executable, "-m", "systemtests.chaos", "--short", "--only", FAULT),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 of 1 held" in done.stdout
    assert runs() == before


def runs() -> set[str]:
    """Return the directories of suites that still have a process."""
    marks = {
        (each.info["environ"] or {}).get(orphans.MARK, "")
        for each in psutil.process_iter(["environ"])
    }
    return {mark for mark in marks if "shortlinks-chaos-" in mark}
