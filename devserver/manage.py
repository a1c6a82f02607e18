"""Run `manage.py` with the settings of `make run` in this checkout."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from deploy import keys
from devserver import demo, environment, ports, stores
from devserver.errors import RunError


def run(project: Path, arguments: Sequence[str]) -> int:
    """Return the command's exit code."""
    var = project / "var"
    addresses = demo.addresses(var / "demo.env")
    if not addresses:
        raise RunError(f"{var} has no database yet: start the service with make run")
    store = urlsplit(addresses["DATABASE_URL"])
    if not ports.is_served(store.hostname or "", store.port or 5432):
        raise RunError("the stores are not running: start them with make run")
    secrets = keys.load_or_create(var / "secrets.env")
    if arguments[:1] == ["migrate"]:
        addresses["DATABASE_URL"] = stores.owner_url(store, secrets)
    command = (sys.executable, "manage.py", *arguments)
    return subprocess.run(
        command, cwd=project, env=environment.for_run(var, secrets, addresses)
    ).returncode
