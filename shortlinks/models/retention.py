"""Retention periods of an account."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class RetentionDays(models.IntegerChoices):
    WEEK = 7, _("7 days")
    MONTH = 30, _("30 days")
    QUARTER = 90, _("90 days")
    HALF_YEAR = 180, _("180 days")
    YEAR = 365, _("1 year")
    TWO_YEARS = 730, _("2 years")
    THREE_YEARS = 1095, _("3 years")
    FIVE_YEARS = 1825, _("5 years")


# At least 90 days, so that no administrator can remove traces of recent changes.
LOG_CHOICES = [
    each for each in RetentionDays.choices if each[0] >= RetentionDays.QUARTER
]


def _days(label: Any, help_text: Any = "", choices: Any = None) -> Any:
    return models.PositiveSmallIntegerField(
        label,
        choices=choices or RetentionDays.choices,
        null=True,
        blank=True,
        help_text=help_text,
    )


class RetentionPeriods(models.Model):
    """Periods in days. None is the default of `domain/retention_periods.py`."""

    visit_details_days = _days(
        _("details of visits"),
        _("IP addresses, user agents and other headers. The visit and its count stay."),
    )
    visits_days = _days(
        _("visits"),
        _("Visits are deleted by whole months. Daily counts and notes stay."),
    )
    notes_days = _days(_("notes"))
    chats_days = _days(_("chats"), _("Since the last report of the chat."))
    browsers_days = _days(
        _("browsers without contact"), _("Since the browser was last seen.")
    )
    deliveries_days = _days(_("webhook deliveries"))
    log_days = _days(
        _("security events and change history"),
        _("Sign-ins, exports and changes, and who made them."),
        LOG_CHOICES,
    )

    class Meta:
        abstract = True


FIELDS = tuple(field.name for field in RetentionPeriods._meta.local_fields)
VALID = Q(
    *(
        Q(**{f"{field.name}__isnull": True})
        | Q(**{f"{field.name}__in": [days for days, _ in field.choices or ()]})
        for field in RetentionPeriods._meta.local_fields
    )
)
