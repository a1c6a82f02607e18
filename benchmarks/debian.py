"""Programs that come from Debian's packages, where we may install them."""

import os
import shutil
import subprocess

INSTALL_SECONDS = 180


def program(name: str, *, package: str) -> str | None:
    """Where it is, installed by apt-get if it was missing and we are root."""
    return shutil.which(name) or _install(name, package)


def _install(name: str, package: str) -> str | None:
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return None
    print(f"installing {package} by apt-get", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ("install", "-qq", "--yes", "--no-install-recommends", package)
    for arguments in (("update", "-qq"), install):
        subprocess.run((apt, *arguments), env=environment, timeout=INSTALL_SECONDS)
    return shutil.which(name)
