"""Prometheus' own tool, and a receiver of what processes send away."""

import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from embedded import debian

FOLDER = Path(settings.BASE_DIR) / "docs" / "observability"


@pytest.fixture(scope="session")
def promtool() -> str:
    found = debian.program("promtool", package="prometheus")
    assert found, "promtool is needed: install `prometheus` (apt-get or brew install)"
    return found


def run(promtool: str, *arguments: str, given: bytes | None = None) -> str:
    done = subprocess.run(
        (promtool, *arguments), cwd=FOLDER, input=given, capture_output=True, timeout=60
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    return said
