"""The setting OIDC_PROVIDERS is read strictly."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from config import env, identity_providers

COMPANY: dict[str, Any] = {
    "id": "company",
    "name": "Company",
    "server_url": "https://login.example.com/realms/company",
    "client_id": "shortlinks",
    "client_secret": "confidential text",
}


def parse(*providers: dict[str, Any]) -> Any:
    return identity_providers.parse("OIDC_PROVIDERS", json.dumps(providers))


def in_group(**rights: Any) -> dict[str, Any]:
    return {**COMPANY, "groups": {"sales": rights}}


def test_setting_has_all_values_of_a_provider() -> None:
    full = {
        **in_group(contacts_view="G", contacts_edit="M"),
        "account": "shop",
        "groups_claim": "roles",
        "verified_domains": ["shop.example"],
    }

    company = parse(full, {**COMPANY, "id": "other"})["company"]

    assert (company.account, company.groups_claim) == ("shop", "roles")
    assert company.groups["sales"].contacts_edit == "M"
    assert company.groups["sales"].contacts_delete == "D"
    assert company.verified_domains == ("shop.example",)


@pytest.mark.parametrize("text", ["", "[]"])
def test_setting_may_be_empty(text: str) -> None:
    assert identity_providers.parse("OIDC_PROVIDERS", text) == {}


@pytest.mark.parametrize(
    ("providers", "message"),
    [
        pytest.param([{**COMPANY, "acount": "shop"}], "`acount`", id="unknown key"),
        pytest.param([{"id": "a"}], "missing required field `name`", id="missing key"),
        pytest.param([{**COMPANY, "id": "A/b"}], r"\[0\]\.id", id="id"),
        pytest.param([{**COMPANY, "id": "openid_connect"}], "id", id="id of allauth"),
        pytest.param([{**COMPANY, "client_secret": ""}], "client_secret", id="empty"),
        pytest.param([COMPANY, COMPANY], "same id", id="duplicate"),
        pytest.param(
            [{**COMPANY, "server_url": "https://login.example.com:port"}],
            "OIDC_PROVIDERS: .*[Pp]ort",
            id="port",
        ),
        pytest.param([in_group(contacts_view="X")], "contacts_view", id="level"),
        pytest.param(
            [in_group(contacts_view="A", contacts_add="G")], "contacts_add", id="add"
        ),
        pytest.param([in_group(is_operator=True)], "`is_operator`", id="unknown right"),
        pytest.param(
            [in_group(contacts_view="M", contacts_edit="A")],
            "contacts_edit exceeds contacts_view",
            id="edit above view",
        ),
        pytest.param(
            [{**COMPANY, "server_url": "http://login.example.com"}],
            "server_url of company",
            id="http",
        ),
        pytest.param(
            [{**COMPANY, "server_url": "login.example.com"}], "server_url", id="no URL"
        ),
        pytest.param(
            [{**COMPANY, "server_url": "https://login.example.com?a=1"}],
            "server_url",
            id="query",
        ),
    ],
)
def test_error_names_the_setting_and_the_place(
    providers: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=message) as raised:
        parse(*providers)

    assert str(raised.value).startswith("OIDC_PROVIDERS: ")
    assert "confidential" not in str(raised.value)


@pytest.mark.parametrize("text", ["{}", "company", "[1]"])
def test_other_json_is_rejected(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC_PROVIDERS"):
        identity_providers.parse("OIDC_PROVIDERS", text)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:8080"])
def test_provider_on_this_machine_may_have_no_tls(host: str) -> None:
    assert parse({**COMPANY, "server_url": f"http://{host}"})


def test_setting_is_read_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    path = tmp_path / "providers.json"
    path.write_text(json.dumps([COMPANY]))
    monkeypatch.setenv("OIDC_PROVIDERS_FILE", str(path))

    text = env.text("OIDC_PROVIDERS", "[]")

    assert set(identity_providers.parse("OIDC_PROVIDERS", text)) == {"company"}


def test_secret_is_not_shown() -> None:
    assert "confidential" not in repr(parse(COMPANY))


def test_allauth_gets_each_provider_with_pkce() -> None:
    [app] = identity_providers.apps(parse(COMPANY))

    assert app["provider_id"] == "company"
    assert app["settings"]["oauth_pkce_enabled"] is True
    assert settings.SOCIALACCOUNT_LOGIN_ON_GET is False
    assert settings.SOCIALACCOUNT_STORE_TOKENS is False
    assert settings.SOCIALACCOUNT_REQUESTS_TIMEOUT == 5
