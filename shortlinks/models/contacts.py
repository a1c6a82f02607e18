"""Contacts with the CRM's own ids, and who may view them."""

from collections.abc import Collection
from typing import Any, Self

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Coalesce, Upper
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import AccessLevel, Account, Group, User


class TrackingConsent(models.TextChoices):
    """A contact's consent to the recognition of their browsers."""

    UNKNOWN = "unknown", _("not asked")
    GRANTED = "granted", _("given")
    DENIED = "denied", _("refused")


# The contact itself, or the one that it was merged into.
ROOT = Coalesce("merged_into", "id")
# The columns of a search by name.
NAMES = ("name", "first_name", "last_name")


class ContactQuerySet(models.QuerySet["Contact"]):
    def visible_to(self, user: User) -> Self:
        """Return the contacts that the user may view, without merged ones.

        Use it for lists of contacts. Rows of contacts, such as notes, and the ids that
        clients send need `visible_including_merged`.
        """
        return self.filter(_may_view(user), account=user.account_id, merged_into=None)

    def visible_including_merged(self, user: User) -> Self:
        """Return the contacts whose notes, links and pixels the user may read.

        These are visible contacts and those that were merged into them, which have no
        page of their own.
        """
        # A join would make lists of a group's rows read all contacts.
        root = Contact.objects.filter(_may_view(user), pk=OuterRef("merged_into"))
        merged = Q(merged_into__isnull=False) & Q(Exists(root))
        own = _may_view(user) & Q(merged_into=None)
        return self.filter(own | merged, account=user.account_id)

    def with_entity_ids(
        self, entity_ids: Collection[int], account_id: int | None
    ) -> Self:
        """Return contacts with these ids, and all that are merged with them."""
        named = Contact.objects.filter(account=account_id, entity_id__in=entity_ids)
        return self.with_root(named.values_list(ROOT))

    def same_person(self, contact: "Contact") -> Self:
        """Return the contact and all that are merged with it."""
        return self.with_root([contact.root_id])

    def with_root(self, roots: "Collection[int] | models.QuerySet[Any, Any]") -> Self:
        """Return the contacts with these pks, and all that are merged into them."""
        return self.alias(root_row=ROOT).filter(root_row__in=roots)


def _may_view(user: User) -> Q:
    not_deleted = Q(is_deleted=False)
    if user.is_admin or user.contacts_view == AccessLevel.ALL:
        return not_deleted
    own = Q(responsible_user=user)
    if user.contacts_view == AccessLevel.GROUP:
        in_group = Q(group=user.group_id) if user.group_id else own
        return not_deleted & (own | in_group)
    if user.contacts_view == AccessLevel.MINE:
        return not_deleted & own
    return Q(pk__in=[])


class Contact(models.Model):
    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE
    )
    entity_id = models.BigIntegerField(_("CRM ID"))
    name = models.CharField(_("full name"), max_length=250, blank=True)
    first_name = models.CharField(_("first name"), max_length=250, blank=True)
    last_name = models.CharField(_("last name"), max_length=250, blank=True)
    responsible_user = models.ForeignKey(
        User,
        verbose_name=_("responsible user"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
    )
    group = models.ForeignKey(
        Group, verbose_name=_("group"), on_delete=models.SET_NULL, null=True, blank=True
    )
    created_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    updated_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    is_deleted = models.BooleanField(_("deleted"), default=False)
    deleted_at = models.DateTimeField(_("deleted at"), null=True, editable=False)
    erased_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When the person was erased. Links of the contact still redirect.",
    )
    tracking_consent = models.CharField(
        _("tracking consent"),
        max_length=7,
        choices=TrackingConsent.choices,
        db_default=TrackingConsent.UNKNOWN,
        help_text=_(
            "Whether browsers that open this contact's links may be recognized. If"
            " consent is refused, the browsers recognized so far are deleted."
        ),
    )
    is_anonymous = models.BooleanField(
        _("anonymous"),
        db_default=False,
        editable=False,
        help_text="Created for a chat; the person is not known yet.",
    )
    merged_into = models.ForeignKey(
        "self",
        on_delete=models.CASCADE,
        null=True,
        editable=False,
        db_index=False,
        related_name="merged",
        help_text="The survivor of the merge, which is never merged itself.",
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )
    updated_at = models.DateTimeField(
        _("updated"), default=timezone.now, editable=False
    )

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        indexes = [
            models.Index(ROOT, name="contact_root"),
            # For a search within names. It reads all rows if one column has no index.
            GinIndex(
                *(OpClass(Upper(name), "gin_trgm_ops") for name in NAMES),
                name="contact_name_search",
            ),
            models.Index(
                fields=["id"], name="contact_deleted", condition=Q(is_deleted=True)
            ),
            models.Index(
                fields=["deleted_at"],
                name="contact_to_be_erased",
                condition=Q(is_deleted=True, erased_at=None),
            ),
            models.Index(
                fields=["merged_into"],
                name="contact_merged",
                condition=Q(merged_into__isnull=False),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="contact_merged_into_another",
                condition=Q(merged_into=None) | ~Q(merged_into=models.F("pk")),
            ),
            models.UniqueConstraint(
                fields=["account", "entity_id"], name="contact_entity_id"
            ),
            models.CheckConstraint(
                name="contact_erased_is_deleted",
                condition=Q(erased_at=None) | Q(is_deleted=True),
            ),
            models.CheckConstraint(
                name="contact_entity_id_positive", condition=Q(entity_id__gte=1)
            ),
            models.CheckConstraint(
                name="contact_tracking_consent_valid",
                condition=Q(tracking_consent__in=TrackingConsent.values),
            ),
        ]

    def __str__(self) -> str:
        if self.erased_at:
            return gettext("erased")
        return self.name or f"#{self.entity_id}"

    @property
    def root(self) -> "Contact":
        """Return the contact itself, or the one that it was merged into."""
        return self.merged_into or self

    @property
    def root_id(self) -> int:
        return self.merged_into_id or self.pk
