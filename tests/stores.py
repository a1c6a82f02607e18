"""Start Postgres and Valkey for one test, which may suspend them."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from devserver import ports, store_directories, stores, temporary_stores
from devserver.store_directories import StoreInstallation
from devserver.stores import Store


@dataclass(frozen=True)
class OwnStore:
    url: str
    pid: int
    log: Path

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """Suspend the store: its kernel accepts connections, but nothing responds."""
        main = psutil.Process(self.pid)
        processes = [main, *main.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()


@contextlib.contextmanager
def postgres() -> Iterator[OwnStore]:
    with _running(_postgres) as own:
        yield own


@contextlib.contextmanager
def valkey() -> Iterator[OwnStore]:
    with _running(stores.Valkey) as own:
        yield own


def _postgres(home: StoreInstallation, port: int, password: str) -> Store:
    return stores.Postgres(home, port, password, app_password=password)


@contextlib.contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="shortlinks-") as directory:
        base = Path(directory).resolve()
        base.chmod(0o755)  # the stores may run as another user
        try:
            yield base
        finally:
            store_directories.remove(base)


@contextlib.contextmanager
def _running(
    kind: Callable[[StoreInstallation, int, str], Store],
) -> Iterator[OwnStore]:
    with _home() as base:
        store = kind(
            store_directories.choose_home(base), ports.pick("PORT")["PORT"], "x" * 20
        )
        with temporary_stores.running(store, base) as process:
            temporary_stores.wait(store, process)
            log = base / f"{store.program.name}.log"
            yield OwnStore(store.url, process.pid, log)
