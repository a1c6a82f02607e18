"""A thousand guesses at passwords are bounded, recorded, and delay no other request."""

import logging
import statistics
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from django.db.models import Sum

from shortlinks.domain import redis_client
from shortlinks.domain.auth.guess_limits import Secret
from shortlinks.models import SecurityEvent, SecurityEventKind, User
from tests import factories, services

logger = logging.getLogger(__name__)

GUESSES = 1000
THREADS = 8
REQUESTS = 100
SIGN_IN = "/admin/login/"
CSRF = "a" * 32  # the same value as cookie and field
PASSWORD = "violet anchor pelican"
OWNER = "198.51.100.7"
ONE_ADDRESS = "203.0.113.5"


@pytest.fixture
def guessed(transactional_db: None) -> Iterator[User]:
    user = factories.admin(factories.account(), email="boss@shop.example")
    user.set_password(PASSWORD)
    user.save()
    yield user
    client = redis_client.client()
    for key in client.scan_iter("*rate:{guess}*"):
        client.delete(key)


@pytest.fixture
def site(guessed: User, tmp_path: Path) -> Iterator[httpx.Client]:
    with services.web(tmp_path, TRUSTED_PROXIES="127.0.0.0/8") as client:
        yield client


class Guesser:
    """Sign-ins with many connections at a time."""

    def __init__(self, url: httpx.URL, email: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=60, limits=services.LIMITS)
        self._email = email
        self._lock = threading.Lock()
        self.statuses: Counter[int] = Counter()

    def enter(self, password: str, address: str, cookies: str = "") -> httpx.Response:
        form = {
            "username": self._email,
            "password": password,
            "csrfmiddlewaretoken": CSRF,
        }
        headers = {
            "X-Forwarded-For": address,
            "Cookie": "; ".join(filter(None, [f"csrftoken={CSRF}", cookies])),
        }
        return self._client.post(SIGN_IN, data=form, headers=headers)

    def guess(self, address_of: Callable[[int], str]) -> None:
        def one(number: int) -> None:
            status = self.enter(f"guess {number}", address_of(number)).status_code
            with self._lock:
                self.statuses[status] += 1

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(one, range(GUESSES)))

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def guesser(site: httpx.Client, guessed: User) -> Iterator[Guesser]:
    opened = Guesser(site.base_url, guessed.email)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("address_of", "checked"),
    [
        (lambda _: ONE_ADDRESS, Secret.PASSWORD.per_target),
        (lambda n: f"203.{n // 250}.{n % 250}.1", Secret.PASSWORD.per_target),
    ],
    ids=["one address", "as many addresses"],
)
def test_thousand_guesses_are_bounded_and_the_owner_signs_in(
    site: httpx.Client,
    guesser: Guesser,
    guessed: User,
    address_of: Callable[[int], str],
    checked: int,
) -> None:
    first = guesser.enter(PASSWORD, OWNER)
    known = "; ".join(f"{name}={value}" for name, value in first.cookies.items())
    headers = {"Authorization": f"Bearer {factories.token(guessed)}"}
    before = median_time(site, headers)
    guesses = threading.Thread(target=guesser.guess, args=[address_of])
    guesses.start()
    during = median_time(site, headers)
    owner = guesser.enter(PASSWORD, "192.0.2.77", known.replace("sessionid", "old"))
    guesses.join()

    logger.info("API: %.1f ms before, %.1f ms during", before * 1e3, during * 1e3)
    assert (first.status_code, owner.status_code) == (302, 302)
    assert guesser.statuses == {200: checked, 429: GUESSES - checked}
    recorded = SecurityEvent.objects.filter(kind=SecurityEventKind.SIGN_IN_FAILED)
    assert recorded.aggregate(n=Sum("count"))["n"] == checked
    assert SecurityEvent.objects.filter(kind=SecurityEventKind.SIGN_IN_BLOCKED).exists()


def median_time(site: httpx.Client, headers: dict[str, str]) -> float:
    """Return the median of the seconds that requests of the API take."""
    responses = [site.get("/api/v4/account", headers=headers) for _ in range(REQUESTS)]
    assert {each.status_code for each in responses} == {200}
    return statistics.median(each.elapsed.total_seconds() for each in responses)
