"""Bursts across midnight UTC, when the visitor hash changes, lose few links."""

from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from shortlinks.domain.visits import burst_detection
from shortlinks.domain.visits.burst_detection import Hit
from tests.factories import at

# Opens at seconds after midnight, of links with a contact each.
OPENS = st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 9)), max_size=30)


def hit(second: int, link: int, batch: UUID | None) -> Hit:
    moment = at("12:00") + timedelta(seconds=second)
    return Hit(uuid7(), moment, link, link, batch, is_sender_test=False)


@pytest.mark.parametrize(
    ("batch", "most"), [(UUID(int=1), 2), (None, 4)], ids=["mailing", "contacts"]
)
@given(opened=OPENS)
def test_halves_of_a_burst_lose_few_links(
    batch: UUID | None, most: int, opened: list[tuple[int, int]]
) -> None:
    hits = [hit(second, link, batch) for second, link in opened]
    whole = burst_detection.find_bursts(hits)
    before = [each for each in hits if each.occurred_at < at("12:00")]
    after = [each for each in hits if each.occurred_at >= at("12:00")]

    for half in (before, after):
        missed = whole - burst_detection.find_bursts(half)
        lost = {each.link_id for each in half if each.id in missed}
        assert len(lost) <= most
