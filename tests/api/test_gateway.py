"""The gateway runs a WSGI application in threads, within limits for each client."""

import asyncio
import hashlib
import json
import tempfile
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory, override_settings
from django.urls import reverse

from shortlinks.api import gateway
from shortlinks.api.gateway import Gateway

Messages = list[dict[str, Any]]


def scope(path: str = "/", **changes: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "client": ("198.51.100.7", "40000"),
        "server": ("127.0.0.1", "8000"),
        **changes,
    }


async def request(application: Gateway, scope: dict[str, Any]) -> Messages:
    sent: Messages = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await application(scope, _receive, send)
    return sent


def run(application: Gateway, *scopes: dict[str, Any]) -> Sequence[Messages]:
    async def run_all() -> Sequence[Messages]:
        return await asyncio.gather(*(request(application, each) for each in scopes))

    return asyncio.run(run_all())


def echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """Respond with the variables that are text."""
    start_response("200 OK", [("X-Answer", "1")])
    texts = {name: each for name, each in environ.items() if isinstance(each, str)}
    return [json.dumps(texts).encode()]


def test_application_gets_the_variables_of_the_request() -> None:
    headers = [
        (b"host", b"crm.test"),
        (b"content-type", b"text/plain"),
        (b"cookie", b"a=1"),
        (b"cookie", b"b=2"),
        (b"accept", b"x"),
        (b"accept", b"y"),
        (b"x_forwarded_for", b"forged"),
    ]
    sent = scope("/é", raw_path=b"/%C3%A9%2F", query_string=b"q=%20", headers=headers)

    [[start, body]] = run(Gateway(echo), sent)

    assert (start["status"], start["headers"]) == (200, [(b"x-answer", b"1")])
    assert json.loads(body["body"]) == {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/é/".encode().decode("latin-1"),
        "QUERY_STRING": "q=%20",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "198.51.100.7",
        "HTTP_HOST": "crm.test",
        "CONTENT_TYPE": "text/plain",
        "HTTP_COOKIE": "a=1; b=2",
        "HTTP_ACCEPT": "x,y",
        "wsgi.url_scheme": "http",
    }


def test_response_to_head_has_no_body() -> None:
    [[_, body]] = run(Gateway(echo), scope(method="HEAD"))

    assert body["body"] == b""


class Blocking:
    """An application that responds to nothing before a health check."""

    def __init__(self) -> None:
        self._release = threading.Event()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> list[bytes]:
        if environ["PATH_INFO"] == "/healthz":
            self._release.set()
        else:
            assert self._release.wait(10)
        start_response("200 OK", [])
        return []


@pytest.fixture
def _few_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "THREADS", 2)
    monkeypatch.setattr(gateway, "MAX_WAITING", 4)


@pytest.mark.usefixtures("_few_threads")
def test_queue_is_limited_and_health_checks_pass_it() -> None:
    other = ("198.51.100.8", "40000")
    third = ("198.51.100.9", "40000")
    scopes = [
        *[scope() for _ in range(4)],
        *[scope(client=other) for _ in range(3)],
        scope(client=third),
        scope("/healthz"),
    ]

    statuses = [messages[0]["status"] for messages in run(Gateway(Blocking()), *scopes)]

    assert statuses == [200, 200, 200, 429, 200, 200, 200, 503, 200]


@pytest.mark.usefixtures("_few_threads")
def test_rejection_is_a_problem_with_the_id_of_the_request() -> None:
    id_ = "0123456789abcdef"
    headers = [(b"x-request-id", id_.encode())]
    scopes = [*[scope() for _ in range(3)], scope(headers=headers), scope("/healthz")]

    start, body = run(Gateway(Blocking()), *scopes)[3]

    sent = dict(start["headers"])
    assert start["status"] == 429
    assert sent[b"content-type"] == b"application/problem+json"
    assert sent[b"retry-after"] == b"5"
    assert sent[b"x-request-id"] == id_.encode()
    assert sent[b"connection"] == b"close"
    assert json.loads(body["body"])["status"] == 429


@pytest.mark.usefixtures("_few_threads")
@pytest.mark.parametrize(
    "hsts",
    [
        {"SECURE_HSTS_SECONDS": 0},
        {"SECURE_HSTS_SECONDS": 60, "SECURE_HSTS_INCLUDE_SUBDOMAINS": False},
        {"SECURE_HSTS_SECONDS": 60, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True},
    ],
)
def test_rejection_has_the_hsts_of_other_responses(hsts: dict[str, Any]) -> None:
    other = HttpResponse()
    request = RequestFactory().get("/api/v4/account", secure=True)

    with override_settings(**hsts):
        SecurityMiddleware(lambda _: other).process_response(request, other)
        scopes = [*[scope() for _ in range(4)], scope("/healthz")]
        start, _ = run(Gateway(Blocking()), *scopes)[3]

    assert start["status"] == 429
    policy = dict(start["headers"]).get(b"strict-transport-security", b"").decode()
    assert policy == other.get("Strict-Transport-Security", "")


@pytest.mark.usefixtures("_few_threads")
@pytest.mark.parametrize(
    ("path", "has_hint"),
    [
        ("/oauth2/access_token", True),
        ("//oauth2//revoke", True),
        ("/oauth2/account/subdomain", False),
        ("/api/v4/account", False),
    ],
)
def test_rejection_by_the_token_endpoint_has_a_hint(
    path: str, *, has_hint: bool
) -> None:
    scopes = [*[scope() for _ in range(3)], scope(path), scope("/healthz")]

    start, body = run(Gateway(Blocking()), *scopes)[3]

    problem = json.loads(body["body"])
    assert start["status"] == problem["status"] == 429
    assert ("hint" in problem) is has_hint
    assert problem["type"].endswith("/OAuthProblemJson") is has_hint


@pytest.mark.parametrize(
    "path",
    [
        reverse("admin:login"),
        reverse("account_reauthenticate"),
        reverse("account_change_password"),
        reverse("account_set_password"),
        reverse("account_reset_password_from_key", args=["1", "key"]),
    ],
)
def test_pages_that_hash_passwords_have_threads_of_their_own(path: str) -> None:
    assert gateway.PASSWORD_PATHS.match(path)


LONG = [bytes([65 + number % 26]) * 100_000 for number in range(400)]  # 40 MB


def long_answer(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterator[bytes]:
    start_response("200 OK", [])
    return (part for part in LONG)


def test_long_response_is_sent_in_parts_of_bounded_size() -> None:
    digest, sizes = hashlib.sha256(), []

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            digest.update(message["body"])
            sizes.append(len(message["body"]))

    tracemalloc.start()
    asyncio.run(Gateway(long_answer)(scope(), _receive, send))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert digest.digest() == hashlib.sha256(b"".join(LONG)).digest()
    assert sum(sizes) == 40_000_000
    assert max(sizes) < 2_000_000
    assert peak < 8_000_000


def test_head_of_a_long_response_has_no_body() -> None:
    [[_, *parts]] = run(Gateway(long_answer), scope(method="HEAD"))

    assert [part["body"] for part in parts] == [b""]


def test_file_of_a_long_response_is_closed_if_the_client_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = []
    create = tempfile.TemporaryFile

    def remember() -> Any:
        files.append(create())
        return files[-1]

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            raise OSError("the client left")

    monkeypatch.setattr(tempfile, "TemporaryFile", remember)
    with pytest.raises(OSError, match="left"):
        asyncio.run(Gateway(long_answer)(scope(), _receive, send))

    assert [file.closed for file in files] == [True]


def test_long_responses_have_a_budget_until_they_are_sent() -> None:
    [[first, *_], [second, *_]] = run(Gateway(long_answer), scope(), scope())
    gateway = Gateway(long_answer)
    in_turn = [run(gateway, scope())[0][0]["status"] for _ in range(3)]

    assert 503 in (first["status"], second["status"])
    assert in_turn == [200] * 3


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}
