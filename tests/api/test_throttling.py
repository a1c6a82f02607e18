"""Rate limits of tokens and accounts (docs/contract.md)."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_django import Settings

from shortlinks.domain.auth import rate_limits, tokens
from shortlinks.domain.auth.rate_limits import Limit
from shortlinks.models import Account, User
from tests import factories, services
from tests.conftest import Api

PATH = "/api/v4/account"


def passes_within_a_second(spans: list[tuple[float, float]]) -> int:
    """Return the most requests that certainly passed within one second."""
    return max(
        sum(began <= start and end < began + 1 for start, end in spans)
        for began, _ in spans
    )


def test_concurrent_requests_never_exceed_the_limit_in_a_second() -> None:
    limits = [Limit(f"test-{time.monotonic_ns()}", 50)]

    def ask(_: int) -> tuple[float, float, float]:
        start = time.monotonic()
        acquired = rate_limits.acquire(limits)
        assert acquired is not None
        return start, time.monotonic(), acquired.wait_seconds

    with ThreadPoolExecutor(16) as pool:
        asked = list(pool.map(ask, range(4000)))

    passed = [(start, end) for start, end, wait in asked if not wait]
    assert len(passed) >= 50
    assert passes_within_a_second(passed) <= 50
    assert all(0 < wait <= 1 for _, _, wait in asked if wait)


@pytest.mark.process
def test_200_concurrent_requests_never_exceed_a_limit_of_50(
    transactional_db: None, tmp_path: Path
) -> None:
    token = factories.token(factories.admin(factories.account()))
    headers = {"Authorization": f"Bearer {token}"}
    with services.web(tmp_path, API_RATE_LIMIT_PER_TOKEN="50") as web:

        def call() -> tuple[float, float, httpx.Response]:
            start = time.monotonic()
            response = web.get(PATH, headers=headers)
            return start, time.monotonic(), response

        called = services.in_threads(call, times=200, threads=200)

    answers = [response for _, _, response in called]
    spans = [(start, end) for start, end, answer in called if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(spans) + len(refused) == 200
    assert passes_within_a_second(spans) <= 50
    assert all(answer.headers["retry-after"] == "1" for answer in refused)


def statuses(*callers: Api) -> list[int]:
    return [caller.get(PATH).status_code for caller in callers]


def test_429_is_a_problem_with_retry_after(api: Api, settings: Settings) -> None:
    settings.API_RATE_LIMIT_PER_TOKEN = 1
    api.get(PATH)

    response: Any = api.get(PATH)

    assert response.status_code == 429
    assert response.headers["Retry-After"] == "1"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {
        "title": "Too Many Requests",
        "type": "https://httpstatus.es/429",
        "status": 429,
        "detail": "Too many requests. Try again after Retry-After seconds.",
    }


def test_tokens_have_their_own_limits_and_share_that_of_the_account(
    admin: User, settings: Settings
) -> None:
    one, other = (Api(factories.token(admin)) for _ in range(2))
    stranger = Api(factories.token(factories.admin(factories.account())))
    settings.API_RATE_LIMIT_PER_TOKEN, settings.API_RATE_LIMIT_PER_ACCOUNT = 1, 2

    assert statuses(one, one, other, other, stranger) == [200, 429, 200, 429, 200]
    settings.API_RATE_LIMIT_PER_TOKEN = 0
    assert statuses(one, stranger) == [429, 200]


def test_token_may_have_its_own_rate(admin: User, settings: Settings) -> None:
    settings.API_RATE_LIMIT_PER_TOKEN = 1
    quick, slow = (tokens.issue(admin, name="a test") for _ in range(2))
    tokens.set_rate_limit(quick.row, 0)

    assert statuses(*[Api(quick.text)] * 3) == [200] * 3
    assert statuses(*[Api(slow.text)] * 2) == [200, 429]


@pytest.mark.process
def test_requests_pass_without_redis(
    account: Account, tmp_path: Path, transactional_db: None
) -> None:
    token = factories.token(factories.admin(account))
    nowhere = f"redis://127.0.0.1:{services.free_port()}/0"
    with services.web(tmp_path, API_RATE_LIMIT_PER_TOKEN="1", REDIS_URL=nowhere) as web:
        headers = {"Authorization": f"Bearer {token}"}
        answers = [web.get(PATH, headers=headers).status_code for _ in range(5)]

    assert answers == [200] * 5


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_not_limited(api: Api, settings: Settings, path: str) -> None:
    settings.API_RATE_LIMIT_PER_TOKEN = 1

    assert 429 not in [api.get(path).status_code for _ in range(5)]
