"""Environment of the processes. The user's variables win; empty ones are ignored."""

import os
from collections.abc import Mapping
from pathlib import Path

from deploy import keys
from deploy.roles import LOOPBACK
from devserver import orphans
from devserver.errors import RunError


def get(name: str) -> str:
    return os.environ.get(name, "")


def port(name: str, default: int) -> int:
    value = get(name) or str(default)
    if not (value.isdecimal() and 0 < int(value) < 65536):
        raise RunError(f"{name} is not a port number: {value!r}; use 1 to 65535")
    return int(value)


def for_run(
    var: Path, secrets: Mapping[str, str], addresses: Mapping[str, str]
) -> dict[str, str]:
    """Return the variables of `make run` and `manage`.

    `addresses` are those of the service, its stores, metrics and demo site.
    """
    settings = {
        **addresses,
        "ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "WEBHOOK_ALLOW_PRIVATE_TARGETS": "1",  # a receiver on this machine
        "EMAIL_URL": (var / "mail").as_uri(),
    }
    return for_processes(var, secrets, settings)


def for_processes(
    base: Path, secrets: Mapping[str, str], settings: Mapping[str, str]
) -> dict[str, str]:
    """Return all variables, with the mark by which `orphans` finds a process."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONUNBUFFERED": "1",
        **{name: secrets[name] for name in keys.SERVICE},
        **settings,
        **{name: value for name, value in os.environ.items() if value},
        orphans.MARK: str(base),
    }
