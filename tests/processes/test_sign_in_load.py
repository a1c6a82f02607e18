"""Many wrong passwords at a time delay no other request."""

import threading
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from shortlinks.models import User
from tests import factories, services

GUESSERS = 24
REQUESTS = 40
MAX_SECONDS = 1.0
SIGN_IN = "/admin/login/"
CSRF = "a" * 32  # the same value as cookie and field


class Guesser(threading.Thread):
    def __init__(self, url: httpx.URL, email: str, statuses: Counter[int]) -> None:
        super().__init__()
        form = {"username": email, "password": "wrong", "csrfmiddlewaretoken": CSRF}
        self._client = httpx.Client(
            base_url=url, cookies={"csrftoken": CSRF}, timeout=60
        )
        self._form = form
        self._statuses = statuses
        self._is_over = threading.Event()

    def run(self) -> None:
        while not self._is_over.is_set():
            status = self._client.post(SIGN_IN, data=self._form).status_code
            self._statuses[status] += 1

    def finish(self) -> None:
        """Send no further request."""
        self._is_over.set()

    def wait(self) -> None:
        self.join()
        self._client.close()


@pytest.fixture
def admin(transactional_db: None) -> User:
    return factories.admin(factories.account())


@pytest.fixture
def statuses(web: httpx.Client, admin: User) -> Iterator[Counter[int]]:
    """Answers to wrong passwords, which are sent during the test."""
    counts: Counter[int] = Counter()
    guessers = [Guesser(web.base_url, admin.email, counts) for _ in range(GUESSERS)]
    for each in guessers:
        each.start()
    yield counts
    for each in guessers:
        each.finish()
    for each in guessers:
        each.wait()


def test_wrong_passwords_delay_no_other_request(
    web: httpx.Client, statuses: Counter[int], admin: User
) -> None:
    headers = {"Authorization": f"Bearer {factories.token(admin)}"}
    services.wait_for(lambda: {200, 429} <= statuses.keys())

    responses = [
        web.get(path, headers=headers)
        for path in ("/api/v4/account", "/healthz")
        for _ in range(REQUESTS)
    ]

    assert {each.status_code for each in responses} == {200}
    times = sorted(each.elapsed.total_seconds() for each in responses)
    assert times[-2] < MAX_SECONDS
    assert set(statuses) == {200, 429}
