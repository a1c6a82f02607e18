"""Invitations to the staff cookie work once, in the browser that asked for them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.conf import settings

from shortlinks.domain import redis_client
from shortlinks.domain.visits import staff_cookie, staff_handoff
from shortlinks.domain.visits.staff_handoff import Start
from shortlinks.models import Account, User
from tests import factories, services

BACK = "/admin/?page=2"
START = Start("session", "", BACK)
UNKNOWN_CODE = "/AbcdefGHJKLm"


@pytest.fixture
def manager(account: Account) -> User:
    return factories.user(account)


@pytest.fixture
def other_browser(visitor: httpx.Client) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=visitor.base_url, headers=visitor.headers) as client:
        yield client


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def start() -> str:
    return path_of(staff_handoff.start_url("session", "", BACK))


def request_challenge(browser: httpx.Client) -> str:
    """Start a handoff in the browser, and return the challenge sent to the admin."""
    check = browser.get(start()).headers["location"]
    callback = urlsplit(browser.get(check).headers["location"])
    return parse_qs(callback.query)[staff_handoff.CHALLENGE][0]


def invitation(user: User, challenge: str) -> str:
    return path_of(staff_handoff.invitation_url(user, START, challenge))


def invite(browser: httpx.Client, user: User) -> str:
    """Return the path of an invitation for this browser."""
    return invitation(user, request_challenge(browser))


def is_staff(browser: httpx.Client, user: User) -> bool:
    value = browser.cookies.get(staff_cookie.cookie_name(), default="")
    cookie = f"{staff_cookie.cookie_name()}={value}".encode()
    return staff_cookie.read(cookie, user.account_id or 0) == f"user {user.pk}"


def outcome(response: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    return response.status_code, response.content, {**response.headers, "date": ""}


def test_invitation_sets_the_cookie_and_leads_back(
    visitor: httpx.Client, manager: User
) -> None:
    response = visitor.get(invite(visitor, manager))

    assert response.status_code == 303
    assert response.headers["location"] == f"{settings.BASE_URL}{BACK}"
    assert is_staff(visitor, manager)
    assert list(visitor.cookies) == [staff_cookie.cookie_name()]


def test_invitation_works_once(visitor: httpx.Client, manager: User) -> None:
    path = invite(visitor, manager)
    verifier = dict(visitor.cookies)
    visitor.get(path)
    visitor.cookies.clear()
    visitor.cookies.update(verifier)

    second = visitor.get(path)

    assert outcome(second) == outcome(visitor.get(UNKNOWN_CODE))
    assert not is_staff(visitor, manager)


def test_invitation_works_once_for_simultaneous_requests(
    visitor: httpx.Client, manager: User
) -> None:
    path = invite(visitor, manager)
    cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
    url, headers = f"{visitor.base_url}{path}", {"Cookie": cookies}

    responses = services.in_threads(lambda: httpx.get(url, headers=headers), 16)

    assert sorted(each.status_code for each in responses) == [303, *[404] * 15]


def test_invitation_works_in_no_other_browser(
    visitor: httpx.Client, other_browser: httpx.Client, manager: User
) -> None:
    """A user sends a client the URL, and the client's browser has a verifier, too."""
    path = invite(visitor, manager)
    request_challenge(other_browser)

    response = other_browser.get(path)

    assert outcome(response) == outcome(visitor.get(UNKNOWN_CODE))
    assert not is_staff(other_browser, manager)
    assert visitor.get(path).status_code == 303


def forged(user: User, challenge: str) -> str:
    path = invitation(user, challenge)
    return path[:-1] + ("A" if path[-1] != "A" else "B")


def expired(user: User, challenge: str) -> str:
    with pytest.MonkeyPatch.context() as patch:
        past = time.time() - staff_handoff.TTL.total_seconds() - 2
        patch.setattr("django.core.signing.time.time", lambda: past)
        return invitation(user, challenge)


def other_purpose(user: User, challenge: str) -> str:
    value = staff_cookie.cookie_value(user.pk, user.account_id)
    return f"{staff_handoff.PATH}?{staff_handoff.INVITATION}={value}"


@pytest.mark.parametrize("make", [forged, expired, other_purpose])
def test_invalid_invitation_is_404(
    visitor: httpx.Client, manager: User, make: Callable[[User, str], str]
) -> None:
    challenge = request_challenge(visitor)

    response = visitor.get(make(manager, challenge))

    assert outcome(response) == outcome(visitor.get(UNKNOWN_CODE))
    assert visitor.get(invitation(manager, challenge)).status_code == 303


@pytest.mark.parametrize("query", ["", "?t=", "?t=junk", "?start=", "?start=junk"])
def test_staff_path_without_a_token_is_404(visitor: httpx.Client, query: str) -> None:
    response = visitor.get(f"{staff_handoff.PATH}{query}")

    assert outcome(response) == outcome(visitor.get(UNKNOWN_CODE))


def test_rejected_invitations_store_nothing_in_redis(
    visitor: httpx.Client, manager: User
) -> None:
    pattern = staff_handoff.claim_key("*")
    before = set(redis_client.client().scan_iter(pattern))

    visitor.get(forged(manager, "challenge"))
    visitor.get(invitation(manager, "challenge"))

    assert set(redis_client.client().scan_iter(pattern)) == before


def test_previews_do_not_use_an_invitation_up(
    visitor: httpx.Client, manager: User
) -> None:
    path = invite(visitor, manager)

    assert visitor.head(path).status_code == 404
    assert visitor.get(path, headers={"Sec-Purpose": "prefetch"}).status_code == 404
    assert visitor.get(path).status_code == 303


def test_start_in_two_tabs_at_once_works_in_both(
    visitor: httpx.Client, manager: User
) -> None:
    checks = [visitor.get(start()).headers["location"] for _ in range(2)]
    callbacks = [urlsplit(visitor.get(each).headers["location"]) for each in checks]
    challenges = [parse_qs(each.query)["challenge"][0] for each in callbacks]

    responses = [visitor.get(invitation(manager, each)) for each in challenges]

    assert [each.status_code for each in responses] == [303, 303]


def test_start_without_cookies_returns_no_challenge(
    visitor: httpx.Client, other_browser: httpx.Client
) -> None:
    check = visitor.get(start()).headers["location"]

    callback = urlsplit(other_browser.get(check).headers["location"])

    query = parse_qs(callback.query, keep_blank_values=True)
    assert callback.path == staff_handoff.CALLBACK_PATH
    assert query[staff_handoff.CHALLENGE] == [""]


def test_many_starts_leave_few_verifiers(visitor: httpx.Client) -> None:
    for _ in range(3 * staff_handoff.MAX_VERIFIERS):
        visitor.get(start())

        assert len(visitor.cookies) <= staff_handoff.MAX_VERIFIERS


def test_without_redis_the_browser_is_sent_back_without_the_cookie(
    starts_processes: None, tmp_path: Path, manager: User
) -> None:
    unavailable = f"redis://127.0.0.1:{services.free_port()}"
    with services.redirects(tmp_path, REDIS_URL=unavailable) as browser:
        response = browser.get(invite(browser, manager))

        assert response.status_code == 303
        assert response.headers["location"] == f"{settings.BASE_URL}{BACK}"
        assert "set-cookie" not in response.headers
        assert browser.get(invite(browser, manager)).status_code == 303
        assert browser.get(forged(manager, "challenge")).status_code == 404
