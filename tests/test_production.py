"""Processes with the settings of a production installation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from deploy import keys

pytestmark = pytest.mark.process

PRODUCTION = {
    **{name: keys.new()[name] for name in keys.SERVICE},
    "BASE_URL": "https://crm-links.shop.example",
    "SHORT_BASE_URL": "https://go.shop.example",
    "DATABASE_URL": "postgres://shortlinks@db/shortlinks",
    "REDIS_URL": "redis://redis",
}


def check(**environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        (sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        cwd=Path(settings.BASE_DIR),
        env={"PATH": os.environ["PATH"], **PRODUCTION, **environment},
        capture_output=True,
        text=True,
    )


def test_system_checks_find_nothing() -> None:
    done = check()

    assert (done.returncode, done.stdout) == (
        0,
        "System check identified no issues (3 silenced).\n",
    )


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"DEBUG": "1"}, "DEBUG must be 0"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name each host"),
        ({"SECRET_KEY": "change-me" * 9}, "SECRET_KEY must be a secret"),
        ({"TOKEN_KEYS": f"k1:{'change-me-' * 5}"}, "TOKEN_KEYS must be kid:secret"),
        ({"SHORT_BASE_URL": PRODUCTION["BASE_URL"]}, "shortlinks.E001"),
        ({"SHORT_BASE_URL": "http://go.shop.example"}, "shortlinks.W001"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_unsafe_setting_is_an_error(environment: dict[str, str], message: str) -> None:
    done = check(**environment)

    assert done.returncode == 1
    assert message in done.stderr
