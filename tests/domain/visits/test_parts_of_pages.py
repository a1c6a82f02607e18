"""A request by a page is not an open, even if the person clicks soon after."""

import pytest

from shortlinks.domain.visits import processing
from shortlinks.models import Account, Note
from tests import factories
from tests.factories import at

VISITOR = b"a visitor's hash"


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        pytest.param(
            {"sec_fetch": "cross-site navigate iframe -"},
            "within a frame",
            id="frame",
        ),
        pytest.param(
            {"sec_fetch": "", "accepts_html": False},
            "no page accepted",
            id="image over http",
        ),
    ],
)
@pytest.mark.parametrize("passes", [0, 1], ids=["together", "earlier"])
def test_part_of_a_page_stays_a_suspect_if_the_person_clicks_later(
    account: Account, facts: dict[str, object], reason: str, passes: int
) -> None:
    link = factories.link(factories.contact(account))
    part = factories.visit(link, occurred_at=at("12:00"), visitor_hash=VISITOR, **facts)
    for _ in range(passes):
        processing.process_due()
    factories.visit(link, occurred_at=at("12:00:20"), visitor_hash=VISITOR)

    processing.process_due()

    part.refresh_from_db()
    assert (part.verdict, part.reason) == ("suspect", reason)
    note = Note.objects.get()
    assert (note.opens, note.created_at) == (1, at("12:00:20"))
