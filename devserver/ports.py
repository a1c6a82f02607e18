import contextlib
import socket
from pathlib import Path

from deploy import env_file
from deploy.roles import LOOPBACK

CONNECT_SECONDS = 5


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # Connections of the last run may still be in TIME_WAIT.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_served(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def pick(*names: str) -> dict[str, int]:
    """Return different free ports: each is held until the last one is found."""
    with contextlib.ExitStack() as held:
        probes = {name: held.enter_context(socket.socket()) for name in names}
        for probe in probes.values():
            probe.bind((LOOPBACK, 0))
        return {name: int(each.getsockname()[1]) for name, each in probes.items()}


def reuse_or_pick(path: Path, *names: str) -> dict[str, int]:
    """Return the ports of the last start; replace those now in use."""
    before = {name: int(port) for name, port in env_file.read(path).items()}
    free = {name: port for name, port in before.items() if is_free(port)}
    ports = pick(*names) | free
    env_file.write(path, {name: str(port) for name, port in ports.items()})
    return ports
