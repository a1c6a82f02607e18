"""Contacts under the CRM's own ids, and the one door to them."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from shortlinks.models.accounts import Account, Group, Right, User


class TrackingConsent(models.TextChoices):
    """What the person has said of being recognised (pixel §1.3)."""

    UNKNOWN = "unknown", "has not said"
    GRANTED = "granted", "agrees"
    DENIED = "denied", "objects"


class ContactQuerySet(models.QuerySet["Contact"]):
    def visible_to(self, user: User) -> Self:
        """The contacts the user may view; all code that serves a caller starts here.

        Specification: «метод доступен в соответствии с правами пользователя».
        """
        mine = self.filter(account_id=user.account_id, is_deleted=False)
        if user.is_admin or user.contacts_view == Right.ALL:
            return mine
        if user.contacts_view == Right.GROUP:
            own = Q(responsible_user=user)
            return mine.filter(own | Q(group=user.group_id) if user.group_id else own)
        if user.contacts_view == Right.MINE:
            return mine.filter(responsible_user=user)
        return self.none()


class Contact(models.Model):
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    entity_id = models.BigIntegerField(help_text="The contact's id in the CRM.")
    name = models.CharField(max_length=250, blank=True)
    first_name = models.CharField(max_length=250, blank=True)
    last_name = models.CharField(max_length=250, blank=True)
    responsible_user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    group = models.ForeignKey(Group, on_delete=models.SET_NULL, null=True, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    updated_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    is_deleted = models.BooleanField(default=False)
    tracking_consent = models.CharField(
        max_length=7,
        choices=TrackingConsent.choices,
        db_default=TrackingConsent.UNKNOWN,
        help_text="Whether the browsers that open this contact's links may be"
        " recognised; an objection forgets those that were.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "entity_id"], name="contact_entity_id"
            ),
            models.CheckConstraint(
                name="contact_entity_id_positive", condition=Q(entity_id__gte=1)
            ),
            models.CheckConstraint(
                name="contact_tracking_consent_known",
                condition=Q(tracking_consent__in=TrackingConsent.values),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"#{self.entity_id}"
