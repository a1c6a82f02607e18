"""Chats of a channel or of a site's widget."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User
from shortlinks.models.contacts import Contact


class ChatQuerySet(models.QuerySet["Chat"]):
    def anonymous(self) -> Self:
        """Return the chats whose contact is anonymous, also after merges."""
        return self.filter(
            Q(contact__merged_into=None, contact__is_anonymous=True)
            | Q(contact__merged_into__is_anonymous=True)
        )


class Chat(models.Model):
    """A conversation with one contact. After a merge, it belongs to `contact.root`."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, db_index=False
    )
    contact = models.ForeignKey(
        Contact, verbose_name=_("contact"), on_delete=models.CASCADE
    )
    source = models.CharField(_("source"), max_length=64)
    external_id = models.CharField(_("external ID"), max_length=255)
    title = models.CharField(_("title"), max_length=250, blank=True)
    visitor_uid = models.CharField(_("visitor ID"), max_length=26, blank=True)
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("updated"), default=timezone.now)

    objects = ChatQuerySet.as_manager()

    class Meta:
        verbose_name = _("chat")
        verbose_name_plural = _("chats")
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
