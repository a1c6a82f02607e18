"""`python -m deploy.container ROLE`: the entry point of the image.

It replaces itself with the role's program, which therefore receives the signals.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from deploy import key_rotation, roles
from deploy.programs import Program

ANYWHERE = "0.0.0.0"  # noqa: S104  the container's own network
WEB_PORT, REDIRECTS_PORT, METRICS_PORT, HEALTH_PORT = 8000, 8001, 9464, 9000
# Lost with the container. A new beat then sends every task once.
SCHEDULE = Path("/tmp/beat")  # noqa: S108  a tmpfs of the container
LONG_LIVED: dict[str, Callable[[], Program]] = {
    "web": lambda: roles.web(WEB_PORT, host=ANYWHERE),
    "redirects": lambda: roles.redirects(REDIRECTS_PORT, host=ANYWHERE),
    "worker": lambda: roles.worker(health_port=HEALTH_PORT),
    "webhooks": lambda: roles.webhooks(health_port=HEALTH_PORT),
    "beat": lambda: roles.beat(SCHEDULE, health_port=HEALTH_PORT),
    "metrics": lambda: roles.metrics(METRICS_PORT, host=ANYWHERE),
}
USAGE = f"a role is one of {', '.join(LONG_LIVED)}, migrate, manage COMMAND, keys ..."


def main() -> None:
    role, *arguments = sys.argv[1:] or [""]
    if role in LONG_LIVED:
        program = LONG_LIVED[role]()
        _become(*program.command, **program.environment)
    elif role == "migrate":
        _become(sys.executable, "manage.py", "migrate", "--no-input", ROLE=role)
    elif role == "manage":
        _become(sys.executable, "manage.py", *arguments)
    elif role == "keys":
        key_rotation.change(arguments)
    else:
        sys.exit(USAGE)


def _become(*command: str, **environment: str) -> None:
    os.execve(command[0], command, os.environ | environment)  # noqa: S606


if __name__ == "__main__":
    main()
