"""The oracle, and the comparison that finds lost, duplicate and refused opens."""

from datetime import datetime, timedelta

import pytest

from systemtests.chaos import oracle, verification
from systemtests.chaos.oracle import Note, Stored
from systemtests.traffic import Open
from tests.factories import at


def visit(time: str, *, batch: str = "13:00", **fields: object) -> Stored:
    values: dict[str, object] = {
        "referer": "n0.mail.example",
        "link_id": 1,
        "contact_id": 1,
        "verdict": "person",
        "occurred_at": at(time),
        "processed_at": at(batch),
        "pixel_sha256": b"",
        "window": timedelta(minutes=10),
        "time_zone": "Europe/Moscow",
        **fields,
    }
    return Stored(**values)  # type: ignore[arg-type]


def note(since: str, until: str, opens: int) -> tuple[datetime, datetime, int]:
    return at(since), at(until), opens


@pytest.mark.parametrize(
    ("visits", "notes"),
    [
        ([visit("12:00"), visit("12:09")], [note("12:00", "12:10", 2)]),
        (
            [visit("12:10"), visit("12:00")],
            [note("12:00", "12:10", 1), note("12:10", "12:20", 1)],
        ),
        (
            [visit("12:05"), visit("12:00", batch="13:01")],
            [note("12:00", "12:10", 2)],
        ),
    ],
    ids=["one window", "two windows", "late visit"],
)
def test_notes_follow_the_windows(visits: list[Stored], notes: list[Note]) -> None:
    assert oracle.notes(visits) == {1: notes}


def test_notes_count_only_people() -> None:
    assert oracle.notes([visit("12:00", verdict="bot")]) == {}


def test_days_use_the_time_zone_of_the_account() -> None:
    late = visit("22:00")

    [(_, day, _)] = oracle.days([late])

    assert day.isoformat() == "2026-11-24"


def opened(number: int, *, status: int = 302) -> Open:
    return Open(number, 0, "code", due=1.0, sent=1.0, ended=1.1, status=status)


@pytest.mark.parametrize(
    ("opens", "stored", "lost", "broken"),
    [
        ([opened(0)], ["n0"], 0, ""),
        ([opened(0), opened(1, status=0)], ["n0", "n1"], 0, ""),
        ([opened(0)], [], 1, ""),
        ([opened(0)], [], 0, "1 answered opens are not stored"),
        ([opened(0)], ["n0", "n0"], 0, "1 opens are stored twice"),
        ([opened(0)], ["n0", "n7"], 0, "neither answered nor cut"),
        ([opened(0), opened(1, status=503)], ["n0"], 0, "opens were refused"),
    ],
    ids=["stored", "cut", "reported", "lost", "doubled", "surplus", "refused"],
)
def test_opens_are_compared_with_stored_visits(
    opens: list[Open], stored: list[str], lost: int, broken: str
) -> None:
    visits = [visit("12:00", referer=f"{name}.mail.example") for name in stored]

    found = "; ".join(verification._opens(opens, visits, lost))

    assert broken in found
    assert bool(broken) == bool(found)
