"""Reasons of failed attempts: a short key that is stored, and a sentence for readers.

A key looks like "refused" or "status: 500". Sentences are built when they are shown, in
the reader's language. The error itself is only logged, because it is written for
programmers and may contain the URL.
"""

import socket
import ssl
from collections.abc import Iterator
from http import HTTPStatus
from http.client import HTTPException

from django.utils.translation import gettext, gettext_noop
from requests import exceptions
from requests_hardened.ip_filter import InvalidIPAddress
from urllib3 import exceptions as urllib3
from urllib3.util.ssl_match_hostname import CertificateError

from shortlinks.domain.links.urls import UrlRejected

BEFORE_DETAIL = ": "
INTERNAL = "internal"
SENTENCES = {
    "timeout": gettext_noop("The server did not answer within %(detail)s s."),
    "connection timeout": gettext_noop("The server cannot be reached: no connection."),
    "status": gettext_noop("The server answered %(detail)s."),
    "redirect": gettext_noop(
        "The server answered %(detail)s, a redirect, which is not followed. Enter the"
        " URL to which it leads."
    ),
    "gone": gettext_noop("The server answered 410: it wants no more events."),
    "refused": gettext_noop("The server refused the connection."),
    "closed": gettext_noop("The server closed the connection without an answer."),
    "unreachable": gettext_noop("The server cannot be reached."),
    "name": gettext_noop("The name of the server was not found."),
    "private": gettext_noop(
        "The name of the server leads to %(detail)s, which is not a public address."
        " The operator can allow it with WEBHOOK_ALLOW_PRIVATE_TARGETS."
    ),
    "url": gettext_noop("The rules of this service do not allow the URL any more."),
    "certificate expired": gettext_noop("The certificate of the server has expired."),
    "certificate not valid yet": gettext_noop(
        "The certificate of the server is not valid yet."
    ),
    "certificate of another name": gettext_noop(
        "The certificate of the server is for another name."
    ),
    "certificate": gettext_noop(
        "The certificate of the server is not from a known authority, or a certificate"
        " in between is missing."
    ),
    "tls": gettext_noop("No secure connection to the server could be made."),
    "answer": gettext_noop("The answer of the server is not valid HTTP."),
    "proxy": gettext_noop(
        "The proxy of this service did not connect to the server (WEBHOOK_PROXY)."
    ),
    INTERNAL: gettext_noop(
        "An error of this service. The operator finds it in the log."
    ),
}
# Keys of OpenSSL's `verify_code`.
CERTIFICATES = {
    9: "certificate not valid yet",
    10: "certificate expired",
    62: "certificate of another name",
}
# In this order: the first kind that occurs among an error and its causes decides.
KINDS: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], str], ...] = (
    ((UrlRejected, exceptions.InvalidURL), "url"),
    (exceptions.ProxyError, "proxy"),
    (CertificateError, "certificate of another name"),
    (ssl.SSLError, "tls"),
    ((socket.gaierror, UnicodeError), "name"),
    (ConnectionRefusedError, "refused"),
    (urllib3.NewConnectionError, "unreachable"),
    (urllib3.ConnectTimeoutError, "connection timeout"),
    ((TimeoutError, urllib3.TimeoutError), "timeout"),
    (ConnectionError, "closed"),
    ((HTTPException, urllib3.HTTPError, ValueError), "answer"),
)


def of_status(status: int) -> str:
    if status == HTTPStatus.GONE:
        return "gone"
    kind = "redirect" if 300 <= status < 400 else "status"
    return f"{kind}{BEFORE_DETAIL}{status}"


def of_timeout(seconds: float) -> str:
    return f"timeout{BEFORE_DETAIL}{seconds:g}"


def of_error(error: BaseException, *, seconds: float) -> str:
    """Return the key; `seconds` is how long the server had to answer."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, InvalidIPAddress):
            return f"private{BEFORE_DETAIL}{cause}"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CERTIFICATES.get(cause.verify_code, "certificate")
    for kinds, key in KINDS:
        if any(isinstance(cause, kinds) for cause in causes):
            return of_timeout(seconds) if key == "timeout" else key
    return "unreachable"


def explain(key: str) -> str:
    """Return a sentence in the current language, or "" if nothing failed."""
    kind, _, detail = key.partition(BEFORE_DETAIL)
    return gettext(SENTENCES[kind]) % {"detail": detail} if key else ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and what it wraps, as `requests` and `urllib3` wrap errors."""
    while error is not None:
        yield error
        inner = [each for each in error.args if isinstance(each, BaseException)]
        for each in (getattr(error, "reason", None), *inner):
            if isinstance(each, BaseException):
                yield from _causes(each)
        error = error.__cause__ or error.__context__
