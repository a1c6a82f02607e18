import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeGuard

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env, production_checks
from deploy import keys
from tests import services
from tests.prose import ROOT

Read = Callable[[str], object]
README = (ROOT / "README.md").read_text()
SETTINGS = (ROOT / "config" / "settings.py").read_text()
# A valid value of each setting that is a URL.
URLS = {
    "BASE_URL": "https://crm.example.com:8443",
    "SHORT_BASE_URL": "https://go.example.com:8443",
    "DEMO_SITE_URL": "http://localhost:8004",
    "WEBHOOK_PROXY": "http://egress:3128",
    "EMAIL_URL": "smtp://user:password@mail.example.com:587",
    "DATABASE_URL": "postgres://user:password@db.example.com:5432/shortlinks",
    "REDIS_URL": "redis://:password@redis.example.com:6379/0",
    "SENTRY_DSN": "https://key@sentry.example.com:9000/1",
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
}
BREAK: dict[str, Callable[[str], str]] = {
    "port is a word": lambda url: re.sub(r":\d+", ":port", url),
    "port is too large": lambda url: re.sub(r":\d+", ":65536", url),
    "port is 0": lambda url: re.sub(r":\d+", ":0", url),
    "port without host": lambda url: re.sub(r"[\w.]+:\d+", "[::1:80", url),
    "space in host": lambda url: re.sub(r"(\w+:\d+)", r" \1", url),
    "unknown scheme": lambda url: "gopher" + url[url.index(":") :],
    "without scheme": lambda url: url.partition("://")[2],
}


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
        (env.email, "file:"),
        (env.redis_url, "redis://127.0.0.1/first"),
        (lambda name: env.http_url(name, ""), "https://go.example.com?a=1"),
        (env.sentry_dsn, "https://sentry.example.com/1"),
        (env.sentry_dsn, "https://key@sentry.example.com"),
        (env.hosts, "https://go.example.com"),
        (env.hosts, "go.example.com, go example.com"),
        (env.bind_address, "0.0.0.0:9000"),
        (env.bind_address, "127.0.0.1, 127.0.0.2"),
        (lambda name: env.sender(name, ""), "shortlinks"),
        (lambda name: env.sender(name, ""), "Shop <shop@>"),
    ],
)
def test_error_has_the_name_of_an_invalid_variable(
    monkeypatch: pytest.MonkeyPatch, read: Read, value: str
) -> None:
    monkeypatch.setenv("A_SETTING", value)

    with pytest.raises(ImproperlyConfigured, match="A_SETTING"):
        read("A_SETTING")


def setting_calls() -> dict[str, ast.Call]:
    """Return the calls of readers in the settings, by the name of the variable."""
    calls = [node for node in ast.walk(ast.parse(SETTINGS)) if is_reader(node)]
    return {ast.literal_eval(call.args[0]): call for call in calls}


def is_reader(node: ast.AST) -> TypeGuard[ast.Call]:
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func).startswith("env.")
        and bool(node.args)
        and isinstance(node.args[0], ast.Constant)
    )


def read_setting(name: str) -> object:
    """Read a setting by the same expression as the settings do."""
    return eval(ast.unparse(setting_calls()[name]), {"env": env})  # noqa: S307


def test_urls_of_this_test_are_all_settings_that_readme_shows_as_urls() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*)", README, re.MULTILINE)
    shown = {name for name, row in rows if "://" in row and name in setting_calls()}

    assert shown | {"DEMO_SITE_URL", "SENTRY_DSN"} == set(URLS)


@pytest.mark.parametrize("name", URLS)
def test_url_is_read(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, URLS[name])

    assert read_setting(name)


@pytest.mark.parametrize("mistake", BREAK)
@pytest.mark.parametrize("name", URLS)
def test_error_has_the_name_of_an_invalid_url_but_not_its_password(
    monkeypatch: pytest.MonkeyPatch, name: str, mistake: str
) -> None:
    monkeypatch.setenv(name, BREAK[mistake](URLS[name]).replace("password", "hunter2"))

    with pytest.raises(ImproperlyConfigured, match=f"^{name} must be like") as error:
        read_setting(name)

    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        "go.example.com, *, .example.com",
        "localhost, 127.0.0.1, ::1, [::1]",
        "Go.Пример.рф, my_host",
    ],
)
def test_hosts_are_read(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("A_SETTING", value)

    assert env.hosts("A_SETTING") == value.split(", ")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", "a@b.example"), ("Shop <shop@b.example>", "Shop <shop@b.example>")],
)
def test_sender_may_have_a_name(
    monkeypatch: pytest.MonkeyPatch, value: str, expected: str
) -> None:
    monkeypatch.setenv("A_SETTING", value)

    assert env.sender("A_SETTING", "a@b.example") == expected


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
