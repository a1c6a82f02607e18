"""An installation by docker-compose.yml, as an operator sees it: commands and https."""

import json
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import httpx

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = "shortlinks-drill"
API, SHORT = "localhost", "go.localhost"
HTTP_PORT, HTTPS_PORT = 18080, 18443
DOOR_PORT = 8443  # inside
AUTHORITY = "/data/caddy/pki/authorities/local/root.crt"
COMMAND_SECONDS = 900
ONE_SHOTS = frozenset({"keys", "migrate"})


class DrillFailed(Exception):
    pass


@dataclass
class Installation:
    """Of its own name and ports, so that it touches no other on this host."""

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
            # the load is one client's, and orders links as fast as it likes
            "API_RATE_LIMIT_PER_TOKEN": "0",
            "API_RATE_LIMIT_PER_ACCOUNT": "0",
        }

    def compose(self, *arguments: str) -> str:
        return self.call(*_compose(), *arguments)

    def call(self, *command: str) -> str:
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
            raise DrillFailed(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def containers(self, *services: str) -> list[str]:
        return self.compose("ps", "-q", *services).split()

    def states(self) -> dict[str, str]:
        """By container's name: `healthy`, `running`, `exited` and so on."""
        listed = self.containers()
        if not listed:
            return {}
        rows = json.loads(self.call("docker", "inspect", *listed))
        return {row["Name"].lstrip("/"): _state(row["State"]) for row in rows}

    def are_well(self) -> bool:
        states = {
            name: state
            for name, state in self.states().items()
            if not is_one_shot(name)
        }
        return bool(states) and set(states.values()) == {"healthy"}

    def sql(self, query: str) -> list[list[str]]:
        """Asked in the database's container; tab-separated rows."""
        output = self.compose(
            *("exec", "-T", "db", "psql", "-h", "/tmp", "-U", "postgres", "-At"),  # noqa: S108
            *("-F", "\t", "shortlinks", "-c", query),
        )
        return [line.split("\t") for line in output.splitlines()]

    def trust(self) -> ssl.SSLContext:
        """Of the authority that Caddy made for itself."""
        authority = self.compose("exec", "-T", "caddy", "cat", AUTHORITY)
        return ssl.create_default_context(cadata=authority)

    def door(self) -> str:
        """Caddy's own address: who comes from outside meets no proxy of Docker's."""
        [caddy] = self.containers("caddy")
        networks = json.loads(
            self.call(
                "docker", "inspect", "-f", "{{json .NetworkSettings.Networks}}", caddy
            )
        )
        address: str = networks[f"{PROJECT}_doors"]["IPAddress"]
        return address

    def bootstrap(self) -> None:
        printed = self.compose(
            *("exec", "-T", "web", "python", "-m", "deploy.container"),
            *("manage", "bootstrap", "admin@drill.example"),
        )
        told = dict(line.split("=", 1) for line in printed.splitlines())
        self.token = told["TOKEN"]

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"https://{API}:{HTTPS_PORT}",
            headers={"Authorization": f"Bearer {self.token}"},
            verify=self.trust(),
            timeout=20,
            trust_env=False,
        )


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> float:
    """How long it took; DrillFailed when it did not come."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > seconds:
            raise DrillFailed(f"not within {seconds:g} s: {what}")
        time.sleep(0.5)
    return time.monotonic() - began


def is_one_shot(container: str) -> bool:
    """By its name, which Compose v1 joins by `_` and v2 by `-`."""
    return any(part in ONE_SHOTS for part in container.replace("_", "-").split("-"))


def _state(state: Mapping[str, object]) -> str:
    health = state.get("Health")
    if state["Status"] == "running" and isinstance(health, dict):
        return str(health["Status"])
    return str(state["Status"])


@cache
def _compose() -> Sequence[str]:
    """Compose v2 if it is there, else v1."""
    asked = subprocess.run(
        (shutil.which("docker") or "docker", "compose", "version"), capture_output=True
    )
    return ("docker", "compose") if asked.returncode == 0 else ("docker-compose",)
