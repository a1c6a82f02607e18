"""One note for each link and window, whatever the order of arrival (DESIGN 9)."""

import itertools
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from shortlinks.domain import notes
from shortlinks.domain.notes import Window
from shortlinks.models import Account, Note, NoteType
from tests import factories
from tests.factories import at

TEN = timedelta(minutes=10)
START = at("12:00")


def noted(*times: str, existing: list[Window] | None = None) -> list[tuple[str, int]]:
    """The notes that opens at these times make or change, with their counts."""
    plan = notes.plan(existing or [], [(at(time), TEN) for time in times])
    return [(f"{window.since:%H:%M}", window.opens) for window in plan]


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        pytest.param(["12:00"], [("12:00", 1)], id="one"),
        pytest.param(["12:00", "12:00"], [("12:00", 2)], id="double tap"),
        pytest.param(["12:00", "12:09"], [("12:00", 2)], id="within"),
        pytest.param(["12:00", "12:10"], [("12:00", 1), ("12:10", 1)], id="edge"),
        pytest.param(
            ["12:00", "12:09", "12:18"], [("12:00", 2), ("12:18", 1)], id="no sliding"
        ),
        pytest.param(["12:09", "12:00"], [("12:00", 2)], id="any order"),
    ],
)
def test_opens_within_a_window_share_a_note(
    times: list[str], expected: list[tuple[str, int]]
) -> None:
    assert noted(*times) == expected


def test_an_open_joins_the_note_that_is_there() -> None:
    existing = [Window(7, at("12:00"), at("12:10"), 3)]

    plan = notes.plan(existing, [(at("12:05"), TEN)])

    assert plan == [Window(7, at("12:00"), at("12:10"), 4)]


def test_a_late_open_just_before_a_note_becomes_its_time() -> None:
    existing = [Window(7, at("12:05"), at("12:15"), 1)]

    plan = notes.plan(existing, [(at("12:00"), TEN)])

    assert plan == [Window(7, at("12:00"), at("12:15"), 2)]


def test_a_late_open_between_two_notes_overlaps_neither() -> None:
    existing = [
        Window(1, at("12:00"), at("12:10"), 1),
        Window(2, at("12:12"), at("12:22"), 1),
    ]

    plan = notes.plan(existing, [(at("12:11"), TEN)])

    assert plan == [Window(2, at("12:11"), at("12:22"), 2)]


MINUTES = st.lists(st.integers(0, 120), max_size=30)


@given(st.lists(MINUTES, max_size=6))
def test_however_opens_arrive_each_counts_once_and_no_notes_overlap(
    batches: list[list[int]],
) -> None:
    stored: dict[int, Window] = {}
    for batch in batches:
        opens = [(START + timedelta(minutes=minute), TEN) for minute in batch]
        for window in notes.plan(stored.values(), opens):
            id_ = len(stored) + 1 if window.id is None else window.id
            stored[id_] = Window(id_, window.since, window.until, window.opens)

    by_time = sorted(stored.values(), key=lambda window: window.since)
    assert sum(window.opens for window in by_time) == sum(map(len, batches))
    assert all(a.until <= b.since for a, b in itertools.pairwise(by_time))


def test_the_database_forbids_a_second_note_in_the_window(account: Account) -> None:
    link = factories.link(factories.contact(account))

    def note(since: datetime) -> Note:
        return Note.objects.create(
            account=account,
            contact=link.contact,
            link=link,
            note_type=NoteType.LINK_FOLLOWED,
            url=link.url,
            opens=1,
            period=(since, since + TEN),
        )

    note(at("12:00"))
    note(at("12:10"))

    with pytest.raises(IntegrityError), transaction.atomic():
        note(at("12:09"))
