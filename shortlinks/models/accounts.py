"""Accounts, groups, and users with access levels."""

from ipaddress import ip_network
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from shortlinks.models import (
    ids,  # noqa: F401  mypy looks up the default key
    retention,
)
from shortlinks.models.retention import RetentionPeriods


def validate_network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError:
        raise ValidationError(
            _("“%(text)s” is not an IP address or network."), params={"text": text}
        ) from None


class AddressMask(models.TextChoices):
    FULL = "full", _("full address")
    TRUNCATED = "truncated", _("network only (/24, /48)")
    NONE = "none", _("not stored")


class SuspectPolicy(models.TextChoices):
    """Policies for counting suspects (docs/what-counts-as-an-open.md)."""

    NOTE = "note", _("count as opens")
    HOLD = "hold", _("count if the visitor returns as a person")
    IGNORE = "ignore", _("do not count")


class PixelMode(models.TextChoices):
    """Policies for recognizing browsers (docs/browser-recognition.md)."""

    ON = "on", _("on, unless the client refuses")
    CONSENT_ONLY = "consent_only", _("only with the client's consent")
    OFF = "off", _("off")


class MergeMode(models.TextChoices):
    """Policies for two contacts of one browser (docs/merge-rules.md)."""

    OFF = "off", _("do nothing")
    SUGGEST = "suggest", _("suggest, until a user confirms the browser")
    AUTO = "auto", _("merge in browsers used on several days")


class Account(RetentionPeriods):
    name = models.CharField(_("company"), max_length=250)
    subdomain = models.SlugField(_("subdomain"), max_length=63, unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    country = models.CharField(_("country"), max_length=2, default="RU")
    currency = models.CharField(_("currency"), max_length=3, default="RUB")
    language = models.CharField(_("language"), max_length=2, default="ru")
    time_zone = models.CharField(_("time zone"), max_length=64, default="Europe/Moscow")
    note_window = models.PositiveIntegerField(
        _("note window"),
        default=600,
        validators=[MaxValueValidator(86_400)],
        help_text=_("Opens of one link within this many seconds make one note."),
    )
    forward_query = models.BooleanField(
        _("keep query string"),
        default=True,
        help_text=_("Append the query string of the short link to the target URL."),
    )
    respect_gpc = models.BooleanField(
        _("respect Do Not Track"),
        default=True,
        help_text=_("Do not recognize browsers that send Sec-GPC or DNT."),
    )
    address_mask = models.CharField(
        _("stored IP address"),
        max_length=9,
        choices=AddressMask.choices,
        default=AddressMask.TRUNCATED,
    )
    pixel_mode = models.CharField(
        _("browser recognition"),
        max_length=12,
        choices=PixelMode.choices,
        db_default=PixelMode.ON,
        help_text=_("Which browsers are recognized after they opened a link."),
    )
    merge_mode = models.CharField(
        _("chats from recognized browsers"),
        max_length=7,
        choices=MergeMode.choices,
        db_default=MergeMode.SUGGEST,
        help_text=_(
            "Action when a browser that opened a contact's link starts a chat."
        ),
    )
    max_browsers_per_link = models.PositiveSmallIntegerField(
        _("browsers per link"),
        db_default=2,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_(
            "Only the first browsers that open a link may be the client's. For later"
            " ones, the link counts as forwarded."
        ),
    )
    max_browsers_per_contact = models.PositiveSmallIntegerField(
        _("browsers per contact"),
        db_default=5,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("How many browsers one contact may have within 30 days."),
    )
    suspect_policy = models.CharField(
        _("uncertain opens"),
        max_length=6,
        choices=SuspectPolicy.choices,
        blank=True,
        db_default="",
        help_text=_(
            "How to count opens that may be automated. Empty: the default of the"
            " service."
        ),
    )
    office_networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        verbose_name=_("office networks"),
        blank=True,
        default=list,
        db_default=[],
        size=50,
        help_text=_(
            "IP addresses or networks of your offices, separated by commas. Opens"
            " from there count as staff."
        ),
    )
    # Completed steps are not stored, because the account's rows show them.
    onboarding_dismissed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            models.CheckConstraint(
                name="account_note_window_within_a_day",
                violation_error_message=_("Enter a number from 1 to 86,400 (a day)."),
                condition=Q(note_window__gte=1, note_window__lte=86_400),
            ),
            models.CheckConstraint(
                name="account_retention_valid", condition=retention.VALID
            ),
            models.CheckConstraint(
                name="account_address_mask_valid",
                condition=Q(address_mask__in=AddressMask.values),
            ),
            models.CheckConstraint(
                name="account_pixel_mode_valid",
                condition=Q(pixel_mode__in=PixelMode.values),
            ),
            models.CheckConstraint(
                name="account_merge_mode_valid",
                condition=Q(merge_mode__in=MergeMode.values),
            ),
            models.CheckConstraint(
                name="account_suspect_policy_valid",
                condition=Q(suspect_policy__in=["", *SuspectPolicy.values]),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Group(models.Model):
    """A department, whose managers with level G view each other's contacts."""

    account = models.ForeignKey(
        Account,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        related_name="groups",
    )
    name = models.CharField(_("group name"), max_length=250)

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="group_name")
        ]

    def __str__(self) -> str:
        return self.name


class AccessLevel(models.TextChoices):
    """The contacts that a right applies to, from none to all."""

    DENIED = "D", _("none")
    MINE = "M", _("own")
    GROUP = "G", _("group")
    ALL = "A", _("all")


def level_field(
    name: StrOrPromise, default: AccessLevel
) -> "models.CharField[str, str]":
    return models.CharField(
        name, max_length=1, choices=AccessLevel.choices, default=default
    )


def is_within(right: str, limit: str) -> Q:
    """Return the condition `right` ≤ `limit`, in the order D < M < G < A."""
    return (
        Q(**{limit: AccessLevel.ALL})
        | Q(**{right: AccessLevel.DENIED})
        | Q(
            **{
                limit: AccessLevel.GROUP,
                f"{right}__in": [AccessLevel.GROUP, AccessLevel.MINE],
            }
        )
        | Q(**{limit: AccessLevel.MINE, right: AccessLevel.MINE})
    )


class UserQuerySet(models.QuerySet["User"]):
    def in_account(self, account_id: int) -> Self:
        return self.filter(account_id=account_id)


class UserManager(BaseUserManager["User"].from_queryset(UserQuerySet)):  # type: ignore[misc]
    def create_user(
        self, email: str, password: str | None = None, **fields: Any
    ) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user  # type: ignore[no-any-return]

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":
        return self.create_user(email, password, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())  # type: ignore[no-any-return]


class User(AbstractBaseUser):
    """A user who signs in with their e-mail address; an operator needs no account."""

    account = models.ForeignKey(
        Account,
        verbose_name=_("account"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="users",
    )
    group = models.ForeignKey(
        Group, verbose_name=_("group"), on_delete=models.PROTECT, null=True, blank=True
    )
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=250, blank=True)
    language = models.CharField(_("language"), max_length=2, default="ru")
    is_active = models.BooleanField(_("active"), default=True)
    is_admin = models.BooleanField(_("account administrator"), default=False)
    is_superuser = models.BooleanField(_("service operator"), default=False)
    contacts_view = level_field(_("view"), AccessLevel.ALL)
    contacts_edit = level_field(_("edit"), AccessLevel.ALL)
    contacts_add = level_field(_("add"), AccessLevel.ALL)
    contacts_delete = level_field(_("delete"), AccessLevel.DENIED)
    contacts_export = level_field(_("export"), AccessLevel.DENIED)
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints = [
            models.CheckConstraint(
                name="user_has_account_or_is_operator",
                violation_error_message=_(
                    "Choose an account. Only service operators may have none."
                ),
                condition=Q(account__isnull=False) | Q(is_superuser=True),
            ),
            models.CheckConstraint(
                name="user_email_lower",
                condition=Q(email=Lower("email")),
            ),
            models.CheckConstraint(
                name="user_view_level_valid",
                condition=Q(contacts_view__in=AccessLevel.values),
            ),
            models.CheckConstraint(
                name="user_add_all_or_denied",
                violation_error_message=_("Add access can only be “all” or “none”."),
                condition=Q(contacts_add__in=[AccessLevel.ALL, AccessLevel.DENIED]),
            ),
            models.CheckConstraint(
                name="user_edit_within_view",
                violation_error_message=_("Edit access cannot exceed view access."),
                condition=is_within("contacts_edit", "contacts_view"),
            ),
            models.CheckConstraint(
                name="user_delete_within_edit",
                violation_error_message=_("Delete access cannot exceed edit access."),
                condition=is_within("contacts_delete", "contacts_edit"),
            ),
            models.CheckConstraint(
                name="user_export_within_view",
                violation_error_message=_("Export access cannot exceed view access."),
                condition=is_within("contacts_export", "contacts_view"),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_short_name(self) -> str:
        return str(self)

    def get_full_name(self) -> str:
        return str(self)

    @property
    def is_staff(self) -> bool:
        """Return True for everybody who can sign in; the admin checks access levels."""
        return self.is_active and (self.account is None or self.account.is_active)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Return True for operators; `admin/` checks the access levels of others."""
        return self.is_active and self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and (self.is_superuser or app_label == "shortlinks")
