"""Chats: conversations of a channel or a site's widget, each with one contact."""

from django.db import models
from django.utils import timezone

from shortlinks.models.accounts import Account, User
from shortlinks.models.contacts import Contact


class Chat(models.Model):
    """Whose chat it is: the contact's, or that of whom the contact was merged into."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE)
    source = models.CharField(max_length=64)
    external_id = models.CharField(max_length=255)
    title = models.CharField(max_length=250, blank=True)
    visitor_uid = models.CharField(max_length=26, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(
                fields=["account", "visitor_uid"],
                name="chat_by_visitor",
                condition=~models.Q(visitor_uid=""),
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "source", "external_id"], name="chat_external_id"
            )
        ]

    def __str__(self) -> str:
        return self.title or f"{self.source} {self.external_id}"
