"""Which hosts Caddy may get certificates for, over HTTP."""

import httpx
import pytest

from shortlinks.models import Account, ShortDomain
from tests import factories
from tests.redirects import customers


def allowed(visitor: httpx.Client, host: str) -> bool:
    answer = visitor.get("/tls-host", params={"domain": host})
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["", "shop.example", "127.0.0.1.example", "%00", "я.example", "a" * 3000]
)
def test_a_host_that_nobody_has_proven_gets_none(
    visitor: httpx.Client, account: Account, host: str
) -> None:
    assert not allowed(visitor, host)


def test_the_services_own_hosts_get_one(visitor: httpx.Client) -> None:
    assert allowed(visitor, "127.0.0.1")


def test_a_short_domain_gets_one_once_it_is_proven(
    visitor: httpx.Client, account: Account
) -> None:
    proven = factories.short_domain(account)
    claimed: ShortDomain = factories.short_domain(account, verified_at=None)

    customers.wait_until(lambda: allowed(visitor, proven.host))
    assert allowed(visitor, proven.host.upper())
    assert not allowed(visitor, claimed.host)
