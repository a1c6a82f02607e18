"""Run the fault injection: `python -m systemtests.chaos --help`."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy import keys
from deploy.roles import LOOPBACK
from devserver import (
    environment,
    orphans,
    ports,
    signals,
    store_directories,
    stores,
)
from devserver.stores import Valkey
from systemtests import CHECKOUT

PORTS = ("WEB", "REDIRECTS", "REDIRECTS_2")
CANCEL_GRACE_SECONDS = 60


def main() -> int:
    """Return the runner's exit code, or 128 plus the number of a signal."""
    signals.raise_on_stop_signals()
    with _directory() as base:
        try:
            return _run(base)
        except signals.Interrupted as interrupted:
            return 128 + interrupted.signum
        finally:
            signals.ignore()
            orphans.stop(base, store_directories.directory(base))
            store_directories.remove(base)


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shortlinks-chaos-") as name:
        Path(name).chmod(0o755)  # the stores may run as another user
        yield Path(name).resolve()


def _run(base: Path) -> int:
    command = (sys.executable, "-m", "systemtests.chaos.runner", *sys.argv[1:])
    with subprocess.Popen(command, cwd=CHECKOUT, env=_environment(base)) as process:
        try:
            return process.wait()
        except signals.Interrupted:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(CANCEL_GRACE_SECONDS)
            process.kill()
            raise


def _environment(base: Path) -> Mapping[str, str]:
    """Return settings that override the environment's, so no other store is used."""
    picked = ports.pick("POSTGRES", "VALKEY", *PORTS)
    secrets = keys.new()
    home = store_directories.choose_home(base)
    postgres = stores.postgres(home, picked["POSTGRES"], secrets)
    valkey = Valkey(home, picked["VALKEY"], secrets["VALKEY_PASSWORD"])
    settings = {
        "DATABASE_URL": postgres.url,
        "REDIS_URL": valkey.url,
        "BASE_URL": f"http://{LOOPBACK}:{picked['WEB']}",
        "SHORT_BASE_URL": f"http://{LOOPBACK}:{picked['REDIRECTS']}",
        "ALLOWED_HOSTS": LOOPBACK,
        # The load sends many addresses in X-Forwarded-For.
        "TRUSTED_PROXIES": "127.0.0.0/8",
        # Machines open from one address, and each visit is compared.
        "MAX_VISITS_PER_LINK_AND_ADDRESS": "0",
        # Links are looked up again while the stores are unavailable.
        "LINK_CACHE_TTL_SECONDS": "2",
        "SPOOL_DIR": str(base / "spool"),
        "CHAOS_DIRECTORY": str(base),
        "CHAOS_PORTS": ",".join(str(picked[name]) for name in PORTS),
    }
    return {**environment.for_processes(base, secrets, settings), **settings}


if __name__ == "__main__":
    sys.exit(main())
