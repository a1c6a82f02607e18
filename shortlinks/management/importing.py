"""What commands that import a file have in common: its rows checked, faults told."""

from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from django.core.management.base import BaseCommand, CommandError

from shortlinks.domain import tables


class Line(Protocol):
    number: int
    faults: list[str]


L = TypeVar("L", bound=Line)


def add_arguments(parser: ArgumentParser, *, who: str) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("email", help=f"the {who} who imports them")
    parser.add_argument(
        "--dry-run", action="store_true", help="only say what would happen"
    )


def checked(
    file: Path, check: Callable[[Sequence[Sequence[str]]], list[L]], *, no_head: str
) -> list[L]:
    """The file's rows; CommandError if it is none that can be read."""
    try:
        return check(tables.read(file.read_bytes()))
    except (OSError, tables.NoTable) as error:
        raise CommandError(str(error)) from None
    except tables.NoHead:
        raise CommandError(no_head) from None


def tell(command: BaseCommand, lines: Sequence[Line], options: dict[str, Any]) -> bool:
    """Name the faults; whether it goes on, which a dry run does not."""
    for line in lines:
        if line.faults:
            command.stderr.write(f"row {line.number}: {' '.join(line.faults)}")
    if options["dry_run"]:
        good = sum(not line.faults for line in lines)
        command.stdout.write(f"would be imported: {good} of {len(lines)}")
    return not options["dry_run"]
