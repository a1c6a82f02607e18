"""A base backup amid the load; the database lost; restored to a moment between."""

import subprocess
import time

from drills import load
from drills.findings import Findings
from drills.installation import DrillFailed, Installation, wait_until
from drills.load import Load, Seen

LINKS = 50
RATE = 200.0
SECONDS = 8.0
# A commit is answered after it was made: by this much at most on a busy machine.
MARGIN_SECONDS = 2.0


def drill(found: Findings, installation: Installation) -> None:
    codes = load.make_links(installation, LINKS)
    with Load(installation, codes, rate=RATE) as seen:
        time.sleep(SECONDS)
        installation.call("docker/backup.sh")
        time.sleep(SECONDS)
        moment = int(time.time())
        time.sleep(SECONDS)
        later = int(time.time())
        time.sleep(SECONDS)
    installation.sql("SELECT pg_switch_wal()")
    wait_until(
        lambda: _is_archived(installation), seconds=120, what="the last segment kept"
    )
    _refused(found, installation)
    _restore(found, installation, seen, moment)
    # A minute too early, so once more: from the timeline of before the first.
    _restore(found, installation, seen, later)
    _latest(found, installation, seen)


def _refused(found: Findings, installation: Installation) -> None:
    """A moment that cannot be had stops nothing."""
    for moment in ("2001-01-01 00:00:00+00", "2101-01-01 00:00:00+00", "yesterdayish"):
        try:
            installation.call("docker/restore.sh", moment)
        except DrillFailed:
            found.expect(f"refused, and all is well: {moment}", holds=True)
        else:
            found.expect(f"refused: {moment}", holds=False)
    found.expect("all is well after that", holds=installation.are_well())


def _restore(
    found: Findings, installation: Installation, seen: Seen, moment: int
) -> None:
    chosen = time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(moment))
    began = time.monotonic()
    installation.call("docker/restore.sh", chosen)
    wait_until(installation.are_well, seconds=180, what="well after the restore")
    found.note(f"restored to {chosen} in {time.monotonic() - began:.0f} s")
    _compare(found, installation, seen, moment)


def _compare(
    found: Findings, installation: Installation, seen: Seen, moment: float
) -> None:
    stored = load.stored(installation)
    links = {row[0] for row in installation.sql("SELECT url FROM shortlinks_shortlink")}
    before = {mark for mark, at in seen.answered.items() if at <= moment}
    after = {m for m, at in seen.answered.items() if at > moment + MARGIN_SECONDS}
    ordered = {url for url, at in seen.links.items() if at <= moment}
    found.note(f"{len(before)} opens before the moment, {len(after)} well after it")
    lost = before - stored.keys()
    found.expect(
        f"every open answered by then is there: {len(lost)} lost", holds=not lost
    )
    found.expect(
        f"every link ordered by then is there: {len(ordered - links)} of"
        f" {len(ordered)} lost",
        holds=ordered <= links,
    )
    late = after & stored.keys()
    found.expect(f"what came after is not: {len(late)}", holds=not late)


def _latest(found: Findings, installation: Installation, seen: Seen) -> None:
    """With links and opens of after the restores, and Postgres killed."""
    codes = load.make_links(installation, 2)
    with Load(installation, codes, rate=20, name="later") as later:
        time.sleep(3)
    [container] = installation.containers("db")
    subprocess.run(
        ("/usr/bin/env", "docker", "kill", container), check=True, capture_output=True
    )
    installation.call("docker/restore.sh", "latest")
    wait_until(installation.are_well, seconds=180, what="well after the second restore")
    stored = load.stored(installation)
    lost = later.answered.keys() - stored.keys()
    found.expect(
        f"a killed database to its last commit: {len(lost)} of"
        f" {len(later.answered)} lost ({len(seen.answered)} before)",
        holds=not lost,
    )


def _is_archived(installation: Installation) -> bool:
    [[waiting]] = installation.sql(
        "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
    )
    return waiting == "0"
