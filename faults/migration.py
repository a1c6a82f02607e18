"""`manage.py migrate` forth and back while visitors come."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from faults.service import Service
from faults.waiting import Broken

SECONDS = 60
TURNS = 2


@dataclass
class Migration:
    name: str = "a migration"
    doors: frozenset[int] = frozenset()

    def prepare(self, service: Service) -> None:
        """Nothing to do."""

    def inject(self, service: Service) -> None:
        for _ in range(TURNS):
            _migrate("schema")
            _migrate("schema", "zero")

    def lift(self, service: Service) -> None:
        """It is over by itself."""

    def clear(self, service: Service) -> None:
        _migrate("schema", "zero")

    def broken(self) -> Sequence[str]:
        return ()


def _migrate(*arguments: str) -> None:
    done = subprocess.run(
        (sys.executable, "manage.py", "migrate", "--verbosity", "0", *arguments),
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "faults.settings"},
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        raise Broken(f"manage.py migrate failed: {done.stderr[-500:]}")
