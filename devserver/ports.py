import contextlib
import socket
from pathlib import Path

from deploy import env_file
from deploy.roles import LOOPBACK


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that lingers from the last run is no server.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def pick(*names: str) -> dict[str, int]:
    """Free ones, all different: each is held until the last is found."""
    with contextlib.ExitStack() as held:
        probes = {name: held.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind((LOOPBACK, 0))
        return {name: int(each.getsockname()[1]) for name, each in probes.items()}


def keep(path: Path, *names: str) -> dict[str, int]:
    """The same as at the last start, but for those taken meanwhile."""
    before = {name: int(port) for name, port in env_file.read(path).items()}
    free = {name: port for name, port in before.items() if is_free(port)}
    ports = pick(*names) | free
    env_file.write(path, {name: str(port) for name, port in ports.items()})
    return ports
