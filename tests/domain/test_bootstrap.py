"""The command `bootstrap`."""

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from shortlinks.domain.auth import tokens
from shortlinks.models import Account, User
from tests import factories


def printed_values(capsys: pytest.CaptureFixture[str]) -> dict[str, str]:
    lines = capsys.readouterr().out.splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_bootstrap_creates_an_administrator_and_a_valid_token(
    db: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("bootstrap", "Boss@shop.example", account="Лавка", language="ru")

    printed = printed_values(capsys)
    user = User.objects.get()
    assert user.email == printed["ADMIN_EMAIL"] == "boss@shop.example"
    assert user.check_password(printed["ADMIN_PASSWORD"])
    assert (user.is_admin, user.is_superuser, user.language) == (True, True, "ru")
    assert tokens.verify(printed["TOKEN"], now=timezone.now()).user_id == user.id
    account = Account.objects.get()
    assert (account.name, str(account.id)) == ("Лавка", printed["ACCOUNT_ID"])


@pytest.mark.parametrize(
    ("email", "options", "message"),
    [
        ("no address", {}, "not an e-mail address"),
        ("a@b.example", {"time_zone": "Mars/Olympus"}, "no time zone"),
    ],
)
def test_bootstrap_changes_nothing_if_an_argument_is_invalid(
    db: None, email: str, options: dict[str, str], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("bootstrap", email, **options)

    assert not Account.objects.exists()


def test_bootstrap_fails_if_an_account_exists(db: None) -> None:
    factories.account()

    with pytest.raises(CommandError, match="account already exists"):
        call_command("bootstrap", "a@b.example")

    assert not User.objects.exists()
