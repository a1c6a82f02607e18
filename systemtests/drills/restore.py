"""A base backup under load, and restores to given moments and to the last commit."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from systemtests import InvalidRun
from systemtests.drills import load
from systemtests.drills.installation import (
    HEALTHY_SECONDS,
    POLL_SECONDS,
    Installation,
)
from systemtests.drills.results import Results
from systemtests.integration import Integration
from systemtests.polling import wait_for
from systemtests.traffic import Open

LINKS = 50
RATE = 200
PAUSE_SECONDS = 8.0
# The time between a commit and its answer on a busy machine is shorter.
MARGIN_SECONDS = 2.0
UNREACHABLE = ("2001-01-01 00:00:00+00", "2101-01-01 00:00:00+00", "yesterdayish")


UNFINISHED_ERASURES = (
    "SELECT count(*) FROM shortlinks_erasure WHERE finished_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A full second, on both clocks."""

    unix: int
    monotonic: float

    @property
    def text(self) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(self.unix))


def drill(out: Results, installation: Installation) -> None:
    codes = load.new_links(installation, LINKS)
    load.new_links(installation, 1)
    person = _newest_contact(installation)
    with (
        load.integration(installation) as integration,
        load.visitors(installation, codes, rate=RATE) as opened,
    ):
        time.sleep(PAUSE_SECONDS)
        installation.call("docker/backup.sh")
        time.sleep(PAUSE_SECONDS)
        early = _now()
        time.sleep(PAUSE_SECONDS)
        late = _now()
        time.sleep(PAUSE_SECONDS)
    installation.manage("erase_person", *person)
    installation.sql("SELECT pg_switch_wal()")
    wait_for(
        lambda: _is_archived(installation),
        "the last segment is archived",
        seconds=120,
        pause=POLL_SECONDS,
    )
    _expect_refusals(out, installation)
    # The second restore starts from the timeline before the first.
    for moment in (early, late):
        _restore(out, installation, moment.text)
        _verify(out, installation, moment, opened, integration)
        _expect_erased(out, installation, *person)
    _restore_last_commit(out, installation)


def _newest_contact(installation: Installation) -> tuple[str, str]:
    [[subdomain, entity_id]] = installation.sql(
        "SELECT account.subdomain, contact.entity_id FROM shortlinks_contact AS contact"
        " JOIN shortlinks_account AS account ON account.id = contact.account_id"
        " ORDER BY contact.id DESC LIMIT 1"
    )
    return subdomain, entity_id


def _expect_erased(
    out: Results, installation: Installation, subdomain: str, entity_id: str
) -> None:
    """Expect that a person who was erased after this moment is erased again."""
    wait_for(
        lambda: installation.sql(UNFINISHED_ERASURES) == [["0"]],
        "no erasure is unfinished",
        seconds=HEALTHY_SECONDS,
        pause=POLL_SECONDS,
    )
    names = installation.sql(
        f"SELECT name FROM shortlinks_contact WHERE entity_id = {int(entity_id)}"  # noqa: S608  an integer
    )
    try:
        installation.manage("export_person", subdomain, entity_id)
    except InvalidRun:
        out.expect("the erased person is erased again", holds=names == [])
    else:
        out.expect("the erased person is erased again", holds=False)


def _now() -> Moment:
    now = time.time()
    return Moment(int(now), time.monotonic() - now % 1)


def _expect_refusals(out: Results, installation: Installation) -> None:
    for text in UNREACHABLE:
        try:
            installation.call("docker/restore.sh", text)
        except InvalidRun:
            out.expect(f"rejected: {text}", holds=True)
        else:
            out.expect(f"rejected: {text}", holds=False)
    out.expect("all are healthy afterwards", holds=installation.is_healthy())


def _restore(out: Results, installation: Installation, text: str) -> None:
    began = time.monotonic()
    installation.call("docker/restore.sh", text)
    installation.wait_until_healthy("the restore", seconds=HEALTHY_SECONDS)
    out.note(f"restored to {text} in {time.monotonic() - began:.0f} s")


def _verify(
    out: Results,
    installation: Installation,
    moment: Moment,
    opened: Sequence[Open],
    integration: Integration,
) -> None:
    answered = [each for each in opened if each.is_answered]
    end = moment.monotonic
    before = {each.referer for each in answered if each.ended <= end}
    after = {each.referer for each in answered if each.ended > end + MARGIN_SECONDS}
    stored = installation.stored_opens().keys()
    lost, late = before - stored, after & stored
    out.expect(f"{len(before)} earlier opens exist: {len(lost)} lost", holds=not lost)
    out.expect(f"{len(after)} later opens do not: {len(late)}", holds=not late)
    links = {(entity_id, url) for entity_id, url, _ in installation.requested_links()}
    created = {
        key for key in integration.created if integration.created_at[key[1]] <= end
    }
    out.expect(
        f"{len(created)} earlier links exist: {len(created - links)} lost",
        holds=created <= links,
    )


def _restore_last_commit(out: Results, installation: Installation) -> None:
    """Kill Postgres after more links and opens, and restore all of them."""
    codes = load.new_links(installation, 2)
    with load.visitors(installation, codes, rate=20, series="later") as opened:
        time.sleep(3)
    [container] = installation.containers("db")
    installation.call("docker", "kill", container)
    _restore(out, installation, "latest")
    answered = {each.referer for each in opened if each.is_answered}
    lost = answered - installation.stored_opens().keys()
    out.expect(
        f"a killed database is restored to its last commit: {len(lost)} of"
        f" {len(answered)} opens lost",
        holds=not lost,
    )


def _is_archived(installation: Installation) -> bool:
    return installation.sql(
        "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
    ) == [["0"]]
