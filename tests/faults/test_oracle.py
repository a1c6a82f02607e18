"""What must come of visits, and that a loss, a double or a wrong note is found."""

from datetime import datetime, timedelta

import pytest

from faults import counting, oracle
from faults.opens import Open
from faults.oracle import Note, Stored
from tests.factories import at


def visit(time: str, *, batch: str = "13:00", **fields: object) -> Stored:
    values: dict[str, object] = {
        "mark": "n0.mail.example",
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
    ids=["one window", "the window ends", "a late one moves it"],
)
def test_windows_of_notes(visits: list[Stored], notes: list[Note]) -> None:
    assert oracle.notes(visits) == {1: notes}


def test_only_people_have_notes() -> None:
    assert oracle.notes([visit("12:00", verdict="bot")]) == {}


def test_days_are_the_accounts_own() -> None:
    late = visit("22:00")

    [(_, day, _)] = oracle.days([late])

    assert day.isoformat() == "2026-11-24"


def opened(number: int, *, status: int = 302) -> Open:
    return Open(number, 0, "code", 0, due=1.0, sent=1.0, ended=1.1, status=status)


@pytest.mark.parametrize(
    ("opens", "stored", "lost", "broken"),
    [
        ([opened(0)], ["n0"], 0, ""),
        ([opened(0), opened(1, status=0)], ["n0", "n1"], 0, ""),
        ([opened(0)], [], 1, ""),
        ([opened(0)], [], 0, "1 answered opens are not stored"),
        ([opened(0)], ["n0", "n0"], 0, "1 opens are stored twice"),
        ([opened(0)], ["n0", "n7"], 0, "neither answered nor cut"),
        ([opened(0), opened(1, status=503)], ["n0"], 0, "opens refused"),
    ],
    ids=["all well", "cut", "lost and told", "lost", "doubled", "invented", "refused"],
)
def test_opens_must_add_up(
    opens: list[Open], stored: list[str], lost: int, broken: str
) -> None:
    visits = [visit("12:00", mark=f"{mark}.mail.example") for mark in stored]

    found = "; ".join(counting._opens(opens, visits, lost))

    assert broken in found
    assert bool(broken) == bool(found)
