"""A claimed short domain, and a real name server on loopback."""

from collections.abc import Iterator

import pytest

from shortlinks.models import Account, ShortDomain
from tests import name_servers
from tests.domain.links.short_domain_claims import HOST, Texts, ask


@pytest.fixture
def texts() -> Texts:
    """The TXT records of the name server, by name."""
    return {}


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch, texts: Texts) -> Iterator[None]:
    with name_servers.answering(texts) as address:
        ask(monkeypatch, address)
        yield


@pytest.fixture
def domain(account: Account) -> ShortDomain:
    return ShortDomain.objects.create(account=account, host=HOST)
