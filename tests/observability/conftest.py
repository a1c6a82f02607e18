import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from shortlinks.models import User
from tests import factories, programs

FOLDER = Path(settings.BASE_DIR) / "docs" / "observability"


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


@pytest.fixture(scope="session")
def promtool(starts_processes: None) -> str:
    return programs.find("promtool", package="prometheus")


@pytest.fixture(scope="session")
def prometheus(starts_processes: None) -> str:
    return programs.find("prometheus", package="prometheus")


def run(promtool: str, *arguments: str, given: bytes | None = None) -> str:
    done = subprocess.run(
        (promtool, *arguments), cwd=FOLDER, input=given, capture_output=True, timeout=60
    )
    output = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == 0, output
    return output
