"""Every response of the redirects has a content security policy, nosniff and HSTS."""

import httpx
import pytest

from shortlinks.models import ShortLink
from shortlinks.redirects import identify, privacy
from tests import content_policies

PATHS = [
    *("", "nowhere", "123456789012", "healthz", "readyz", "robots.txt", "privacy"),
    *(f"privacy?{privacy.PARAMETER}=no", f"privacy?{privacy.PARAMETER}=yes"),
    *("privacy?erase=yes", "privacy?download=json"),
    *("staff", "staff?t=x", "staff?start=x", "tls-host?domain=x"),
    *(path.removeprefix("/") for path in sorted(identify.PATHS)),
]
PREFETCH = {"Sec-Purpose": "prefetch"}


def faults(response: httpx.Response) -> list[str]:
    policy = response.headers.get("content-security-policy", "")
    needed = {"x-content-type-options", "strict-transport-security"}
    return [
        *sorted(needed - response.headers.keys()),
        *content_policies.problems(policy),
    ]


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "PUT"])
@pytest.mark.parametrize("path", PATHS)
def test_response_has_a_policy(visitor: httpx.Client, path: str, method: str) -> None:
    assert faults(visitor.request(method, f"/{path}")) == []


@pytest.mark.parametrize("headers", [{}, PREFETCH], ids=["visit", "prefetch"])
def test_redirect_has_a_policy(
    visitor: httpx.Client, link: ShortLink, headers: dict[str, str]
) -> None:
    assert faults(visitor.get(f"/{link.code}", headers=headers)) == []
