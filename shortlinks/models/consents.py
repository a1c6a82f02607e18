"""The history of contacts' consents to the recognition of their browsers."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import User
from shortlinks.models.contacts import Contact, TrackingConsent

MAX_SOURCE_LENGTH = 250
MAX_TEXT_VERSION_LENGTH = 100


class ConsentChannel(models.TextChoices):
    """The way by which a consent was recorded."""

    API = "api", _("API")
    ADMIN = "admin", _("admin")
    IMPORT = "import", _("import")
    MERGE = "merge", _("merge")
    UNDO = "undo", _("undone merge")


class ConsentRecord(models.Model):
    """A contact's answer, or a merge that changed the consent. It is never changed.

    The newest record of a contact is its current consent.
    """

    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.CASCADE
    )
    consent = models.CharField(
        _("tracking consent"), max_length=7, choices=TrackingConsent.choices
    )
    source = models.CharField(
        _("source"),
        max_length=MAX_SOURCE_LENGTH,
        blank=True,
        help_text=_("Where the person answered, for example a form or a phone call."),
    )
    text_version = models.CharField(
        _("text version"),
        max_length=MAX_TEXT_VERSION_LENGTH,
        blank=True,
        help_text=_("Which version of your text the person read."),
    )
    given_at = models.DateTimeField(_("answered"))
    channel = models.CharField(
        _("recorded through"), max_length=6, choices=ConsentChannel.choices
    )
    recorded_by = models.ForeignKey(
        User,
        verbose_name=_("user"),
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
    )
    recorded_at = models.DateTimeField(_("recorded"), default=timezone.now)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [
            models.CheckConstraint(
                name="consent_record_valid",
                condition=models.Q(consent__in=TrackingConsent.values),
            )
        ]

    def __str__(self) -> str:
        return str(self.get_consent_display())
