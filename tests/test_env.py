"""A bad value stops the start by name."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import env

Read = Callable[[str], object]


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (lambda name: env.flag(name, default=False), "maybe"),
        (lambda name: env.number(name, 1, least=0, most=9), "ten"),
        (lambda name: env.number(name, 1, least=0, most=9), "10"),
        (env.networks, "10.0.0.0/33"),
        (env.nameservers, "ns1.example.com"),
        (env.nameservers, "192.0.2.1:"),
        (env.nameservers, "192.0.2.1:domain"),
        (env.nameservers, "192.0.2.1:65536"),
        (env.keyring, ""),
        (env.keyring, "k1:short"),
        (env.keyring, "k1:change-me-change-me-change-me-change-me"),
        (lambda name: env.secret(name, least=50), "x" * 49),
        (lambda name: env.secret(name, least=5), "change-me"),
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
