"""An installation with docker-compose.yml, used as an operator uses it."""

import http.client
import json
import os
import shutil
import ssl
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from systemtests import CHECKOUT, InvalidRun
from systemtests.api_client import ApiClient
from systemtests.polling import wait_for

PROJECT = "shortlinks-drill"
API_HOST, SHORT_HOST = "localhost", "go.localhost"
HTTP_PORT, HTTPS_PORT = 18080, 18443
TLS_PORT = 8443  # in Caddy's container
AUTHORITY = "/data/caddy/pki/authorities/local/root.crt"
COMMAND_SECONDS = 900
HEALTHY_SECONDS = 180.0
API_SECONDS = 20
POLL_SECONDS = 0.5
ONE_SHOTS = frozenset({"keys", "migrate"})


@dataclass
class Installation:
    """Has its own name and ports, and so touches no other installation."""

    token: str = ""

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "COMPOSE_PROJECT_NAME": PROJECT,
            "HTTP_PORT": str(HTTP_PORT),
            "HTTPS_PORT": str(HTTPS_PORT),
            "SHORTLINKS_IMAGE": "shortlinks:drill",
            "REDIRECT_REPLICAS": "2",
            "WORKER_REPLICAS": "3",
            # One client opens all links, and each visit is compared.
            "MAX_VISITS_PER_LINK_AND_ADDRESS": "0",
            # One client requests all links.
            "API_RATE_LIMIT_PER_TOKEN": "0",
            "API_RATE_LIMIT_PER_ACCOUNT": "0",
        }

    def compose(self, *arguments: str) -> str:
        return self.call(*_compose(), *arguments)

    def call(self, *command: str) -> str:
        """Return the output; raise InvalidRun if the command fails."""
        done = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        if done.returncode:
            raise InvalidRun(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def remove(self) -> None:
        self.compose("down", "--volumes", "--remove-orphans")

    def containers(self, *services: str) -> list[str]:
        return self.compose("ps", "-q", *services).split()

    def inspect(self, *containers: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(
            self.call("docker", "inspect", *containers)
        )
        return rows

    def states(self) -> dict[str, str]:
        """Return `healthy`, `running`, `exited` and so on, by container."""
        listed = self.containers()
        if not listed:
            return {}
        rows = self.inspect(*listed)
        return {row["Name"].lstrip("/"): _state(row["State"]) for row in rows}

    def is_healthy(self) -> bool:
        states = [
            state for name, state in self.states().items() if not is_one_shot(name)
        ]
        return set(states) == {"healthy"}

    def wait_until_healthy(self, event: str, *, seconds: float) -> float:
        """Return after how many seconds all containers were healthy."""
        what = f"all are healthy after {event}"
        return wait_for(self.is_healthy, what, seconds=seconds, pause=POLL_SECONDS)

    def sql(self, query: str) -> list[list[str]]:
        """Return the rows, read by psql in the database's container."""
        output = self.compose(
            *("exec", "-T", "db", "psql", "-h", "/tmp", "-U", "postgres", "-At"),  # noqa: S108
            *("-F", "\t", "shortlinks", "-c", query),
        )
        return [line.split("\t") for line in output.splitlines()]

    def due_visits(self) -> int:
        [[due]] = self.sql(
            "SELECT count(*) FROM shortlinks_visit WHERE due_at IS NOT NULL"
        )
        return int(due)

    def stored_opens(self) -> Counter[str]:
        """Count the visits by their referer."""
        rows = self.sql("SELECT referer FROM shortlinks_visit WHERE referer <> ''")
        return Counter(row[0] for row in rows)

    def requested_links(self) -> list[tuple[int, str, str]]:
        """Return contact, URL and code of each link of the integration."""
        rows = self.sql(
            "SELECT entity_id, url, code FROM shortlinks_shortlink AS link"
            " JOIN shortlinks_contact AS contact ON contact.id = contact_id"
            " WHERE url LIKE '%/requested/%'"
        )
        return [(int(entity_id), url, code) for entity_id, url, code in rows]

    def tls(self) -> ssl.SSLContext:
        """Trust the certificate authority that Caddy created."""
        authority = self.compose("exec", "-T", "caddy", "cat", AUTHORITY)
        return ssl.create_default_context(cadata=authority)

    def caddy_address(self) -> str:
        """Return Caddy's own address, because Docker's proxy may cut connections."""
        [caddy] = self.containers("caddy")
        [row] = self.inspect(caddy)
        networks = row["NetworkSettings"]["Networks"].values()
        addresses: list[str] = [network["IPAddress"] for network in networks]
        return addresses[0]

    def bootstrap(self) -> None:
        printed = self.manage("bootstrap", "admin@drill.example")
        values = dict(line.split("=", 1) for line in printed.splitlines())
        self.token = values["TOKEN"]

    def manage(self, *arguments: str) -> str:
        run = ("exec", "-T", "web", "python", "-m", "deploy.container", "manage")
        return self.compose(*run, *arguments)

    def client(self) -> ApiClient:
        connection = http.client.HTTPSConnection(
            API_HOST, HTTPS_PORT, timeout=API_SECONDS, context=self.tls()
        )
        return ApiClient(connection, self.token)


def is_one_shot(container: str) -> bool:
    """Return whether the name, joined by `_` or `-`, is that of a finished job."""
    return any(part in ONE_SHOTS for part in container.replace("_", "-").split("-"))


def _state(state: Mapping[str, object]) -> str:
    health = state.get("Health")
    if state["Status"] == "running" and isinstance(health, dict):
        return str(health["Status"])
    return str(state["Status"])


@cache
def _compose() -> Sequence[str]:
    """Return the command of Compose v2 if it is installed, else of v1."""
    docker = shutil.which("docker") or "docker"
    done = subprocess.run((docker, "compose", "version"), capture_output=True)
    return ("docker", "compose") if done.returncode == 0 else ("docker-compose",)
