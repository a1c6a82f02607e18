"""Erasures of persons, and hashes of ids that must not be used again."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User


class ErasureOrigin(models.TextChoices):
    API = "api", _("API")
    ADMIN = "admin", _("admin")
    COMMAND = "command", _("command")
    DELETION = "deletion", _("30 days after the deletion")
    RESTORE = "restore", _("repeated after a restore")


class Erasure(models.Model):
    """The erasure of one person, and its receipt, which names nobody.

    It is done in batches. `due_at` is when a worker continues it, None once it is
    finished. `rows` are the counts of erased rows by table.
    """

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE
    )
    contacts = ArrayField(
        models.BigIntegerField(), help_text="Rows that remain, without names."
    )
    origin = models.CharField(
        _("requested by"), max_length=8, choices=ErasureOrigin.choices
    )
    requested_by = models.ForeignKey(
        User,
        verbose_name=_("user"),
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    requested_at = models.DateTimeField(_("requested"), default=timezone.now)
    due_at = models.DateTimeField(null=True, default=timezone.now)
    finished_at = models.DateTimeField(_("erased at"), null=True)
    rows = models.JSONField(_("erased rows"), default=dict)

    class Meta:
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        constraints = [
            models.CheckConstraint(
                name="erasure_due_until_finished",
                condition=models.Q(due_at=None, finished_at__isnull=False)
                | models.Q(due_at__isnull=False, finished_at=None),
            )
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="erasure_due",
                condition=models.Q(due_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.requested_at):%Y-%m-%d %H:%M}"


class ErasedIdentity(models.Model):
    """A keyed hash of an id that must not come back with an import or a request.

    The id cannot be derived from its hash. If the id is allowed again, the row stays: a
    restore then erases the person of that time, and nobody who got the id later.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    digest = models.BinaryField(max_length=32)
    erasure = models.ForeignKey(Erasure, on_delete=models.CASCADE)
    erased_at = models.DateTimeField(default=timezone.now)
    allowed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "digest"], name="erased_identity_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.erasure_id}"
