"""Run `manage.py` with the settings of `make run` in this checkout."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from deploy import env_file, keys
from devserver import environment, ports
from devserver.errors import RunError

SETTINGS_OF_RUN = ("BASE_URL", "SHORT_BASE_URL", "DATABASE_URL", "REDIS_URL")


def run(project: Path, arguments: Sequence[str]) -> int:
    """Return the command's exit code."""
    var = project / "var"
    demo_env = env_file.read(var / "demo.env")
    if not demo_env.keys() >= set(SETTINGS_OF_RUN):
        raise RunError(f"{var} has no database yet: start the service with make run")
    address = urlsplit(demo_env["DATABASE_URL"])
    if not ports.is_served(address.hostname or "", address.port or 5432):
        raise RunError("the stores are not running: start them with make run")
    settings = {name: demo_env[name] for name in SETTINGS_OF_RUN}
    settings["SPOOL_DIR"] = str(var / "spool")
    secrets = keys.load_or_create(var / "secrets.env")
    command = (sys.executable, "manage.py", *arguments)
    return subprocess.run(
        command, cwd=project, env=environment.compose(var, secrets, settings)
    ).returncode
