"""A provider of OpenID Connect that a test plays in a thread, and its setting."""

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.test import Client
from pytest_django import Settings

from config import identity_providers
from shortlinks.models import SecurityEvent, User

LOGIN = "/admin/account/oidc/company/login/"
OTHER_LOGIN = "/admin/account/oidc/other/login/"
KEYS: dict[str, Any] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
}
SALES = {"contacts_view": "G", "contacts_edit": "M"}


class Company:
    """The provider: each path has an answer that tests may replace."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tokens: list[dict[str, list[str]]] = []
        self.requests: list[str] = []
        self.id_claims: dict[str, Any] = {}
        # what signs ID tokens: algorithm, private key, id of the key
        self.signature: tuple[str, Any, str | None] = ("ES256", KEYS["ES256"], "ES256")
        self.answers: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "userinfo_endpoint": f"{url}/userinfo",
                "jwks_uri": f"{url}/keys",
            },
            "/keys": {"keys": [public_key(name) for name in KEYS]},
            "/token": {"access_token": "a-token", "token_type": "bearer"},
        }

    def id_token(self) -> str:
        """Return a token whose nonce is the code that was sent last."""
        person = self.answers["/userinfo"]
        claims = {
            "sub": person.get("sub", "s-1") if isinstance(person, dict) else "s-1",
            "iss": self.url,
            "aud": "shortlinks",
            "nonce": self.tokens[-1]["code"][0],
            "iat": time.time(),
            "exp": time.time() + 60,
            "auth_time": time.time(),
            **self.id_claims,
        }
        algorithm, key, id_ = self.signature
        return jwt.encode(claims, key, algorithm, {"kid": id_} if id_ else None)

    def describe(self, **claims: Any) -> None:
        self.answers["/userinfo"] = {
            "sub": "s-1",
            "email": "anna@shop.example",
            "email_verified": True,
            "name": "Anna",
            "groups": ["sales"],
            **claims,
        }


def public_key(algorithm: str) -> dict[str, Any]:
    """Return it as many providers publish keys, without the algorithm."""
    public = KEYS[algorithm].public_key()
    key = jwt.get_algorithm_by_name(algorithm).to_jwk(public, as_dict=True)
    return {**key, "kid": algorithm, "use": "sig"}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(self.server.company)  # type: ignore[attr-defined]

    def do_POST(self) -> None:
        company = self.server.company  # type: ignore[attr-defined]
        length = int(self.headers["Content-Length"])
        company.tokens.append(parse_qs(self.rfile.read(length).decode()))
        self._answer(company)

    def _answer(self, company: Company) -> None:
        path = urlsplit(self.path).path
        company.requests.append(path)
        answer = company.answers.get(path)
        if path == "/token" and isinstance(answer, dict) and "access_token" in answer:
            answer = {"id_token": company.id_token(), **answer}
        body = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(200 if answer is not None else 500)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *args: Any) -> None:
        """Log nothing."""


def configure(settings: Settings, company: Company, **fields: Any) -> None:
    listed = {
        "id": "company",
        "name": "Company",
        "server_url": company.url,
        "client_id": "shortlinks",
        "client_secret": "a secret",
        "groups": {"sales": SALES, "chiefs": {"is_admin": True}},
        **fields,
    }
    text = json.dumps([listed, {**listed, "id": "other"}])
    settings.OIDC_PROVIDERS = identity_providers.parse("OIDC_PROVIDERS", text)
    apps = identity_providers.apps(settings.OIDC_PROVIDERS)
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": apps}}


def begin(client: Client, login: str = LOGIN, **sent: str) -> dict[str, str]:
    """Go to the provider, and return the parameters with which it is called."""
    response: Any = client.post(login, sent)
    assert "Refresh" in response.headers, response.content.decode()
    _, _, url = response.headers["Refresh"].partition("; url=")
    return {name: v[0] for name, v in parse_qs(urlsplit(url).query).items()}


def sign_in(client: Client, login: str = LOGIN, **sent: str) -> Any:
    return come_back(client, begin(client, login, **sent), login)


def come_back(client: Client, sent: dict[str, str], login: str = LOGIN) -> Any:
    """Return from the provider, whose token repeats the nonce in the code."""
    answer = {"code": sent["nonce"], "state": sent["state"]}
    return client.get(f"{login}callback/", answer)


def user_of(client: Client) -> User | None:
    id_ = client.session.get("_auth_user_id")
    return User.objects.get(pk=id_) if id_ else None


def events(kind: str) -> list[tuple[str, int | None, int | None]]:
    found = SecurityEvent.objects.filter(kind=kind).order_by("id")
    return list(found.values_list("detail", "user", "account"))


def age(client: Client) -> None:
    """Let the sign-in be an hour ago."""
    session = client.session
    session["signed_in_at"] -= 3600
    for record in session["account_authentication_methods"]:
        record["at"] -= 3600
    session.save()
