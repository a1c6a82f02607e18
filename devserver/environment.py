"""What processes are told. What the user has set wins; set but empty is not set."""

import os
from collections.abc import Mapping
from pathlib import Path

from deploy import keys
from devserver import orphans
from devserver.errors import RunError


def get(name: str) -> str:
    return os.environ.get(name, "")


def port(name: str, default: int) -> int:
    value = get(name) or str(default)
    if not (value.isdecimal() and 0 < int(value) < 65536):
        raise RunError(f"{name} must be a port's number, not {value!r}")
    return int(value)


def compose(
    base: Path, secrets: Mapping[str, str], settings: Mapping[str, str]
) -> dict[str, str]:
    """With the mark by which a process is found when whoever started it is killed."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        **{name: secrets[name] for name in keys.SERVICE},
        **settings,
        **{name: value for name, value in os.environ.items() if value},
        orphans.MARK: str(base),
    }
