"""New tokens and integrations may only create links, unless more is asked for."""

from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from shortlinks.domain.auth import oauth, tokens
from shortlinks.models import Integration, Scope, User
from shortlinks.models.tokens import CHANNEL_SCOPES

READ = Scope.CONTACTS_READ
URI = "https://crm.example/"


def printed_scopes(text: str) -> list[str]:
    return tokens.verify(text.strip(), now=timezone.now()).scopes


@pytest.mark.parametrize(
    ("options", "scopes"),
    [({}, [Scope.LINKS_WRITE]), ({"scope": [READ]}, [READ])],
    ids=["default", "chosen"],
)
def test_commands_give_the_scopes_that_are_asked_for(
    admin: User,
    capsys: pytest.CaptureFixture[str],
    options: dict[str, Any],
    scopes: list[str],
) -> None:
    call_command("issue_token", admin.email, **options)
    issued = capsys.readouterr().out
    call_command("create_integration", admin.email, "CRM", URI, **options)

    assert printed_scopes(issued) == scopes
    assert Integration.objects.get().scopes == scopes


def test_domain_defaults_to_creating_links(admin: User) -> None:
    issued = tokens.issue(admin, name="CRM")
    registered = oauth.register(user=admin, name="CRM", redirect_uri=URI)

    assert issued.row.scopes == [Scope.LINKS_WRITE]
    assert registered.integration.scopes == [Scope.LINKS_WRITE]


def test_demo_tokens_have_the_scopes_of_all_samples(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_demo_data")

    values = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    for name in ("TOKEN", "MANAGER_TOKEN"):
        lacking = set(Scope.values) - set(printed_scopes(values[name]))
        assert lacking == set(CHANNEL_SCOPES)


def test_bootstrap_token_has_the_scopes_of_the_first_steps(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("bootstrap", "boss@shop.example")

    values = dict(line.split("=", 1) for line in capsys.readouterr().out.splitlines())
    expected = {Scope.LINKS_WRITE, Scope.CONTACTS_WRITE, Scope.CONTACTS_READ}
    assert set(printed_scopes(values["TOKEN"])) == expected
