"""Security events of the sign-in, from the signals of Django and allauth."""

import time
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import password_changed, password_reset, password_set
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from shortlinks.admin.sign_in.session_limits import SIGNED_IN_AT
from shortlinks.domain.auth import security_events
from shortlinks.models import SecurityEventKind, User


@receiver(user_logged_in)
def _signed_in(request: HttpRequest, user: User, **kwargs: Any) -> None:
    request.session[SIGNED_IN_AT] = time.time()
    names = dict.fromkeys(
        record.get("provider") or record.get("type") or record["method"]
        for record in get_authentication_records(request, user)
    )
    kind = SecurityEventKind.SIGN_IN
    security_events.record(kind, user=user, detail=", ".join(names))


@receiver(user_logged_out)
def _signed_out(user: User | None, **kwargs: Any) -> None:
    if user is not None:
        security_events.record(SecurityEventKind.SESSION_ENDED, user=user)


@receiver(password_changed)
@receiver(password_reset)
@receiver(password_set)
def _password_changed(user: User, **kwargs: Any) -> None:
    security_events.record(SecurityEventKind.PASSWORD_CHANGED, user=user)


@receiver(authenticator_added)
@receiver(authenticator_reset)
def _factor_added(user: User, authenticator: Any, **kwargs: Any) -> None:
    kind = SecurityEventKind.FACTOR_ADDED
    security_events.record(kind, user=user, detail=authenticator.type)


@receiver(authenticator_removed)
def _factor_removed(user: User, authenticator: Any, **kwargs: Any) -> None:
    kind = SecurityEventKind.FACTOR_REMOVED
    security_events.record(kind, user=user, detail=authenticator.type)


@receiver(authentication_failed)
def _code_failed(user: User | None, **kwargs: Any) -> None:
    security_events.record_frequent(SecurityEventKind.CODE_FAILED, user=user)
