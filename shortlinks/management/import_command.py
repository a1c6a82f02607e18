"""The common part of commands that import a file."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain.imports import batches, file_errors, lifecycle
from shortlinks.domain.imports.lifecycle import Upload
from shortlinks.models import Import, ImportState, User


def add_arguments(parser: ArgumentParser, *, role: str) -> None:
    parser.add_argument("file", type=Path, help="a CSV or XLSX file")
    parser.add_argument("email", help=f"the {role} who imports the file")
    parser.add_argument(
        "--dry-run", action="store_true", help="check the file and store nothing"
    )


def run(command: BaseCommand, user: User, kind: str, options: dict[str, Any]) -> None:
    """Check the file, print errors, and store the other rows unless it is a dry run."""
    checked = _process(command, _start(user, kind, options["file"]))
    _print_ignored(command, checked)
    printed = _print_errors(command, checked, set())
    if options["dry_run"]:
        command.stdout.write(f"would be {_counts(checked)}")
        checked.delete()
        return
    lifecycle.confirm(checked, by=user, due_in=lifecycle.LEASE)
    checked.refresh_from_db()
    stored = _process(command, checked)
    _print_errors(command, stored, printed)
    command.stdout.write(_counts(stored))


def _counts(import_: Import) -> str:
    counts = ("created", "changed", "unchanged", "skipped")
    return ", ".join(f"{name}: {getattr(import_, name)}" for name in counts)


def _start(user: User, kind: str, file: Path) -> Import:
    try:
        content = file.read_bytes()
        return lifecycle.start(
            Upload(user, kind, file.name, content, started_by_cli=True)
        )
    except (OSError, file_errors.UnreadableFile) as error:
        raise CommandError(file_errors.translate(str(error))) from None
    except file_errors.MissingHeader:
        raise CommandError(lifecycle.SPECS[kind].missing_header_message) from None


def _process(command: BaseCommand, leased: Import) -> Import:
    current = leased
    try:
        for current in batches.batches(leased):
            total = current.total or "?"
            command.stderr.write(f"{current.state}: {current.processed} of {total}")
    except batches.LeaseLost:
        raise CommandError("A worker or an administrator took the import.") from None
    if current.state == ImportState.FAILED:
        raise CommandError(file_errors.translate(current.error))
    return current


def _print_ignored(command: BaseCommand, import_: Import) -> None:
    for name in import_.ignored_columns:
        command.stderr.write(f"column ignored: {name}")
    for name in import_.ignored_sheets:
        command.stderr.write(f"sheet ignored: {name}")


def _print_errors(command: BaseCommand, import_: Import, printed: set[int]) -> set[int]:
    """Print errors of rows that are not in `printed`; return all printed numbers."""
    rows = (
        import_.rows.exclude(errors=[]).exclude(number__in=printed).order_by("number")
    )
    for row in rows:
        errors = " ".join(map(file_errors.translate, row.errors))
        command.stderr.write(f"row {row.number}: {errors}")
    return printed | {row.number for row in rows}
