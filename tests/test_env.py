import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env, production_checks
from deploy import keys
from tests import services

Read = Callable[[str], object]


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda name: env.flag(name, default=False), "maybe"),
        (lambda name: env.number(name, 1, minimum=0, maximum=9), "ten"),
        (lambda name: env.number(name, 1, minimum=0, maximum=9), "10"),
        (env.networks, "10.0.0.0/33"),
        (env.nameservers, "ns1.example.com"),
        (env.nameservers, "192.0.2.1:"),
        (env.nameservers, "192.0.2.1:domain"),
        (env.nameservers, "192.0.2.1:65536"),
        (env.keyring, ""),
        (env.keyring, "k1:short"),
        (env.keyring, "k1:change-me-change-me-change-me-change-me"),
        (lambda name: env.secret(name, minimum=50), "x" * 49),
        (lambda name: env.secret(name, minimum=5), "change-me"),
        (lambda name: env.choice(name, ["publisher", "worker"]), "wroker"),
        (lambda name: env.http_url(name, ""), "go.example.com"),
        (lambda name: env.http_url(name, ""), "https://go.example.com/path"),
        (env.redis_url, "127.0.0.1:6379"),
        (env.database, "mysql://a:b@c/d"),
        (env.database, "postgres://a:b@c"),
        (env.email, "mail.example.com"),
        (env.email, "http://mail.example.com"),
        (env.email, "smtp://"),
    ],
)
def test_error_has_the_name_of_an_invalid_variable(
    monkeypatch: pytest.MonkeyPatch, read: Read, value: str
) -> None:
    monkeypatch.setenv("A_SETTING", value)

    with pytest.raises(ImproperlyConfigured, match="A_SETTING"):
        read("A_SETTING")


def test_error_has_the_name_of_a_missing_variable() -> None:
    with pytest.raises(ImproperlyConfigured, match="NOT_SET_AT_ALL"):
        env.text("NOT_SET_AT_ALL")


def test_database_url_may_have_parameters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_SETTING", "postgres://u:p%40@h:1/d?sslmode=require")

    assert env.database("A_SETTING") == {
        "ENGINE": "config.postgres",
        "NAME": "d",
        "USER": "u",
        "PASSWORD": "p@",
        "HOST": "h",
        "PORT": "1",
        "OPTIONS": {"sslmode": "require"},
    }


def test_name_servers_have_port_53_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_SETTING", "192.0.2.1, 192.0.2.2:5353, 2001:db8::1")

    assert env.nameservers("A_SETTING") == (
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 53),
    )


def test_variable_is_read_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("from the file\n")
    monkeypatch.setenv("A_SETTING_FILE", str(tmp_path / "key"))

    assert env.text("A_SETTING", "the default") == "from the file"
    assert env.list_("A_SETTING") == ["from the file"]


def test_variable_and_file_together_are_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_SETTING", "a")
    monkeypatch.setenv("A_SETTING_FILE", "/nowhere")

    with pytest.raises(ImproperlyConfigured, match="A_SETTING_FILE are both set"):
        env.text("A_SETTING")


def test_error_has_the_path_of_a_missing_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SETTING_FILE", "/nowhere/at/all")

    with pytest.raises(ImproperlyConfigured, match=r"A_SETTING_FILE: .*/nowhere"):
        env.text("A_SETTING", "the default")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("redis://h:1/0", "redis://:p%2Fw@h:1/0"),
        ("redis://user@h:1/0", "redis://user:p%2Fw@h:1/0"),
        ("redis://:own@h:1/0", "redis://:own@h:1/0"),
    ],
)
def test_redis_url_gets_the_password_if_it_has_none(
    monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    monkeypatch.setenv("A_SETTING", given)

    assert env.redis_url("A_SETTING", password="p/w") == expected


def test_database_url_gets_the_password_if_it_has_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_SETTING", "postgres://u@h/d")

    assert env.database("A_SETTING", password="p/w")["PASSWORD"] == "p/w"


@pytest.mark.parametrize(
    ("url", "debug", "hosts", "name"),
    [
        ("https://crm.example", True, ["crm.example"], "DEBUG"),
        ("http://10.0.0.5:8000", True, ["10.0.0.5"], "DEBUG"),
        ("https://crm.example", False, ["crm.example", "*"], "ALLOWED_HOSTS"),
        ("https://crm.example", False, [".crm.example"], "ALLOWED_HOSTS"),
        ("https://localhost.example", True, [], "DEBUG"),
    ],
)
def test_unsafe_settings_are_rejected_if_others_can_reach_the_url(
    *, url: str, debug: bool, hosts: list[str], name: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=name):
        production_checks.check(base_url=url, debug=debug, allowed_hosts=hosts)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "https://localhost", "http://crm.localhost:8000"]
)
def test_unsafe_settings_are_accepted_on_a_local_url(url: str) -> None:
    production_checks.check(base_url=url, debug=True, allowed_hosts=["*"])


def test_safe_settings_are_accepted() -> None:
    production_checks.check(
        base_url="https://crm.example", debug=False, allowed_hosts=["crm.example"]
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}),
        (
            "file:///var/m%20ail",
            {
                "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
                "FILE_PATH": "/var/m ail",
            },
        ),
        (
            "smtps://u%40a:p@mail.example.com",
            {
                "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
                "HOST": "mail.example.com",
                "PORT": 465,
                "HOST_USER": "u@a",
                "HOST_PASSWORD": "p",
                "USE_TLS": False,
                "USE_SSL": True,
            },
        ),
    ],
    ids=["none", "folder", "server"],
)
def test_email_url_is_read(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: dict[str, object]
) -> None:
    monkeypatch.setenv("A_SETTING", value)

    assert env.email("A_SETTING") == expected


@pytest.mark.process
@pytest.mark.parametrize("role", keys.USED_BY)
def test_process_reads_only_the_secrets_of_its_role(role: str) -> None:
    code = "from django.conf import settings; print(*dir(settings))"
    printed = subprocess.run(
        (sys.executable, "-c", code),
        env={**services.base_environment(), "ROLE": role},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    # Django itself has an empty SECRET_KEY, and refuses to use it.
    others = set(keys.SERVICE) - set(keys.USED_BY[role]) - {"SECRET_KEY"}
    assert set(keys.USED_BY[role]) <= set(printed)
    assert not others & set(printed)
