"""A bad value stops the start by name."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env, production_checks

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
    ],
)
def test_a_bad_value_is_named(
    monkeypatch: pytest.MonkeyPatch, read: Read, value: str
) -> None:
    monkeypatch.setenv("A_SETTING", value)

    with pytest.raises(ImproperlyConfigured, match="A_SETTING"):
        read("A_SETTING")


def test_a_required_value_that_is_missing_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match="NOT_SET_AT_ALL"):
        env.text("NOT_SET_AT_ALL")


def test_the_parameters_of_a_database_url_are_kept(
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


def test_name_servers_have_the_usual_port_unless_they_name_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_SETTING", "192.0.2.1, 192.0.2.2:5353, 2001:db8::1")

    assert env.nameservers("A_SETTING") == (
        ("192.0.2.1", 53),
        ("192.0.2.2", 5353),
        ("2001:db8::1", 53),
    )


def test_a_file_may_hold_what_a_variable_would(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("of the file\n")
    monkeypatch.setenv("A_SETTING_FILE", str(tmp_path / "key"))

    assert env.text("A_SETTING", "the default") == "of the file"
    assert env.list_("A_SETTING") == ["of the file"]


def test_a_file_beside_a_variable_is_one_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("A_SETTING", "a")
    monkeypatch.setenv("A_SETTING_FILE", "/nowhere")

    with pytest.raises(ImproperlyConfigured, match="A_SETTING_FILE are both set"):
        env.text("A_SETTING")


def test_a_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_password_apart_is_for_an_address_without_one(
    monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    monkeypatch.setenv("A_SETTING", given)

    assert env.redis_url("A_SETTING", password="p/w") == expected


def test_a_databases_password_may_stand_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SETTING", "postgres://u@h/d")

    assert env.database("A_SETTING", password="p/w")["PASSWORD"] == "p/w"


@pytest.mark.parametrize(
    ("url", "debug", "hosts", "named"),
    [
        ("https://crm.example", True, ["crm.example"], "DEBUG"),
        ("http://10.0.0.5:8000", True, ["10.0.0.5"], "DEBUG"),
        ("https://crm.example", False, ["crm.example", "*"], "ALLOWED_HOSTS"),
        ("https://crm.example", False, [".crm.example"], "ALLOWED_HOSTS"),
        ("https://localhost.example", True, [], "DEBUG"),
    ],
)
def test_what_is_for_developers_is_refused_where_others_come(
    *, url: str, debug: bool, hosts: list[str], named: str
) -> None:
    with pytest.raises(ImproperlyConfigured, match=named):
        production_checks.check(base_url=url, debug=debug, allowed_hosts=hosts)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "https://localhost", "http://crm.localhost:8000"]
)
def test_developers_may_do_as_they_like(url: str) -> None:
    production_checks.check(base_url=url, debug=True, allowed_hosts=["*"])


def test_production_refuses_nothing_that_is_right() -> None:
    production_checks.check(
        base_url="https://crm.example", debug=False, allowed_hosts=["crm.example"]
    )
