"""Times of opens on the pages of contacts and of merge suggestions."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shortlinks.admin import contact_comparison, timeline
from shortlinks.domain.visits import processing
from shortlinks.models import Account, Contact, Note, User, Visit
from tests import factories

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def client(account: Account) -> Contact:
    return factories.contact(account)


def open_at(client: Contact, *times: datetime, url: str = factories.URL) -> None:
    """Let a person open the contact's link at each time, each in its own batch."""
    link = client.shortlink_set.filter(url=url).first() or factories.link(client, url)
    for at in times:
        factories.visit(link, occurred_at=at)
        processing.process_due()


def opened(client: Contact) -> list[str]:
    lines = contact_comparison.comparison(client, client)
    [values] = [line.values for line in lines if line.label == "opened URLs"]
    return values[0].split("\n")


def shown(*opens: tuple[datetime, str]) -> list[str]:
    return [f"{contact_comparison.moment(at)} {url}" for at, url in opens]


def test_comparison_shows_the_times_of_opens(client: Contact) -> None:
    later, other = MORNING + timedelta(minutes=4), "https://shop.example/other"
    between = MORNING + timedelta(minutes=2)
    open_at(client, MORNING, later)
    open_at(client, between, url=other)

    assert Note.objects.count() == 2
    assert opened(client) == shown(
        (later, factories.URL), (between, other), (MORNING, factories.URL)
    )


def test_note_whose_visits_are_deleted_has_its_own_time(client: Contact) -> None:
    open_at(client, MORNING)
    Visit.objects.all().delete()

    assert opened(client) == shown((MORNING, factories.URL))


def test_late_note_is_at_the_time_of_its_open(
    admin: User, client: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timeline, "MAX_EVENTS", 2)
    days = [MORNING + timedelta(days=number) for number in range(3)]
    open_at(client, days[1], days[2], days[0])

    events = [e for e in timeline.of(client, admin) if e.icon == "ads_click"]

    assert [event.at for event in events] == [days[2], days[1]]


def test_newest_notes_are_read_in_the_order_of_an_index(client: Contact) -> None:
    other = factories.contact(client.account, merged_into=client)
    for contact in (client, other):
        for number in range(3):
            at = MORNING + timedelta(days=number)
            open_at(contact, at, url=f"https://shop.example/{contact.pk}/{number}")
    own = Contact.objects.same_person(client)

    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        for other_plan in ("seqscan", "sort"):
            cursor.execute(f"SET LOCAL enable_{other_plan} = off")
        notes = contact_comparison.newest_notes(Note.objects.all(), own, 2)
        newest, plan = list(notes), notes.explain()

    assert len(queries) == 4  # settings, notes, plan
    assert {note.contact_id for note in newest} == {client.pk, other.pk}
    assert {note.created_at for note in newest} == {MORNING + timedelta(days=2)}
    assert "Index Only Scan Backward using note_by_contact" in plan


def test_other_notes_do_not_replace_opens(client: Contact) -> None:
    open_at(client, MORNING)
    for number in range(contact_comparison.MAX_ROWS):
        at = MORNING + timedelta(days=1 + number)
        Note.objects.create(
            account=client.account, contact=client, note_type="common", created_at=at
        )

    assert opened(client) == shown((MORNING, factories.URL))
