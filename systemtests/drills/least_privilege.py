"""Which secrets and networks each container has, seen from inside the container."""

import json
from typing import Any

from deploy import container, key_rotation
from systemtests import InvalidRun
from systemtests.drills.installation import Installation
from systemtests.drills.results import Results

BILL = "/app/sbom.cdx.json"
FOLDER = "/var/lib/shortlinks/keys"
OUTSIDE_NETWORK = "internet"
OUTSIDE_PORT = 8443  # of Caddy, which stands for a host of the internet
PROXY = "egress"
CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3)
"""
CREATE_TABLE = """
import django, sys
django.setup()
from django.db import connection
connection.ensure_connection()
try:
    connection.cursor().execute("CREATE TABLE more (id int)")
except django.db.ProgrammingError as error:
    sys.exit(1 if "permission denied" in str(error) else 0)
"""
# The proxy answers, and refuses the address, because it is a private one.
CONNECT_BY_PROXY = f"""
import socket, sys
proxy = socket.create_connection(("{PROXY}", 3128), timeout=3)
place = f"{{sys.argv[1]}}:{{sys.argv[2]}}"
proxy.sendall(f"CONNECT {{place}} HTTP/1.1\\r\\nHost: {{place}}\\r\\n\\r\\n".encode())
sys.exit(0 if b" 403 " in proxy.recv(100) else 1)
"""


def drill(out: Results, installation: Installation) -> None:
    values = _values(installation)
    for role in sorted(container.LONG_LIVED):
        for name in installation.containers(role):
            _check_secrets(out, installation, role, name, values)
    _check_ddl(out, installation)
    _check_bill_of_materials(out, installation)
    address = _address_outside(installation)
    for role in sorted(container.LONG_LIVED):
        reached = _runs(installation, role, CONNECT, address, str(OUTSIDE_PORT))
        has_route = not _is_internal(installation, role)
        out.expect(
            f"{role}: a host outside is {'' if reached else 'not '}reached,"
            f" {'a' if has_route else 'no'} route to the internet",
            # The positive control: it sends e-mails.
            holds=reached == has_route == (role == "worker"),
        )
    for role in ("webhooks", "web"):
        reached = _runs(
            installation, role, CONNECT_BY_PROXY, address, str(OUTSIDE_PORT)
        )
        out.expect(
            f"{role}: the proxy is {'' if reached else 'not '}reached",
            holds=reached == (role == "webhooks"),
        )


def _values(installation: Installation) -> dict[str, str]:
    """Return all secrets by name."""
    listed = f'cd {FOLDER} && for name in *; do echo "$name=$(cat "$name")"; done'
    printed = installation.compose(
        *("run", "--rm", "--no-deps", "-T", "--entrypoint", "sh", "keys", "-c", listed)
    )
    pairs = (line.partition("=") for line in printed.splitlines() if "=" in line)
    return {name: value for name, _, value in pairs if value}


def _check_secrets(
    out: Results,
    installation: Installation,
    role: str,
    name: str,
    values: dict[str, str],
) -> None:
    wanted = set(key_rotation.shared()[key_rotation.folder_of(role)])
    files = set(installation.call("docker", "exec", name, "ls", FOLDER).split())
    [row] = installation.inspect(name)
    config: dict[str, Any] = row["Config"]
    in_environment = [
        secret
        for secret, value in values.items()
        if any(value in line for line in config["Env"])
    ]
    mounts = {m["Destination"]: m for m in row["Mounts"]}
    out.expect(
        f"{role}: {len(files)} secrets, {sorted(files ^ wanted)} differ,"
        f" {in_environment} in the environment",
        holds=files == wanted and not in_environment and not mounts[FOLDER]["RW"],
    )


def _check_ddl(out: Results, installation: Installation) -> None:
    """Let each role try to create a table, after it has logged in."""
    for role in sorted(container.LONG_LIVED):
        created = _runs(installation, role, CREATE_TABLE)
        out.expect(
            f"{role}: a table is {'' if created else 'not '}created", holds=not created
        )


def _check_bill_of_materials(out: Results, installation: Installation) -> None:
    [web, *_] = installation.containers("web")
    bill = json.loads(installation.call("docker", "exec", web, "cat", BILL))
    names = {component["name"].lower() for component in bill["components"]}
    out.expect(
        f"{BILL}: {bill['bomFormat']} {bill['specVersion']}, {len(names)} packages",
        holds=bill["bomFormat"] == "CycloneDX" and {"django", "psycopg"} <= names,
    )


def _address_outside(installation: Installation) -> str:
    [row] = installation.inspect(*installation.containers("caddy"))
    networks = row["NetworkSettings"]["Networks"]
    [address] = [
        network["IPAddress"]
        for name, network in networks.items()
        if name.endswith(f"_{OUTSIDE_NETWORK}")
    ]
    return str(address)


def _is_internal(installation: Installation, role: str) -> bool:
    """Return whether the engine routes none of the container's networks outside.

    It also separates networks that it routes, so a failed connection alone shows
    nothing.
    """
    [row] = installation.inspect(installation.containers(role)[0])
    networks = row["NetworkSettings"]["Networks"]
    inspect = ("docker", "network", "inspect", "-f", "{{.Internal}}")
    return "false" not in installation.call(*inspect, *networks).split()


def _runs(installation: Installation, role: str, code: str, *arguments: str) -> bool:
    name = installation.containers(role)[0]
    command = ("python", "-c", code, *arguments)
    try:
        installation.call("docker", "exec", name, *command)
    except InvalidRun:
        return False
    return True
