"""A proxy that sends an open again, to another process: one visit (ADR 24)."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from shortlinks.models import ShortLink, Visit
from tests import factories, services


def name(*, ago: float = 0.0) -> dict[str, str]:
    moment = int((time.time() - ago) * 1000)
    return {"X-Idempotency-Key": f"{moment} {uuid4()}"}


@pytest.fixture
def stranger(django_db_setup: None, tmp_path: Path) -> Iterator[httpx.Client]:
    """A process that trusts no proxy."""
    with services.redirects(tmp_path) as client:
        client.headers = httpx.Headers(factories.BROWSER)
        yield client


def test_the_same_name_is_the_same_visit(
    visitor: httpx.Client, link: ShortLink
) -> None:
    headers = name()
    answers = [visitor.get(f"/{link.code}", headers=headers) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [302] * 3
    visit = Visit.objects.get()
    assert visit.id.version == 7
    milliseconds, rest = headers["X-Idempotency-Key"].split()
    assert visit.id.int >> 80 == int(milliseconds)
    assert visit.id.int % 2**62 == UUID(rest).int % 2**62


@pytest.mark.parametrize(
    "headers",
    [
        {},
        name(ago=90),
        name(ago=-86_400),
        {"X-Idempotency-Key": "1795000000000 no-uuid"},
        {"X-Idempotency-Key": f"today {uuid4()}"},
        {"X-Idempotency-Key": f"{'9' * 40} {uuid4()}"},
    ],
    ids=["none", "old", "of the future", "no uuid", "no time", "endless"],
)
def test_what_names_nothing_that_is_now_is_a_visit_of_its_own(
    visitor: httpx.Client, link: ShortLink, headers: dict[str, str]
) -> None:
    for _ in range(2):
        assert visitor.get(f"/{link.code}", headers=headers).status_code == 302

    assert Visit.objects.count() == 2


def test_strangers_name_no_visits(stranger: httpx.Client, link: ShortLink) -> None:
    headers = name()
    for _ in range(2):
        assert stranger.get(f"/{link.code}", headers=headers).status_code == 302

    assert Visit.objects.count() == 2
