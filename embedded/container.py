"""python -m embedded.container ROLE: what the image runs, the same as everywhere else.

It becomes the role's program, so signals go to that one. `keys` makes the secrets that
are missing, into the folders named after it.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from embedded import keys, roles
from embedded.programs import Program

ANYWHERE = "0.0.0.0"  # noqa: S104  the container's own network
WEB_PORT, REDIRECTS_PORT, METRICS_PORT, HEALTH_PORT = 8000, 8001, 9464, 9000
# Lost with the container: beat then begins to count anew, and sends everything once.
SCHEDULE = Path("/tmp/beat")  # noqa: S108  a tmpfs of the container
LONG_LIVED: dict[str, Callable[[], Program]] = {
    "web": lambda: roles.web(WEB_PORT, host=ANYWHERE),
    "redirects": lambda: roles.redirects(REDIRECTS_PORT, host=ANYWHERE),
    "worker": lambda: roles.worker(health_port=HEALTH_PORT),
    "webhooks": lambda: roles.webhooks(health_port=HEALTH_PORT),
    "beat": lambda: roles.beat(SCHEDULE, health_port=HEALTH_PORT),
    "metrics": lambda: roles.metrics(METRICS_PORT, host=ANYWHERE),
}
USAGE = f"a role is one of {', '.join(LONG_LIVED)}, migrate, manage COMMAND, keys"


def main() -> None:
    role, *arguments = sys.argv[1:] or [""]
    if role in LONG_LIVED:
        program = LONG_LIVED[role]()
        _become(*program.command, **program.environment)
    elif role == "migrate":
        _become(sys.executable, "manage.py", "migrate", "--no-input")
    elif role == "manage":
        _become(sys.executable, "manage.py", *arguments)
    elif role == "keys":
        _make_keys(Path(arguments[0]), [Path(path) for path in arguments[1:]])
    else:
        sys.exit(USAGE)


def _become(*command: str, **environment: str) -> None:
    os.execve(command[0], command, os.environ | environment)  # noqa: S606


def _make_keys(service: Path, stores: list[Path]) -> None:
    """Each a file named after its setting; a store is given its own password alone.

    What is there stays: a key that changed would make links' cookies and tokens void.
    """
    made = keys.new()
    names = {*keys.SERVICE, *(folder.name for folder in stores)}
    for name in sorted(names):
        _write_once(service / name, made[name])
    for folder in stores:
        _write_once(folder / folder.name, (service / folder.name).read_text())


def _write_once(path: Path, value: str) -> None:
    if path.exists():
        return
    new = path.with_name(f".{path.name}.new")
    new.write_text(value)
    new.chmod(0o444)  # the folder is what guards it: no container has it without need
    new.rename(path)
    print(f"[keys] made {path}", flush=True)


if __name__ == "__main__":
    main()
