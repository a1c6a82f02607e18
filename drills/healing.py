"""What runs is bare; each main process is killed; all is taken down and up again."""

import json
import os
import signal
import time
from pathlib import Path

from drills import findings, load
from drills.findings import Findings
from drills.installation import Installation, is_one_shot, wait_until
from drills.load import Load

LINKS = 50
RATE = 50.0
HEAL_SECONDS = 120.0


def drill(found: Findings, installation: Installation) -> None:
    _bareness(found, installation)
    codes = load.make_links(installation, LINKS)
    with Load(installation, codes, rate=RATE) as seen:
        time.sleep(2)
        for name in sorted(installation.states()):
            if not is_one_shot(name):
                _kill(found, installation, name)
    # A visitor whose process was killed may have been cut; counted, and said.
    found.note(f"amid the kills {dict(seen.failed)} redirects failed")
    seen.failed.clear()
    findings.count(found, installation, seen)
    _down_and_up(found, installation)


def _bareness(found: Findings, installation: Installation) -> None:
    rows = json.loads(
        installation.call("docker", "inspect", *installation.containers())
    )
    for row in rows:
        name = row["Name"].lstrip("/")
        if is_one_shot(name):
            continue
        status = Path(f"/proc/{row['State']['Pid']}/status").read_text().splitlines()
        told = dict(line.split(":", 1) for line in status if ":" in line)
        users = set(told["Uid"].split())
        capabilities = int(told["CapEff"], 16) | int(told["CapBnd"], 16)
        found.expect(
            f"{name}: user {users}, capabilities {capabilities:x},"
            f" read-only {row['HostConfig']['ReadonlyRootfs']}",
            holds="0" not in users
            and not capabilities
            and row["HostConfig"]["ReadonlyRootfs"],
        )


def _kill(found: Findings, installation: Installation, name: str) -> None:
    inspected = "{{.State.Pid}} {{.State.StartedAt}}"
    pid, started = installation.call("docker", "inspect", "-f", inspected, name).split()
    os.kill(int(pid), signal.SIGKILL)

    def is_new() -> bool:
        now = installation.call("docker", "inspect", "-f", inspected, name).split()
        return now[1] != started and now[0] not in {"0", pid}

    wait_until(is_new, seconds=HEAL_SECONDS, what=f"{name} starts again")
    seconds = wait_until(
        installation.are_well, seconds=HEAL_SECONDS, what=f"well without {name}"
    )
    found.expect(f"{name}: killed, all is well {seconds:.0f} s later", holds=True)


def _down_and_up(found: Findings, installation: Installation) -> None:
    before = _rows(installation)
    installation.compose("down")
    installation.compose("up", "-d")
    wait_until(installation.are_well, seconds=180, what="well after down and up")
    found.expect(
        f"down and up lose nothing: {before}", holds=_rows(installation) == before
    )
    with installation.client() as client:
        answer = client.get("/api/v4/account")
    found.expect(
        f"the token still works: {answer.status_code}", holds=answer.is_success
    )


def _rows(installation: Installation) -> dict[str, str]:
    tables = ("contact", "shortlink", "visit", "note", "pixel")
    return {
        table: installation.sql(f"SELECT count(*) FROM shortlinks_{table}")[0][0]  # noqa: S608
        for table in tables
    }
