"""Bursts of one visitor hash are suspects (docs/what-counts-as-an-open.md)."""

import random
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from shortlinks.domain.visits import burst_detection, processing
from shortlinks.domain.visits.burst_detection import Hit
from shortlinks.models import (
    Account,
    DailyVisits,
    Note,
    Pixel,
    PixelAttachment,
    ReevaluationBatch,
    ShortLink,
    Verdict,
    Visit,
)
from tests import factories
from tests.factories import at, cookie_sha256

GATEWAY = b"a gateway's hash"
ONE, OTHER = UUID(int=1), UUID(int=2)


def hits(*opened: tuple[float, int, UUID], is_test: bool = False) -> list[Hit]:
    """Return opens of links at these seconds, each link of another contact."""
    start = at("12:00")
    return [
        Hit(uuid7(), start + timedelta(seconds=second), link, link, batch, is_test)
        for second, link, batch in opened
    ]


@pytest.mark.parametrize(
    ("opened", "suspects"),
    [
        pytest.param(hits((0, 1, ONE), (1, 2, ONE)), 0, id="two links"),
        pytest.param(hits((0, 1, ONE), (1, 2, ONE), (5, 3, ONE)), 3, id="burst"),
        pytest.param(
            hits((0, 1, ONE), (1, 2, ONE), (5.1, 3, ONE)), 0, id="three slowly"
        ),
        pytest.param(hits((0, 1, ONE), (1, 1, ONE), (2, 1, ONE)), 0, id="one link"),
        pytest.param(
            hits((0, 1, ONE), (1, 2, OTHER), (2, 3, UUID(int=3))), 0, id="few contacts"
        ),
        pytest.param(
            hits(*((n, n, UUID(int=n)) for n in range(5))), 5, id="many contacts"
        ),
        pytest.param(
            hits((0, 1, ONE), (1, 2, ONE), (2, 3, ONE), (60, 4, ONE)), 3, id="then one"
        ),
        pytest.param(
            hits(*((0, n, ONE) for n in range(10)), is_test=True), 0, id="tests"
        ),
        pytest.param(
            hits(*((0, n, ONE) for n in range(11)), is_test=True), 11, id="many"
        ),
        pytest.param(
            hits(*((2 * n, n, ONE) for n in range(20)), is_test=True), 20, id="slow"
        ),
    ],
)  # fmt: skip
def test_burst_is_found_by_links_contacts_and_seconds(
    opened: list[Hit], suspects: int
) -> None:
    assert len(burst_detection.find_bursts(opened)) == suspects


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=15),
    st.randoms(use_true_random=False),
)
def test_burst_does_not_depend_on_the_order_of_hits(
    opened: list[tuple[int, int]], chance: random.Random
) -> None:
    known = hits(*((second, link, ONE) for second, link in opened))
    shuffled = list(known)
    chance.shuffle(shuffled)

    assert burst_detection.find_bursts(shuffled) == burst_detection.find_bursts(known)


# --- a mailing, processed ----------------------------------------------------


@pytest.fixture
def mailing(account: Account) -> list[ShortLink]:
    """A batch of links, one for each of 200 contacts."""
    contacts = [factories.contact(account) for _ in range(200)]
    return factories.links(contacts)


def scan(
    links: Sequence[ShortLink], *, since: datetime, **fields: object
) -> list[Visit]:
    """Open all links with one visitor hash, ten a second."""
    step = timedelta(seconds=0.1)
    return [
        factories.visit(
            link, occurred_at=since + n * step, visitor_hash=GATEWAY, **fields
        )
        for n, link in enumerate(links)
    ]


def process_in_parts(scanned: Sequence[Visit], *, size: int) -> None:
    """Process the visits in parts of this size, in this order."""
    Visit.objects.filter(due_at__isnull=False).update(
        due_at=timezone.now() + timedelta(hours=1)
    )
    for start in range(0, len(scanned), size):
        part = [visit.pk for visit in scanned[start : start + size]]
        Visit.objects.filter(pk__in=part).update(
            due_at=timezone.now() - timedelta(hours=1)
        )
        assert processing.process_due().claimed == len(part)


@pytest.mark.parametrize("size", [1, 2, 7, 200])
def test_scanned_mailing_has_notes_of_real_opens_only(
    mailing: list[ShortLink], size: int
) -> None:
    start = at("12:00")
    links = list(mailing)
    random.Random(size).shuffle(links)
    opens = scan(links, since=start)
    readers = links[::20]
    for n, link in enumerate(readers):
        # five of them share an address; their browsers differ
        fields = {"address": "198.51.100.0"} if n < 5 else {}
        at_ = start + timedelta(seconds=2 * n)
        opens.append(factories.visit(link, occurred_at=at_, **fields))
    random.Random(size).shuffle(opens)

    process_in_parts(opens, size=size)

    assert sorted(Note.objects.values_list("link", "opens")) == sorted(
        (link.id, 1) for link in readers
    )
    assert verdicts() == {"suspect": 200, "person": 10}


def verdicts() -> dict[str, int]:
    counted: dict[str, int] = {}
    for verdict, count in DailyVisits.objects.values_list("verdict", "visits"):
        counted[verdict] = counted.get(verdict, 0) + count
    return {verdict: count for verdict, count in counted.items() if count}


def test_browser_of_a_scanner_is_detached_when_its_burst_is_found(
    mailing: list[ShortLink],
) -> None:
    first, second, third, *_ = mailing
    person = factories.visit(first, pixel_sha256=cookie_sha256("a person"))
    opens = scan([first, second], since=at("12:00"), pixel_sha256=cookie_sha256("gw"))
    process_in_parts([person, *opens], size=3)
    assert PixelAttachment.objects.count() == 3

    process_in_parts(
        scan([third], since=at("12:00:01"), pixel_sha256=cookie_sha256("gw")), size=1
    )

    attachment = PixelAttachment.objects.get()
    assert bytes(attachment.pixel.cookie_sha256) == cookie_sha256("a person")
    assert Pixel.objects.count() == 1


def test_suspect_is_a_person_if_it_returns_as_one(mailing: list[ShortLink]) -> None:
    process_in_parts(scan(mailing[:3], since=at("12:00")), size=3)
    assert not Note.objects.exists()

    again = factories.visit(
        mailing[1], occurred_at=at("12:00:30"), visitor_hash=GATEWAY
    )
    process_in_parts([again], size=1)

    note = Note.objects.get()
    assert (note.link, note.opens, note.created_at) == (
        mailing[1],
        2,
        at("12:00") + timedelta(seconds=0.1),
    )


@pytest.mark.parametrize(
    ("policy", "noted"), [("note", 3), ("hold", 0), ("ignore", 0), ("", 0)]
)
def test_suspects_have_notes_by_the_policy_of_the_account(
    mailing: list[ShortLink], account: Account, policy: str, noted: int
) -> None:
    account.suspect_policy = policy
    account.save()

    process_in_parts(scan(mailing[:3], since=at("12:00")), size=3)

    assert Note.objects.count() == noted


def test_suspect_stays_one_if_the_policy_is_ignore(
    mailing: list[ShortLink], account: Account
) -> None:
    account.suspect_policy = "ignore"
    account.save()
    process_in_parts(scan(mailing[:3], since=at("12:00")), size=3)

    again = factories.visit(
        mailing[0], occurred_at=at("12:00:30"), visitor_hash=GATEWAY
    )
    process_in_parts([again], size=1)

    assert Note.objects.get().opens == 1


def test_sender_may_test_new_links(
    mailing: list[ShortLink],
) -> None:
    ShortLink.objects.update(created_from="203.0.113.0")
    tried = [
        factories.visit(link, visitor_hash=GATEWAY, address="203.0.113.0")
        for link in mailing[:5]
    ]

    process_in_parts(tried, size=5)

    assert Note.objects.count() == 5


def test_shared_address_alone_is_not_a_burst(mailing: list[ShortLink]) -> None:
    opens = [
        factories.visit(link, address="198.51.100.0", occurred_at=at("12:00"))
        for link in mailing[:20]
    ]

    process_in_parts(opens, size=20)

    assert Note.objects.count() == 20


def test_overridden_verdict_is_not_reevaluated(
    mailing: list[ShortLink],
) -> None:
    opens = scan(mailing[:3], since=at("12:00"))
    process_in_parts(opens, size=3)

    assert processing.override_verdict([opens[0].pk], Verdict.PERSON) == 1
    with transaction.atomic():
        processing.reevaluate_related([visit.pk for visit in opens])

    assert Note.objects.get().link == mailing[0]
    opens[0].refresh_from_db()
    assert (opens[0].verdict, opens[0].reason) == ("person", processing.OVERRIDDEN)


SOURCES = [secrets.token_bytes(16) for _ in range(2)]
STEPS = st.lists(
    st.tuples(st.integers(0, 100), st.integers(0, 5), st.integers(0, 1)), max_size=12
)


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(opened=STEPS, chance=st.randoms(use_true_random=False), size=st.integers(1, 12))
def test_verdicts_and_notes_do_not_depend_on_the_order_of_processing(
    mailing: list[ShortLink],
    opened: list[tuple[int, int, int]],
    chance: random.Random,
    size: int,
) -> None:
    def replay(order: list[tuple[int, int, int]], size: int) -> tuple[object, object]:
        with transaction.atomic():
            made = [
                factories.visit(
                    mailing[link],
                    occurred_at=at("12:00") + timedelta(seconds=second),
                    visitor_hash=SOURCES[source],
                )
                for second, link, source in order
            ]
            process_in_parts(made, size=size)
            verdicts = dict(Visit.objects.values_list("pk", "verdict"))
            noted = sorted(Note.objects.values_list("link", "period", "opens"))
            found = sorted(
                (step, verdicts[visit.pk])
                for step, visit in zip(order, made, strict=True)
            )
            transaction.set_rollback(True)
        return found, noted

    shuffled = list(opened)
    chance.shuffle(shuffled)

    assert replay(shuffled, size) == replay(opened, len(opened) or 1)


def test_burst_is_found_if_two_workers_processed_its_halves(
    mailing: list[ShortLink],
) -> None:
    """Neither loaded the visits of the other, so a reevaluation finds the burst."""
    opens = scan(mailing[:6], since=at("12:00"))
    for half in (opens[::2], opens[1::2]):
        Visit.objects.filter(pk__in=[v.pk for v in half]).update(
            verdict="person", due_at=None, processed_at=timezone.now()
        )
        ReevaluationBatch.objects.create(visits=[visit.pk for visit in half])

    processing.process_due()

    assert set(Visit.objects.values_list("verdict", flat=True)) == {"suspect"}
    assert not ReevaluationBatch.objects.exists()


def test_burst_of_more_visits_than_are_loaded_has_no_notes(
    account: Account,
) -> None:
    links = factories.links([factories.contact(account) for _ in range(320)])
    opens = scan(links, since=at("12:00"))

    process_in_parts([*opens[5:], *opens[:5]], size=315)

    assert not Note.objects.exists()


def test_burst_says_nothing_about_hours_of_which_all_visits_are_loaded(
    account: Account,
) -> None:
    """The visits of an outage are processed together with later ones."""
    links = factories.links([factories.contact(account) for _ in range(320)])
    process_in_parts(scan(links, since=at("12:00")), size=320)
    early = factories.visit(links[0], occurred_at=at("10:00"), visitor_hash=GATEWAY)
    late = factories.visit(links[1], occurred_at=at("12:01"), visitor_hash=GATEWAY)

    process_in_parts([early, late], size=2)

    assert set(Note.objects.values_list("link", flat=True)) == {
        links[0].id,
        links[1].id,
    }


def test_one_link_opened_very_often_is_not_a_burst(mailing: list[ShortLink]) -> None:
    scan(mailing[:1] * 320, since=at("12:00"))

    processing.process_due()

    assert Note.objects.get().opens == 320


def test_people_with_one_visitor_hash_are_distinguished_by_their_cookies(
    mailing: list[ShortLink],
) -> None:
    opens = [
        factories.visit(
            link, visitor_hash=GATEWAY, pixel_sha256=cookie_sha256(str(link.id))
        )
        for link in mailing[:5]
    ]

    process_in_parts(opens, size=5)

    assert Note.objects.count() == 5


def test_scanner_that_keeps_its_cookie_is_found(mailing: list[ShortLink]) -> None:
    opens = scan(mailing[:5], since=at("12:00"), pixel_sha256=cookie_sha256("a jar"))

    process_in_parts(opens, size=5)

    assert not Note.objects.exists()
