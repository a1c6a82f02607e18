"""The first account of an empty installation."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from shortlinks.domain.auth import tokens
from shortlinks.models import Account, User
from tests import factories


def told(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    lines = capsys.readouterr().out.splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_makes_an_administrator_who_can_log_in_and_a_token_that_works(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("bootstrap", "Boss@shop.example", account="Лавка", language="ru")

    printed = told(capsys)
    user = User.objects.get()
    assert user.email == printed["ADMIN_EMAIL"] == "boss@shop.example"
    assert user.check_password(printed["ADMIN_PASSWORD"])
    assert (user.is_admin, user.is_superuser, user.language) == (True, True, "ru")
    assert tokens.verify(printed["TOKEN"], now=timezone.now()).user_id == user.id
    account = Account.objects.get()
    assert (account.name, str(account.id)) == ("Лавка", printed["ACCOUNT_ID"])


@pytest.mark.parametrize(
    ("email", "options", "said"),
    [
        ("no address", {}, "no e-mail address"),
        ("a@b.example", {"time_zone": "Mars/Olympus"}, "no such time zone"),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    db: None, email: str, options: dict[str, str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("bootstrap", email, **options)

    assert not Account.objects.exists()


def test_is_for_an_empty_installation_alone(db: None) -> None:
    factories.account()

    with pytest.raises(CommandError, match="an account already"):
        call_command("bootstrap", "a@b.example")

    assert not User.objects.exists()
