"""Pixels and their attachments to contacts."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account
from shortlinks.models.contacts import Contact


class Pixel(models.Model):
    """A browser, as one account recognizes it. The cookie's id is stored as a hash."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    cookie_sha256 = models.BinaryField(max_length=32)
    visitor_uid = models.CharField(_("visitor ID"), max_length=26)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)
    shared_since = models.DateTimeField(
        _("shared since"),
        null=True,
        editable=False,
        help_text=_("A shared browser is no longer used for merging."),
    )

    class Meta:
        verbose_name = _("browser")
        verbose_name_plural = _("browsers")
        constraints = [
            models.UniqueConstraint(
                fields=["cookie_sha256", "account"], name="pixel_cookie"
            ),
            models.UniqueConstraint(
                fields=["account", "visitor_uid"], name="pixel_visitor_uid"
            ),
        ]

    def __str__(self) -> str:
        return self.visitor_uid


class Evidence(models.TextChoices):
    CLICK = "click", _("opened the contact's link")
    CLICK_REDEEMED = (
        "click_redeemed",
        _("opened the contact's link and continued to a site"),
    )
    OTHER_ADDRESS = (
        "other_address",
        _("a site's page used the click from another address"),
    )
    CHAT = "chat", _("chatted in this browser, and a user confirmed it")


class AttachmentReview(models.TextChoices):
    """A user's decision on an attachment."""

    UNREVIEWED = "unreviewed", _("not reviewed")
    CONFIRMED = "confirmed", _("confirmed")
    REJECTED = "rejected", _("rejected")


class PixelAttachment(models.Model):
    pixel = models.ForeignKey(
        Pixel, verbose_name=_("browser"), on_delete=models.CASCADE
    )
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.CASCADE
    )
    evidence = models.CharField(_("evidence"), max_length=16, choices=Evidence.choices)
    is_returning = models.BooleanField(
        _("returning"),
        db_default=False,
        help_text=_("The browser brought its cookie back, or the page had a gesture."),
    )
    review = models.CharField(
        _("review"),
        max_length=16,
        choices=AttachmentReview.choices,
        db_default=AttachmentReview.UNREVIEWED,
    )
    first_seen_at = models.DateTimeField(_("first seen"))
    last_seen_at = models.DateTimeField(_("last seen"))

    class Meta:
        verbose_name = _("client's browser")
        verbose_name_plural = _("clients' browsers")
        constraints = [
            models.UniqueConstraint(
                fields=["pixel", "contact"], name="pixel_attachment_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pixel} → {self.contact}"
