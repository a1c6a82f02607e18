"""`manage.py` with the settings of the run in this checkout."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from deploy import env_file, keys
from devserver import environment, ports
from devserver.errors import RunError

FROM_THE_RUN = ("BASE_URL", "SHORT_BASE_URL", "DATABASE_URL", "REDIS_URL")


def run(project: Path, arguments: Sequence[str]) -> int:
    """The command's exit code."""
    var = project / "var"
    told = env_file.read(var / "demo.env")
    if not told.keys() >= set(FROM_THE_RUN):
        raise RunError(f"nothing has run here yet: start it first (make run, {var})")
    address = urlsplit(told["DATABASE_URL"])
    if ports.is_free(address.port or 0):
        raise RunError("the stores are not running: start them with make run")
    settings = {name: told[name] for name in FROM_THE_RUN}
    settings["SPOOL_DIR"] = str(var / "spool")
    secrets = keys.kept(var / "secrets.env")
    command = (sys.executable, "manage.py", *arguments)
    return subprocess.run(
        command, cwd=project, env=environment.compose(var, secrets, settings)
    ).returncode
