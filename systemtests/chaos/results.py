"""Lines of the table, and logs of the processes."""

import shutil
from pathlib import Path

from systemtests import report
from systemtests.chaos.experiment import Outcome

WIDTHS = (30, 7, 9, 7, 5, 9, 12, 15, 9, 8)
COLUMNS = (
    *("fault", "sent", "answered", "stored", "cut", "processed"),
    *("notes", "p99 before/after", "settled", "result"),
)


def header() -> str:
    return report.line(COLUMNS, WIDTHS)


def row(outcome: Outcome) -> str:
    counts = outcome.counts
    cells = (
        outcome.name,
        f"{counts.sent}",
        f"{counts.answered}",
        f"{counts.stored}" + (f" ({counts.lost} lost)" if counts.lost else ""),
        f"{counts.cut}",
        f"{counts.processed}",
        f"{counts.notes_expected}/{counts.notes_found}",
        f"{_ms(outcome.waits.before)}/{_ms(outcome.waits.after)}",
        f"{outcome.settled:.1f} s",
        "; ".join(outcome.broken) or "held",
    )
    indented = (f"    {figure}" for figure in outcome.figures)
    return "\n".join([report.line(cells, WIDTHS), *indented])


def keep_logs(base: Path) -> None:
    """Replace the logs of the last run."""
    logs = report.folder("chaos") / "logs"
    logs.mkdir(exist_ok=True)
    for log in base.glob("*.log"):
        shutil.copy(log, logs / log.name)


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.0f}"
