"""An open that a proxy retries is one visit (docs/adr/0024)."""

import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from shortlinks.models import ShortLink, Visit
from tests import factories, services

pytestmark = pytest.mark.process


def idempotency_key(*, ago: float = 0.0) -> dict[str, str]:
    moment = int((time.time() - ago) * 1000)
    return {"X-Idempotency-Key": f"{moment} {uuid4()}"}


@pytest.fixture
def untrusting(django_db_setup: None, tmp_path: Path) -> Iterator[httpx.Client]:
    """A process without trusted proxies."""
    with services.redirects(tmp_path) as client:
        client.headers = httpx.Headers(factories.BROWSER)
        yield client


def test_opens_with_the_same_key_are_one_visit(
    visitor: httpx.Client, link: ShortLink
) -> None:
    headers = idempotency_key()
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
        idempotency_key(ago=90),
        idempotency_key(ago=-86_400),
        {"X-Idempotency-Key": "1795000000000 no-uuid"},
        {"X-Idempotency-Key": f"today {uuid4()}"},
        {"X-Idempotency-Key": f"{'9' * 40} {uuid4()}"},
    ],
    ids=["none", "old", "in the future", "no UUID", "no time", "too long"],
)
def test_opens_with_an_invalid_key_are_separate_visits(
    visitor: httpx.Client, link: ShortLink, headers: dict[str, str]
) -> None:
    for _ in range(2):
        assert visitor.get(f"/{link.code}", headers=headers).status_code == 302

    assert Visit.objects.count() == 2


def test_keys_are_ignored_without_a_trusted_proxy(
    untrusting: httpx.Client, link: ShortLink
) -> None:
    headers = idempotency_key()
    for _ in range(2):
        assert untrusting.get(f"/{link.code}", headers=headers).status_code == 302

    assert Visit.objects.count() == 2
