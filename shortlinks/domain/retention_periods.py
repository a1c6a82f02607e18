"""The retention periods of accounts, and their defaults (docs/personal-data.md)."""

import hashlib
from datetime import datetime, timedelta

from django.conf import settings

from shortlinks.models import Account

DEFAULT_DAYS = {"browsers_days": 365, "deliveries_days": 30, "log_days": 365}


def default_days(field: str) -> int | None:
    """Return the period of accounts that chose none, or None if they keep the rows."""
    if field == "visit_details_days":
        return settings.VISIT_DETAILS_RETENTION_DAYS or None
    return DEFAULT_DAYS.get(field)


def days_of(account: Account, field: str) -> int | None:
    chosen: int | None = getattr(account, field)
    return default_days(field) if chosen is None else chosen


def periods_in_use(field: str) -> list[int]:
    """Return the different periods of all accounts in days, the shortest first."""
    chosen = set(Account.objects.values_list(field, flat=True).distinct())
    return sorted({*chosen, default_days(field)} - {None})


def signature(field: str, days: int) -> str:
    """Return a text that changes when other accounts get a period of at most `days`.

    If the default is that short, the text depends on the accounts with a longer period.
    So it stays the same for new accounts.
    """
    default = default_days(field)
    is_default = default is not None and default <= days
    named = Account.objects.filter(
        **{f"{field}__{'gt' if is_default else 'lte'}": days}
    )
    pks = list(named.order_by("pk").values_list("pk", flat=True))
    return hashlib.sha256(repr((is_default, pks)).encode()).hexdigest()[:16]


def cutoff(days: int, now: datetime) -> datetime:
    return now - timedelta(days=days)
