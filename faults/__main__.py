"""python -m faults [--only NAME] [--short] [--list]: a place of its own, cleared up."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy import keys
from deploy.roles import LOOPBACK
from devserver import environment, orphans, ports, signals, store_directories
from devserver.stores import Postgres, Valkey

CHECKOUT = Path(__file__).resolve().parent.parent
DOORS = ("WEB", "REDIRECTS", "REDIRECTS_2")
CANCEL_GRACE_SECONDS = 60


def main() -> int:
    """The suite's exit code; 128 and the signal's number if one ended it."""
    signals.expect()
    with _base() as base:
        try:
            return _call((sys.executable, "-m", "faults.inside", *sys.argv[1:]), base)
        except signals.Interrupted as interrupted:
            return 128 + interrupted.signum
        finally:
            signals.ignore()
            orphans.stop(base, store_directories.directory(base))
            store_directories.remove(base)


@contextlib.contextmanager
def _base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shortlinks-faults-") as fresh:
        Path(fresh).chmod(0o755)  # the stores' user may be another
        yield Path(fresh).resolve()


def _call(command: tuple[str, ...], base: Path) -> int:
    with subprocess.Popen(command, cwd=CHECKOUT, env=_settings(base)) as process:
        try:
            return process.wait()
        except signals.Interrupted:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(CANCEL_GRACE_SECONDS)
            process.kill()
            raise


def _settings(base: Path) -> Mapping[str, str]:
    """Ours win over the environment's: no other store is ever touched."""
    picked = ports.pick("POSTGRES", "VALKEY", *DOORS)
    secrets = keys.new()
    home = store_directories.settle(base)
    settings = {
        "DATABASE_URL": Postgres(
            home, picked["POSTGRES"], secrets["POSTGRES_PASSWORD"]
        ).url,
        "REDIS_URL": Valkey(home, picked["VALKEY"], secrets["VALKEY_PASSWORD"]).url,
        "BASE_URL": f"http://{LOOPBACK}:{picked['WEB']}",
        "SHORT_BASE_URL": f"http://{LOOPBACK}:{picked['REDIRECTS']}",
        "ALLOWED_HOSTS": LOOPBACK,
        # The load comes from many addresses, as its X-Forwarded-For says.
        "TRUSTED_PROXIES": "127.0.0.0/8",
        # So that links are looked up again and again while the stores are away.
        "LINK_CACHE_TTL_SECONDS": "2",
        "SPOOL_DIR": str(base / "spool"),
        "FAULTS_IN": str(base),
        "FAULTS_PORTS": ",".join(str(picked[name]) for name in DOORS),
    }
    return {**environment.compose(base, secrets, settings), **settings}


if __name__ == "__main__":
    os.chdir(CHECKOUT)
    sys.exit(main())
