"""What all tests share: an account with its people, and callers of the API."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import execnet
import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from shortlinks.models import Account, User
from tests import factories


class Api:
    """A program with a token, talking JSON to the API."""

    def __init__(self, token: str | None) -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self._client.get(path, headers={**self._headers, **headers})  # type: ignore[return-value]

    def post(self, path: str, body: object, **headers: str) -> HttpResponse:
        return self._client.post(  # type: ignore[return-value]
            path,
            body,
            content_type="application/json",
            headers={**self._headers, **headers},
        )

    def patch(self, path: str, body: object) -> HttpResponse:
        return self._client.patch(  # type: ignore[return-value]
            path, body, content_type="application/json", headers=self._headers
        )

    def send(self, method: str, path: str, **options: Any) -> HttpResponse:
        """A request as raw as wanted."""
        headers = {**self._headers, **options.pop("headers", {})}
        return self._client.generic(method, path, headers=headers, **options)  # type: ignore[return-value]


def pytest_xdist_setupnodes(specs: Sequence[execnet.XSpec]) -> None:
    """Who runs tests beside others has a Redis and metrics of his own, as pytest-django
    gives him a database.
    """
    redis_url = urlsplit(os.environ["REDIS_URL"])
    metrics = Path(os.environ["METRICS_DIR"])
    for number, spec in enumerate(specs, start=1):
        spec.env |= {
            "REDIS_URL": redis_url._replace(path=f"/{number}").geturl(),
            "METRICS_DIR": str(metrics.with_name(f"metrics-{number}")),
        }


@pytest.fixture(autouse=True)
def no_limit_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests call as fast as they can; those of the limits set their own."""
    monkeypatch.setattr(settings, "API_RATE_LIMIT_PER_TOKEN", 0)
    monkeypatch.setattr(settings, "API_RATE_LIMIT_PER_ACCOUNT", 0)


@pytest.fixture
def account(db: None) -> Account:
    return factories.account()


@pytest.fixture
def admin(account: Account) -> User:
    return factories.admin(account)


@pytest.fixture
def manager(account: Account) -> User:
    """Sees the contacts he is responsible for."""
    return factories.user(account, contacts_view="M", contacts_edit="M")


@pytest.fixture
def caller() -> Callable[[User], Api]:
    return lambda user: Api(factories.token(user))


@pytest.fixture
def api(admin: User, caller: Callable[[User], Api]) -> Api:
    """An administrator's token, as most integrations have it."""
    return caller(admin)


@pytest.fixture
def anonymous(db: None) -> Api:
    return Api(None)
