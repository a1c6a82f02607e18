"""The table for people, and the same as JSON for programs."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from benchmarks.servers import CHECKOUT
from faults.trial import Outcome, Plan

FOLDER = CHECKOUT / "var" / "faults"
WIDTHS = (30, 7, 9, 7, 5, 9, 12, 15, 9, 8)
COLUMNS = (
    *("fault", "sent", "answered", "stored", "cut", "followed"),
    *("notes", "p99 before/after", "settled", "verdict"),
)


def head() -> str:
    return _line(COLUMNS)


def row(outcome: Outcome) -> str:
    tally = outcome.tally
    waits = f"{_ms(outcome.waits.before)}/{_ms(outcome.waits.after)}"
    return _line(
        (
            outcome.name,
            f"{tally.sent}",
            f"{tally.answered}",
            f"{tally.stored}" + (f" ({tally.lost} lost)" if tally.lost else ""),
            f"{tally.cut}",
            f"{tally.followed_up}",
            f"{tally.notes_expected}/{tally.notes_found}",
            waits,
            f"{outcome.settled:.1f} s",
            "; ".join(outcome.broken) or "held",
        )
    )


def write(
    outcomes: Sequence[Outcome],
    failures: Sequence[str],
    plan: Plan,
    machine: dict[str, str | int | float],
    *,
    at: datetime,
) -> Path:
    """The file's path."""
    content = {
        "at": at.isoformat(timespec="seconds"),
        "machine": machine,
        "plan": asdict(plan),
        "faults": [asdict(outcome) for outcome in outcomes],
        "failures": list(failures),
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{at:%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def keep_logs(base: Path) -> None:
    """Of the processes, in place of those of the last run."""
    logs = FOLDER / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    for log in base.glob("*.log"):
        shutil.copy(log, logs / log.name)


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f}"


def _line(cells: Sequence[str]) -> str:
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, WIDTHS, strict=True))
    return " ".join(padded).rstrip()
