"""Reclassify past visits by the current rules."""

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from shortlinks.domain.visits import reclassification

BAR = 40


def moment(text: str) -> datetime:
    """Parse a day or a time; it is UTC if it has no zone."""
    try:
        day = parse_date(text)
        found = datetime(day.year, day.month, day.day) if day else parse_datetime(text)  # noqa: DTZ001
    except ValueError as error:
        raise ArgumentTypeError(f"{text}: {error}") from None
    if found is None:
        raise ArgumentTypeError(f"{text} is not a time such as 2026-11-01T12:00")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


class Command(BaseCommand):
    help = (
        "Reclassify past visits by the current rules, and update notes, pixels and"
        " counters. Verdicts set by an administrator stay."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=moment, required=True, help="first time")
        parser.add_argument("--until", type=moment, help="last time, by default now")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="only show changes",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = options["since"], options["until"] or timezone.now()
        if since > until:
            raise CommandError("--since is after --until")
        total = reclassification.count(since, until)
        seen = 0
        changes: Counter[tuple[str, str]] = Counter()
        for page in reclassification.reclassify(
            since, until, dry_run=options["dry_run"]
        ):
            seen += page.visits
            changes += page.changes
            self._show_progress(seen, total)
        self._report(seen, changes, dry_run=options["dry_run"])

    def _show_progress(self, seen: int, total: int) -> None:
        if not sys.stderr.isatty():
            return
        share = min(seen / max(total, 1), 1)
        bar = "#" * int(share * BAR)
        self.stderr.write(f"\r[{bar:<{BAR}}] {share:4.0%} of {total}", ending="")
        if seen >= total:
            self.stderr.write("")

    def _report(
        self, seen: int, changes: Counter[tuple[str, str]], *, dry_run: bool
    ) -> None:
        for (before, after), count in sorted(changes.items()):
            self.stdout.write(f"{before} -> {after}: {count}")
        verb = "would change" if dry_run else "changed"
        self.stdout.write(f"{seen} visits classified, {changes.total()} {verb}.")
