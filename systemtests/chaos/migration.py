"""`manage.py migrate`, forward and back, while visitors arrive."""

import os
import subprocess
import sys

from systemtests import CHECKOUT, InvalidRun
from systemtests.chaos.faults import Fault
from systemtests.chaos.service import Service

SECONDS = 60
TIMES = 2


class Migration(Fault):
    name = "a migration"

    def inject(self, service: Service) -> None:
        for _ in range(TIMES):
            _migrate("schema")
            _migrate("schema", "zero")

    def clear(self, service: Service) -> None:
        _migrate("schema", "zero")


def _migrate(*arguments: str) -> None:
    done = subprocess.run(
        (sys.executable, "manage.py", "migrate", "--verbosity", "0", *arguments),
        cwd=CHECKOUT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "systemtests.chaos.settings"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        raise InvalidRun(f"manage.py migrate failed: {done.stderr[-500:]}")
