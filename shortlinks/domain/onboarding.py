"""Steps of a new account, from its creation to its first open."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists
from django.utils import timezone

from shortlinks.models import (
    Account,
    ApiToken,
    Contact,
    Note,
    NoteType,
    ShortLink,
    User,
)


@dataclass(frozen=True, slots=True)
class CompletedSteps:
    """The steps in their order, and whether each is completed."""

    account: bool = False
    token: bool = False
    contact: bool = False
    link: bool = False
    open: bool = False


ALL = CompletedSteps(account=True, token=True, contact=True, link=True, open=True)


def completed_steps(account: Account) -> CompletedSteps:
    """Return the completed steps; an open completes all of them with one query."""
    notes = Note.objects.filter(account=account, note_type=NoteType.LINK_FOLLOWED)
    if notes.exists():
        return ALL
    token, contact, link = Account.objects.values_list(
        Exists(ApiToken.objects.filter(account=account)),
        Exists(Contact.objects.filter(account=account)),
        Exists(ShortLink.objects.filter(contact__account=account)),
    ).get(pk=account.pk)
    return CompletedSteps(account=True, token=token, contact=contact, link=link)


def needs_first_account() -> bool:
    return not Account.objects.exists()


@transaction.atomic
def create_first_account(account: Account, *, by: User) -> None:
    """Store the first account, and make the operator its administrator."""
    account.save()
    by.account, by.is_admin = account, True
    by.save(update_fields=["account", "is_admin"])


def dismiss(account: Account) -> None:
    account.onboarding_dismissed_at = timezone.now()
    account.save(update_fields=["onboarding_dismissed_at", "updated_at"])
