"""What the commands that import a file have in common: batch by batch, at once."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.imports import batches, lifecycle, spreadsheets
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.models import Import, ImportState, User


def add_arguments(parser: ArgumentParser, *, who: str) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("email", help=f"the {who} who imports them")
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would happen"
    )


def run(command: BaseCommand, user: User, kind: str, options: dict[str, Any]) -> None:
    """Check the file, name the faults, and store the rest unless it is a dry run."""
    begun = _go_on(command, _begin(user, kind, options["file"]))
    told = _tell_faults(command, begun, set())
    if options["dry_run"]:
        good = begun.created + begun.changed
        command.stdout.write(f"would be imported: {good} of {begun.total}")
        begun.delete()
        return
    lifecycle.confirm(begun, by=user, due_in=lifecycle.LEASE)
    begun.refresh_from_db()
    stored = _go_on(command, begun)
    _tell_faults(command, stored, told)
    command.stdout.write(
        f"created: {stored.created}, changed: {stored.changed},"
        f" left out: {stored.skipped}"
    )


def _begin(user: User, kind: str, file: Path) -> Import:
    try:
        content = file.read_bytes()
        return lifecycle.start(
            Upload(user, kind, file.name, content, started_by_cli=True)
        )
    except (OSError, spreadsheets.UnreadableFile) as error:
        raise CommandError(str(error)) from None
    except spreadsheets.MissingHeader:
        raise CommandError(lifecycle.SPECS[kind].missing_header_message) from None


def _go_on(command: BaseCommand, begun: Import) -> Import:
    last = begun
    try:
        for last in batches.batches(begun):
            command.stderr.write(
                f"{last.state}: {last.processed} of {last.total or '?'}"
            )
    except batches.LeaseLost:
        raise CommandError("a worker or an administrator has taken it over") from None
    if last.state == ImportState.FAILED:
        raise CommandError(last.error)
    return last


def _tell_faults(command: BaseCommand, done: Import, told: set[int]) -> set[int]:
    """The rows whose faults have been told by now."""
    faulty = done.rows.exclude(errors=[]).exclude(number__in=told).order_by("number")
    for row in faulty:
        command.stderr.write(f"row {row.number}: {' '.join(row.errors)}")
    return told | {row.number for row in faulty}
