"""Users who come from a provider of OpenID Connect (docs/adr/0056).

`decide` contains the rules. `enter` reads the rows for it, and stores the result.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction

from shortlinks.domain import languages
from shortlinks.domain.auth import security_events, sessions
from shortlinks.domain.auth.identity_providers import RANKS, Provider, Rights
from shortlinks.models import Account, SecurityEventKind, User

logger = logging.getLogger(__name__)

LEVELS = tuple(name for name in Rights.__struct_fields__ if name != "is_admin")
MAX_EMAIL_LENGTH = 254
MAX_NAME_LENGTH = 250


@dataclass(frozen=True, slots=True)
class Identity:
    """A person as the provider describes them."""

    subject: str
    email: str = ""
    is_email_verified: bool = False
    name: str = ""
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KnownUser:
    """The facts of a stored user on which the rules depend."""

    id: int
    account_id: int | None
    is_operator: bool = False
    is_active: bool = True


class Reason(StrEnum):
    """Why a provider's user is not signed in."""

    NO_EMAIL = "no_email"  # or none that is verified
    NO_USER = "no_user"
    NO_GROUP = "no_group"
    NOT_HERE = "not_here"  # an operator, or a user of another account
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class SignIn:
    """The decision to sign in a stored user. `rights` are stored first, unless None."""

    user_id: int
    rights: Rights | None


@dataclass(frozen=True, slots=True)
class NewUser:
    """The decision to create a user in the provider's account."""

    rights: Rights


@dataclass(frozen=True, slots=True)
class Refusal:
    """The decision to sign in nobody.

    `user_id` is set if the provider may vouch for the user, who is then named in the
    security event.
    """

    reason: Reason
    user_id: int | None = None
    ends_sessions: bool = False


class Refused(Exception):
    """The provider's user is not signed in."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def identity(provider: Provider, subject: str, claims: Mapping[str, Any]) -> Identity:
    """Read the claims. Each may be missing or have an unexpected type."""
    email = _email(claims.get("email"))
    name = claims.get("name")
    listed = claims.get(provider.groups_claim)
    groups = listed if isinstance(listed, list) else [listed]
    return Identity(
        subject=subject,
        email=email,
        is_email_verified=_is_verified(provider, email, claims.get("email_verified")),
        name=name[:MAX_NAME_LENGTH].replace("\0", "") if isinstance(name, str) else "",
        groups=frozenset(group for group in groups if isinstance(group, str)),
    )


def rights_of(provider: Provider, groups: Iterable[str]) -> Rights | None:
    """Return the highest of each right in the mapped groups, or None without a group.

    No right exceeds its limit, because it does so in none of the groups.
    """
    mapped = [provider.groups[name] for name in groups if name in provider.groups]
    if not mapped:
        return None
    highest = {
        name: max((getattr(each, name) for each in mapped), key=RANKS.__getitem__)
        for name in LEVELS
    }
    return Rights(is_admin=any(each.is_admin for each in mapped), **highest)


def decide(
    provider: Provider,
    identity: Identity,
    *,
    account_id: int | None,
    linked: KnownUser | None,
    same_email: KnownUser | None,
) -> SignIn | NewUser | Refusal:
    """Return who signs in.

    `account_id` is that of the provider's active account, `linked` the user who came
    with this subject before, and `same_email` the one with the e-mail.
    """
    user = linked or (same_email if identity.is_email_verified else None)
    rights = rights_of(provider, identity.groups)
    if user is None:
        return _newcomer(identity, account_id, rights)
    if not _may_vouch(provider, user, account_id):
        return Refusal(Reason.NOT_HERE)
    if not user.is_active:
        return Refusal(Reason.INACTIVE, user.id)
    if provider.groups and rights is None:
        return Refusal(Reason.NO_GROUP, user.id, ends_sessions=linked is not None)
    return SignIn(user.id, None if user.is_operator else rights)


def _newcomer(
    identity: Identity, account_id: int | None, rights: Rights | None
) -> NewUser | Refusal:
    if not identity.is_email_verified:
        return Refusal(Reason.NO_EMAIL)
    if account_id is None:
        return Refusal(Reason.NO_USER)
    return NewUser(rights) if rights else Refusal(Reason.NO_GROUP)


def _may_vouch(provider: Provider, user: KnownUser, account_id: int | None) -> bool:
    """Return whether the provider is for all users, or for this user's account."""
    if not provider.account:
        return True
    is_own = account_id is not None and user.account_id == account_id
    return is_own and not user.is_operator


def enter(provider: Provider, identity: Identity) -> User:
    """Return the user who signs in, with their rights stored, or raise Refused."""
    try:
        result = _enter(provider, identity)
    except IntegrityError:  # another request has just stored the same person
        result = _enter(provider, identity)
    if isinstance(result, User):
        return result
    raise Refused(result.reason)


def account_of(provider: Provider) -> Account | None:
    """Return the provider's account, if it has one that is active."""
    if not provider.account:
        return None
    active = Account.objects.filter(is_active=True)
    account = active.filter(subdomain=provider.account).first()
    if account is None:
        logger.warning("provider %s: no active account of its name", provider.id)
    return account


@transaction.atomic
def _enter(provider: Provider, identity: Identity) -> User | Refusal:
    account = account_of(provider)
    link = SocialAccount.objects.filter(provider=provider.id, uid=identity.subject)
    linked = _locked(socialaccount__in=link)
    same_email = _locked(email=identity.email) if identity.email else None
    decision = decide(
        provider,
        identity,
        account_id=account.pk if account else None,
        linked=_known(linked),
        same_email=_known(same_email),
    )
    user = linked or same_email
    if isinstance(decision, Refusal):
        _refuse(provider, decision, user, account)
        return decision
    if isinstance(decision, NewUser) and account is not None:
        user = _create(account, identity)
    if user is None:
        raise AssertionError("decided for nobody")
    if decision.rights:
        _store_rights(user, decision.rights)
    SocialAccount.objects.update_or_create(
        provider=provider.id, uid=identity.subject, defaults={"user": user}
    )
    return user


def _locked(**conditions: Any) -> User | None:
    found = User.objects.filter(**conditions).select_related("account")
    user: User | None = found.select_for_update(of=("self",)).first()
    return user


def _known(user: User | None) -> KnownUser | None:
    if user is None:
        return None
    return KnownUser(
        user.pk,
        user.account_id,
        is_operator=user.is_superuser,
        is_active=user.is_staff,  # and so is the account
    )


def _create(account: Account, identity: Identity) -> User:
    return User.objects.create_user(
        identity.email,
        account=account,
        name=identity.name,
        language=languages.offered(account.language),
        **dict.fromkeys(LEVELS, "D"),
    )


def _store_rights(user: User, rights: Rights) -> None:
    names = ("is_admin", *LEVELS)
    changed = [name for name in names if getattr(user, name) != getattr(rights, name)]
    for name in changed:
        setattr(user, name, getattr(rights, name))
    if changed:
        user.save(update_fields=changed)
        kind = SecurityEventKind.RIGHTS_CHANGED
        security_events.record(kind, user=user, detail=", ".join(changed))


def _refuse(
    provider: Provider, refusal: Refusal, user: User | None, account: Account | None
) -> None:
    named = user if refusal.user_id else None
    if named and refusal.ends_sessions:
        sessions.end_all(named)
    kind = SecurityEventKind.SIGN_IN_FAILED
    security_events.record(kind, user=named, account=account, detail=provider.id)


def _email(value: object) -> str:
    """Return the e-mail in lower case, or "" if it is invalid."""
    if not isinstance(value, str) or len(value) > MAX_EMAIL_LENGTH:
        return ""
    try:
        validate_email(value)
    except ValidationError:
        return ""
    return value.lower()


def _is_verified(provider: Provider, email: str, claim: object) -> bool:
    if not email:
        return False
    if claim is None:
        return email.rpartition("@")[2] in provider.verified_domains
    return claim is True or claim == "true"
