import httpx
import pytest

from shortlinks.models import Account, ShortDomain
from tests import factories
from tests.redirects import customer_pages


def is_allowed(visitor: httpx.Client, host: str) -> bool:
    answer = visitor.get("/tls-host", params={"domain": host})
    assert answer.status_code in {200, 404}
    return answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["", "shop.example", "127.0.0.1.example", "%00", "я.example", "a" * 3000]
)
def test_unknown_host_is_not_allowed(
    visitor: httpx.Client, account: Account, host: str
) -> None:
    assert not is_allowed(visitor, host)


def test_own_host_is_allowed(visitor: httpx.Client) -> None:
    assert is_allowed(visitor, "127.0.0.1")


def test_short_domain_is_allowed_after_it_is_verified(
    visitor: httpx.Client, account: Account
) -> None:
    verified = factories.short_domain(account)
    claimed: ShortDomain = factories.short_domain(account, verified_at=None)

    customer_pages.wait_until(lambda: is_allowed(visitor, verified.host))
    assert is_allowed(visitor, verified.host.upper())
    assert not is_allowed(visitor, claimed.host)
