"""Verifiers of staff handoffs, as browsers return them."""

import pytest
from pytest_django import Settings

from shortlinks.domain.visits import staff_handoff


def pair(header: bytes) -> bytes:
    """Return the cookie of a Set-Cookie header, as the browser returns it."""
    return header.partition(b";")[0]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_verifier_is_found_among_other_cookies(settings: Settings, scheme: str) -> None:
    settings.SHORT_BASE_URL = f"{scheme}://go.example"
    first, second = staff_handoff.new_verifier(), staff_handoff.new_verifier()
    cookies = b"; ".join([b"a=b", pair(first[1]), pair(second[1]), b"c=d"])

    assert staff_handoff.has_verifier(cookies, first[0])
    assert staff_handoff.has_verifier(cookies, second[0])
    assert not staff_handoff.has_verifier(cookies, "0" * 64)
    assert not staff_handoff.has_verifier(b"", first[0])


def test_verifier_of_another_host_is_ignored_over_https(settings: Settings) -> None:
    """Hosts of the same site can set cookies for it, but not with __Host-."""
    settings.SHORT_BASE_URL = "https://go.example"
    challenge, header = staff_handoff.new_verifier()
    planted = pair(header).removeprefix(b"__Host-")

    assert not staff_handoff.has_verifier(planted, challenge)
    assert not staff_handoff.has_verifier(b"x" + pair(header), challenge)


def test_verifier_cookie_is_hidden_from_scripts_and_other_hosts(
    settings: Settings,
) -> None:
    settings.SHORT_BASE_URL = "https://go.example"

    _, header = staff_handoff.new_verifier()

    assert header.startswith(b"__Host-slverifier-")
    attributes = b"Path=/; Max-Age=120; HttpOnly; SameSite=Lax; Secure"
    assert header.partition(b"; ")[2] == attributes
