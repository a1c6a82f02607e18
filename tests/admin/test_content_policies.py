"""Every response of API and admin has a content security policy, errors too."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path
from pytest_django import Settings

from shortlinks.api import csp, database_breaker, problems
from shortlinks.models import User
from tests import content_policies, services
from tests.admin.conftest import SignIn

INLINE = re.compile(r"<style|\sstyle=|<script(?![^>]*\bsrc=)(?![^>]*json)|\son\w+=")


def fail(request: HttpRequest) -> HttpResponse:
    raise RuntimeError


# The routes of the service, and one that fails, for `settings.ROOT_URLCONF`.
urlpatterns = [
    path("admin/fail/", fail),
    path("fail", fail),
    path("api/v4/fail", fail),
    path("", include("config.urls")),
]
handler500 = problems.server_error


def faults(response: Any) -> list[str]:
    """Return what is wrong with the policy, or what it forbids of the page itself."""
    found = content_policies.problems(response.headers.get(csp.HEADER, ""))
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    return found + (INLINE.findall(response.text) if is_page else [])


def answers(path: str, sign_in: SignIn, *users: User) -> Iterator[Any]:
    """Sign in for each request, because one of the routes signs out."""
    clients = [Client(), *(sign_in(user) for user in users)]
    for client in clients:
        yield client.get(path)
        yield client.post(path)


def may_be_stored(path: str, response: Any) -> bool:
    """Browsers keep parts of pages that they poll, and ask whether they changed."""
    stored = response.headers.get("Cache-Control", "")
    is_kept = "no-store" not in stored and stored != "private, no-cache"
    return path.startswith("/admin/") and is_kept


def test_every_route_has_a_policy_and_no_page_of_the_admin_is_stored(
    operator: User, admin: User, sign_in: SignIn
) -> None:
    problems_found, stored = {}, set()

    for route in sorted(content_policies.paths()):
        for response in answers(route, sign_in, operator, admin):
            if problem := faults(response):
                problems_found[route, response.status_code] = problem
            if may_be_stored(route, response):
                stored.add((route, response.status_code))

    assert len(content_policies.paths()) > 150
    assert problems_found == {}
    assert stored == set()


@pytest.mark.parametrize(
    ("path", "status", "host"),
    [
        ("/nowhere", 404, ""),
        ("/admin/nowhere", 404, ""),
        ("/api/v4/nowhere", 404, ""),
        ("/", 400, "other.example"),
        ("/admin/", 400, "other.example"),
        ("/api/v4/account", 400, "other.example"),
        ("/fail", 500, ""),
        ("/admin/fail/", 500, ""),
        ("/api/v4/fail", 500, ""),
    ],
)
def test_error_has_a_policy(
    admin: User, settings: Settings, path: str, status: int, host: str
) -> None:
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False)
    client.force_login(admin)

    response = client.get(path, headers={"Host": host} if host else {})

    assert response.status_code == status
    assert faults(response) == []


@pytest.mark.parametrize("path", ["/", "/admin/", "/admin/login/", "/admin/logout/"])
def test_rejected_form_has_a_policy(sign_in: SignIn, admin: User, path: str) -> None:
    for signed_in in (False, True):
        client = Client(enforce_csrf_checks=True)
        if signed_in:
            client.force_login(admin)

        response = client.post(path)

        assert response.status_code in {302, 403}
        assert faults(response) == []


@pytest.fixture
def without_database() -> Iterator[None]:
    database_breaker.breaker.trip(RuntimeError("unavailable"))
    yield
    services.wait_for(lambda: not database_breaker.breaker.is_open)


@pytest.mark.parametrize("path", ["/admin/", "/api/v4/account"])
def test_unavailable_service_has_a_policy(without_database: None, path: str) -> None:
    response = Client().get(path)

    assert response.status_code in {401, 503}
    assert faults(response) == []


@pytest.mark.parametrize("path", ["/static/shortlinks/admin.css", "/static/none.css"])
def test_file_has_a_policy(db: None, path: str) -> None:
    response = Client().get(path)

    assert faults(response) == []
    response.close()


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        ("default-src 'none'", "form-action None"),
        (f"{csp.DATA}; script-src 'self' 'unsafe-eval'", "'unsafe-eval'"),
        (f"{csp.PAGE}; style-src-attr 'unsafe-inline'", "'unsafe-inline'"),
        (csp.PAGE.replace("connect-src 'self'", "connect-src *"), "*"),
    ],
)
def test_wide_policy_is_found(policy: str, problem: str) -> None:
    assert problem in content_policies.problems(policy)
