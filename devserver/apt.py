"""Programs that no Python package contains. Root on Debian gets them from apt."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

INSTALL_SECONDS = 600


def program(name: str, *, package: str) -> str | None:
    """Return the path of a program, or None if it cannot be installed."""
    return shutil.which(name) or _install(name, package)


def install(package: str) -> None:
    """Install a Debian package if this user may. Failures are printed by apt."""
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return
    print(f"[apt] installing {package}", flush=True)
    # Run level 1: services of the package are not started.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    # Another apt may hold its lock for as long.
    wait = ("-o", f"DPkg::Lock::Timeout={INSTALL_SECONDS // 2}")
    arguments = ("install", "-qq", "--yes", "--no-install-recommends", package)
    for step in (("update", "-qq"), arguments):
        subprocess.run(
            (apt, *wait, *step),
            env=environment,
            timeout=INSTALL_SECONDS,
            stdout=subprocess.DEVNULL,
        )


def _install(name: str, package: str) -> str | None:
    # `apt-get update` does not wait for a parallel one, for example of another test.
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shutil.which(name):
            install(package)
    return shutil.which(name)
