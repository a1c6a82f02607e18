"""Pixels: browsers that opened links, and the contacts they are attached to."""

from django.db import models
from django.utils import timezone

from shortlinks.models.accounts import Account
from shortlinks.models.contacts import Contact


class Pixel(models.Model):
    """A browser as one account knows it; the cookie's own id is never stored."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    cookie_sha256 = models.BinaryField(max_length=32)
    visitor_uid = models.CharField(max_length=26)
    created_at = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(default=timezone.now)
    quarantined_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Several people's browser: nothing is concluded from it any more.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "cookie_sha256"], name="pixel_cookie"
            ),
            models.UniqueConstraint(
                fields=["account", "visitor_uid"], name="pixel_visitor_uid"
            ),
        ]

    def __str__(self) -> str:
        return self.visitor_uid


class Evidence(models.TextChoices):
    CLICK = "click", "opened the contact's link"
    CLICK_REDEEMED = "click_redeemed", "opened the contact's link and went on to a site"
    MANUAL = "manual", "attached by hand"


class AttachmentReview(models.TextChoices):
    """What people have said of an attachment, if anything (pixel R7, R11)."""

    UNREVIEWED = "unreviewed", "not reviewed"
    CONFIRMED = "confirmed", "confirmed: this is the client"
    REJECTED = "rejected", "rejected: this is not the client"


class PixelAttachment(models.Model):
    pixel = models.ForeignKey(Pixel, on_delete=models.CASCADE)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    evidence = models.CharField(max_length=16, choices=Evidence.choices)
    review = models.CharField(
        max_length=16,
        choices=AttachmentReview.choices,
        db_default=AttachmentReview.UNREVIEWED,
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pixel", "contact"], name="pixel_attachment_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pixel} → {self.contact}"
