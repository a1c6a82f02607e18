"""A caller of the API, and Prometheus' own programs."""

import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from devserver import apt
from shortlinks.models import User
from tests import factories

FOLDER = Path(settings.BASE_DIR) / "docs" / "observability"


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


@pytest.fixture(scope="session")
def promtool() -> str:
    return program("promtool")


@pytest.fixture(scope="session")
def prometheus() -> str:
    return program("prometheus")


def program(name: str) -> str:
    found = apt.program(name, package="prometheus")
    assert found, f"{name} is needed: install `prometheus` (by apt-get or brew)"
    return found


def run(promtool: str, *arguments: str, given: bytes | None = None) -> str:
    done = subprocess.run(
        (promtool, *arguments), cwd=FOLDER, input=given, capture_output=True, timeout=60
    )
    said = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, said
    return said
