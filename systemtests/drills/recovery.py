"""Checks of the containers' rights, then the death of each, then `down` and `up`."""

import contextlib
import os
import signal
import time
from pathlib import Path

from systemtests.api_client import ApiError
from systemtests.drills import load, results
from systemtests.drills.installation import (
    HEALTHY_SECONDS,
    Installation,
    is_one_shot,
)
from systemtests.drills.results import Results
from systemtests.polling import wait_for

LINKS = 50
RATE = 50
RECOVER_SECONDS = 120.0


def drill(out: Results, installation: Installation) -> None:
    _check_rights(out, installation)
    codes = load.new_links(installation, LINKS)
    with (
        load.integration(installation) as integration,
        load.visitors(installation, codes, rate=RATE) as opened,
    ):
        time.sleep(2)
        for name in sorted(installation.states()):
            if not is_one_shot(name):
                _kill(out, installation, name)
    # Allowed: the visitors of a process that was killed may be cut.
    out.note(f"failed redirects: {dict(results.failed(opened))}")
    results.verify(out, installation, opened, integration)
    _down_and_up(out, installation)


def _check_rights(out: Results, installation: Installation) -> None:
    for row in installation.inspect(*installation.containers()):
        name = row["Name"].lstrip("/")
        if is_one_shot(name):
            continue
        lines = Path(f"/proc/{row['State']['Pid']}/status").read_text().splitlines()
        status = dict(line.split(":", 1) for line in lines if ":" in line)
        users = set(status["Uid"].split())
        capabilities = int(status["CapEff"], 16) | int(status["CapBnd"], 16)
        is_read_only = row["HostConfig"]["ReadonlyRootfs"]
        out.expect(
            f"{name}: user {users}, capabilities {capabilities:x},"
            f" read-only {is_read_only}",
            holds="0" not in users and not capabilities and is_read_only,
        )


def _kill(out: Results, installation: Installation, name: str) -> None:
    [before] = installation.inspect(name)
    os.kill(before["State"]["Pid"], signal.SIGKILL)

    def is_restarted() -> bool:
        [row] = installation.inspect(name)
        started: str = row["State"]["StartedAt"]
        return started != before["State"]["StartedAt"] and bool(row["State"]["Pid"])

    wait_for(is_restarted, f"{name} starts again", seconds=RECOVER_SECONDS)
    seconds = installation.wait_until_healthy(
        f"killing {name}", seconds=RECOVER_SECONDS
    )
    out.expect(f"{name}: killed, all healthy {seconds:.0f} s later", holds=True)


def _down_and_up(out: Results, installation: Installation) -> None:
    before = _counts(installation)
    installation.compose("down")
    installation.compose("up", "-d")
    installation.wait_until_healthy("`down` and `up`", seconds=HEALTHY_SECONDS)
    after = _counts(installation)
    out.expect(f"down and up lose nothing: {before}", holds=after == before)
    with contextlib.closing(installation.client()) as client:
        try:
            client.get("/api/v4/account")
        except ApiError as error:
            out.expect(f"the token is valid: {error}", holds=False)


def _counts(installation: Installation) -> dict[str, str]:
    tables = ("contact", "shortlink", "visit", "note", "pixel")
    return {
        table: installation.sql(f"SELECT count(*) FROM shortlinks_{table}")[0][0]  # noqa: S608
        for table in tables
    }
