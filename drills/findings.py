"""What a drill found: lines to read, and whether all that was promised held."""

from collections import Counter
from dataclasses import dataclass

from drills import load
from drills.installation import Installation
from drills.load import Seen

SETTLE_SECONDS = 60.0


@dataclass
class Findings:
    held: bool = True

    def note(self, line: str) -> None:
        print(f"[drill] {line}", flush=True)

    def expect(self, line: str, *, holds: bool) -> None:
        self.held &= holds
        self.note(f"{'held  ' if holds else 'BROKEN'} {line}")


def count(found: Findings, installation: Installation, seen: Seen) -> None:
    """Answered, stored, followed up and noted, each open and each link once."""
    load.settle(installation, seconds=SETTLE_SECONDS)
    stored = load.stored(installation)
    opens(found, seen, stored)
    orders(found, installation, seen)
    followed(found, installation)


def opens(found: Findings, seen: Seen, stored: Counter[str]) -> None:
    lost = [mark for mark in seen.answered if mark not in stored]
    twice = [mark for mark, times in stored.items() if times > 1]
    waits = sorted(seen.waits)
    found.note(
        f"{len(seen.answered)} opens answered in {seen.seconds:.0f} s,"
        f" p50 {waits[len(waits) // 2]:.3f} s,"
        f" p99 {waits[len(waits) * 99 // 100]:.2f} s, slowest {waits[-1]:.2f} s;"
        f" {len(stored)} stored"
    )
    found.expect(f"no redirect failed: {dict(seen.failed)}", holds=not seen.failed)
    found.expect(f"no open is lost: {len(lost)}", holds=not lost)
    found.expect(f"none is stored twice: {len(twice)}", holds=not twice)


def orders(found: Findings, installation: Installation, seen: Seen) -> None:
    rows = installation.sql(
        "SELECT url, count(*) FROM shortlinks_shortlink"
        " WHERE url LIKE '%/ordered/%' GROUP BY url"
    )
    made = {url: int(times) for url, times in rows}
    lost = [url for url in seen.links if made.get(url) != 1]
    found.note(
        f"{len(seen.links)} links ordered, {dict(seen.orders_failed)} refused or cut"
    )
    found.expect(f"each ordered link is there, once: {len(lost)}", holds=not lost)


def followed(found: Findings, installation: Installation) -> None:
    [[due, people]] = installation.sql(
        "SELECT count(*) FILTER (WHERE processed_at IS NULL),"
        " count(*) FILTER (WHERE verdict = 'person') FROM shortlinks_visit"
    )
    [[noted]] = installation.sql("SELECT coalesce(sum(opens), 0) FROM shortlinks_note")
    found.expect(f"every visit is followed up: {due} are not", holds=due == "0")
    found.expect(
        f"each open of a person's is in a note, once: {people} and {noted}",
        holds=people == noted != "0",
    )
