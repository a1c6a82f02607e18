"""Lines of a drill's output, and the comparison of the load with what is stored."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from systemtests import traffic
from systemtests.drills.installation import POLL_SECONDS, Installation
from systemtests.integration import Integration
from systemtests.polling import wait_for
from systemtests.traffic import Open

SETTLE_SECONDS = 60.0


@dataclass
class Results:
    held: bool = True

    def note(self, line: str) -> None:
        print(f"[drill] {line}", flush=True)

    def expect(self, line: str, *, holds: bool) -> None:
        self.held &= holds
        self.note(f"{'held  ' if holds else 'BROKEN'} {line}")


def failed(opened: Sequence[Open]) -> Counter[int]:
    """Count the opens that were not answered with a redirect, by status."""
    return Counter(each.status for each in opened if not each.is_answered)


def verify(
    results: Results,
    installation: Installation,
    opened: Sequence[Open],
    integration: Integration,
) -> None:
    """Expect each answered open and each returned link to be stored exactly once."""
    wait_for(
        lambda: not installation.due_visits(),
        "all visits are processed",
        seconds=SETTLE_SECONDS,
        pause=POLL_SECONDS,
    )
    stored = installation.stored_opens()
    waits = [traffic.percentile(opened, share) or 0 for share in (0.5, 0.99, 1)]
    answered = sum(each.is_answered for each in opened)
    results.note(
        f"{answered} of {len(opened)} opens answered, {len(stored)} stored;"
        f" p50 {waits[0]:.3f} s, p99 {waits[1]:.2f} s, maximum {waits[2]:.2f} s"
    )
    errors = list(traffic.storage_errors(opened, stored))
    results.expect(f"each answered open is stored once: {errors}", holds=not errors)
    errors = list(integration.errors(installation.requested_links()))
    results.expect(
        f"each of {len(integration.created)} returned links exists once,"
        f" after {integration.retries} retries: {errors}",
        holds=not errors,
    )
    _verify_processing(results, installation)


def _verify_processing(results: Results, installation: Installation) -> None:
    [[due, people]] = installation.sql(
        "SELECT count(*) FILTER (WHERE processed_at IS NULL),"
        " count(*) FILTER (WHERE verdict = 'person') FROM shortlinks_visit"
    )
    [[noted]] = installation.sql("SELECT coalesce(sum(opens), 0) FROM shortlinks_note")
    results.expect(f"every visit is processed: {due} are not", holds=due == "0")
    results.expect(
        f"each person's open is counted in a note once: {people} and {noted}",
        holds=people == noted != "0",
    )
