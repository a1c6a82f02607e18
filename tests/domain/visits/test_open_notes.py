"""One note is written for each link and window, in any order of arrival."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortlinks.domain.visits import open_notes, processing
from shortlinks.domain.visits.open_notes import Open, Window
from shortlinks.models import Account, Note, NoteType, ShortLink, Verdict, Visit
from tests import factories
from tests.factories import at

TEN = timedelta(minutes=10)
START = at("12:00")


def noted(*times: str) -> list[tuple[str, int]]:
    """Return the notes of opens at these times, with their counts."""
    found = open_notes.group_by_window([Open(at(time)) for time in times], TEN)
    return [(f"{window.since:%H:%M}", window.opens) for window in found]


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


def test_open_extends_the_existing_note() -> None:
    last = Window(7, at("12:00"), at("12:10"), 3)

    found = open_notes.group_by_window([Open(at("12:05"))], TEN, last=last)

    assert found == [Window(7, at("12:00"), at("12:10"), 4)]


def test_note_keeps_the_length_of_its_window() -> None:
    kept = {at("12:00"): timedelta(minutes=2)}

    found = open_notes.group_by_window(
        [Open(at("12:00")), Open(at("12:05"))], TEN, kept=kept
    )

    assert [window.until for window in found] == [at("12:02"), at("12:15")]


@pytest.mark.parametrize(
    ("before", "wanted", "removed", "plan"),
    [
        pytest.param(["12:05"], ["12:00"], [], (["12:00 is 1"], []), id="moved"),
        pytest.param(["12:00"], ["12:00"], [], ([], []), id="the same"),
        pytest.param(
            ["12:00", "12:10"],
            ["12:10"],
            ["12:00"],
            ([], [1]),
            id="the first withdrawn",
        ),
        pytest.param(
            ["12:00"],
            ["12:03"],
            ["12:00"],
            (["12:03 is None"], [1]),
            id="the first open of a note withdrawn",
        ),
        pytest.param(
            ["12:00"], ["12:00"], ["12:03"], ([], []), id="a later open withdrawn"
        ),
        pytest.param(
            ["12:00 unsure"],
            ["12:00 certain"],
            [],
            (["12:00 is 1"], []),
            id="more certain",
        ),
        pytest.param(
            ["12:00 certain"],
            ["12:00 unsure"],
            [],
            (["12:00 is None"], [1]),
            id="less certain",
        ),
        pytest.param(
            ["12:05"],
            ["12:00", "12:11"],
            [],
            (["12:00 is 1", "12:11 is None"], []),
            id="one more",
        ),
        pytest.param([], [], [], ([], []), id="nothing"),
    ],
)
def test_notes_keep_their_ids_while_what_was_told_is_true(
    before: list[str],
    wanted: list[str],
    removed: list[str],
    plan: tuple[list[str], list[int]],
) -> None:
    found = open_notes.diff(
        [window(number, text) for number, text in enumerate(before, start=1)],
        [window(None, text) for text in wanted],
        [at(time) for time in removed],
    )

    assert (
        [f"{w.since:%H:%M} is {w.id}" for w in found.upserts],
        found.withdrawn,
    ) == plan


def window(id_: int | None, text: str) -> Window:
    """Return a note from a time, such as "12:00", and perhaps a certainty."""
    time, _, certainty = text.partition(" ")
    reason = {"certain": "browser", "unsure": "counted by policy"}.get(certainty, "")
    return Window(id_, at(time), at(time) + TEN, 1, reason)


@pytest.fixture
def link(account: Account) -> ShortLink:
    return factories.link(factories.contact(account))


MINUTES = st.lists(st.integers(0, 60), max_size=12)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(batches=st.lists(MINUTES, max_size=4), later=st.data())
def test_notes_do_not_depend_on_the_order_of_opens_and_verdicts(
    link: ShortLink, batches: list[list[int]], later: st.DataObject
) -> None:
    """Notes follow from all opens by people (docs/adr/0012)."""
    with transaction.atomic():
        opens: list[Visit] = []
        for minutes in batches:
            opens += [
                factories.visit(link, occurred_at=START + timedelta(minutes=minute))
                for minute in minutes
            ]
            processing.process_due()
        overridden = later.draw(
            st.sets(st.sampled_from(opens)) if opens else st.just(set())
        )
        processing.override_verdict([visit.pk for visit in overridden], Verdict.BOT)

        left = [Open(visit.occurred_at) for visit in opens if visit not in overridden]
        expected = [
            (w.since, w.until, w.opens) for w in open_notes.group_by_window(left, TEN)
        ]
        found = [
            (note.period.lower, note.period.upper, note.opens)
            for note in Note.objects.order_by("period")
        ]
        transaction.set_rollback(True)  # the next example starts without rows

    assert found == expected


def test_database_rejects_overlapping_notes(account: Account) -> None:
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
