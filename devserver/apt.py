"""Programs that no wheel brings: taken as they are, or installed on Debian by root."""

import os
import shutil
import subprocess

INSTALL_SECONDS = 600


def program(name: str, *, package: str) -> str | None:
    """Its path; None where it is missing and cannot be installed."""
    return shutil.which(name) or _install(name, package)


def _install(name: str, package: str) -> str | None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return None
    print(f"installing {package} by apt-get", flush=True)
    # run level 1: no service of the package's is started
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    # Another apt may hold the lock for as long.
    wait = ("-o", f"DPkg::Lock::Timeout={INSTALL_SECONDS // 2}")
    install = ("install", "-qq", "--yes", "--no-install-recommends", package)
    for arguments in (("update", "-qq"), install):
        subprocess.run(
            (apt, *wait, *arguments), env=environment, timeout=INSTALL_SECONDS
        )
    return shutil.which(name)
