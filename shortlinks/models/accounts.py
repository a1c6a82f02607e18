"""Who may do what: accounts, groups, and users with rights letters."""

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


def validate_network(text: str) -> None:
    try:
        ip_network(text)
    except ValueError:
        raise ValidationError(
            _("%(text)s is no address or network."), params={"text": text}
        ) from None


class AddressMask(models.TextChoices):
    FULL = "full", "whole address"
    TRUNCATED = "truncated", "network only (/24, /48)"
    NONE = "none", "nothing"


class SuspectPolicy(models.TextChoices):
    """What becomes of opens that may be a machine's (visits §2.3)."""

    NOTE = "note", "count as a person's"
    HOLD = "hold", "count if the visitor comes back as a person"
    IGNORE = "ignore", "never count"


class PixelMode(models.TextChoices):
    """Whose browsers are recognised (pixel §1.3)."""

    ON = "on", "all but those who object"
    CONSENT_ONLY = "consent_only", "only those who agreed"
    OFF = "off", "nobody's"


class MergeMode(models.TextChoices):
    """What follows when a browser that opened a contact's link chats (pixel R13)."""

    OFF = "off", "nothing"
    SUGGEST = "suggest", "a suggestion"
    AUTO = "auto", "the chat joins the contact"


class Account(models.Model):
    name = models.CharField("company", max_length=250)
    subdomain = models.SlugField(max_length=63, unique=True)
    is_active = models.BooleanField(default=True)
    country = models.CharField(max_length=2, default="RU")
    currency = models.CharField(max_length=3, default="RUB")
    language = models.CharField(max_length=2, default="ru")
    time_zone = models.CharField(max_length=64, default="Europe/Moscow")
    note_window = models.PositiveIntegerField(
        default=600,
        validators=[MaxValueValidator(86_400)],
        help_text="Seconds in which the opens of one link make one note.",
    )
    forward_query = models.BooleanField(
        default=True,
        help_text="Pass the query of the short url on to the target.",
    )
    respect_gpc = models.BooleanField(
        default=True, help_text="Give no pixel to browsers that send Sec-GPC or DNT."
    )
    address_mask = models.CharField(
        max_length=9, choices=AddressMask.choices, default=AddressMask.TRUNCATED
    )
    pixel_mode = models.CharField(
        max_length=12,
        choices=PixelMode.choices,
        db_default=PixelMode.ON,
        help_text="Whose browsers get a pixel when they open a link.",
    )
    merge_mode = models.CharField(
        max_length=7,
        choices=MergeMode.choices,
        db_default=MergeMode.AUTO,
        help_text="What follows when a browser that opened a contact's link chats.",
    )
    max_browsers_per_link = models.PositiveSmallIntegerField(
        db_default=2,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Browsers of one link that may be the client's; what opens it after"
        " them got the link passed on.",
    )
    max_browsers_per_contact = models.PositiveSmallIntegerField(
        db_default=5,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="Browsers that one contact may have within 30 days.",
    )
    suspect_policy = models.CharField(
        max_length=6,
        choices=SuspectPolicy.choices,
        blank=True,
        db_default="",
        help_text="What becomes of opens that may be a machine's; empty: as the"
        " service is set up.",
    )
    office_networks = ArrayField(
        models.CharField(max_length=43, validators=[validate_network]),
        blank=True,
        default=list,
        db_default=[],
        size=50,
        help_text="Addresses or networks of your offices, separated by commas. What is"
        " opened from there counts as a colleague's.",
    )
    # Put aside by hand; that they are done is told by the rows.
    onboarding_dismissed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="account_note_window_within_a_day",
                violation_error_message=_("The window is from a second to a day."),
                condition=Q(note_window__gte=1, note_window__lte=86_400),
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
    """A department: managers with the letter G see their group's contacts."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="groups"
    )
    name = models.CharField(max_length=250)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="group_name")
        ]

    def __str__(self) -> str:
        return self.name


class AccessLevel(models.TextChoices):
    """How far a right reaches (contract §4), from nobody to everybody."""

    DENIED = "D", "denied"
    MINE = "M", "where responsible"
    GROUP = "G", "own group"
    ALL = "A", "all"


def level_field(default: AccessLevel) -> "models.CharField[str, str]":
    return models.CharField(max_length=1, choices=AccessLevel.choices, default=default)


def is_within(right: str, than: str) -> Q:
    """The letters in order D < M < G < A: `right` may not exceed `than`."""
    return (
        Q(**{than: AccessLevel.ALL})
        | Q(**{right: AccessLevel.DENIED})
        | Q(
            **{
                than: AccessLevel.GROUP,
                f"{right}__in": [AccessLevel.GROUP, AccessLevel.MINE],
            }
        )
        | Q(**{than: AccessLevel.MINE, right: AccessLevel.MINE})
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
    """A manager or administrator of an account; the operator has no account."""

    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, null=True, blank=True, related_name="users"
    )
    group = models.ForeignKey(Group, on_delete=models.PROTECT, null=True, blank=True)
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=250, blank=True)
    language = models.CharField(max_length=2, default="ru")
    is_active = models.BooleanField(default=True)
    is_admin = models.BooleanField("administrator of the account", default=False)
    is_superuser = models.BooleanField("operator of the service", default=False)
    contacts_view = level_field(AccessLevel.ALL)
    contacts_edit = level_field(AccessLevel.ALL)
    contacts_add = level_field(AccessLevel.ALL)
    contacts_delete = level_field(AccessLevel.DENIED)
    contacts_export = level_field(AccessLevel.DENIED)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="user_has_account_or_is_operator",
                violation_error_message=_(
                    "A user belongs to an account, or operates the service."
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
                violation_error_message=_("The right to add is for all or nobody."),
                condition=Q(contacts_add__in=[AccessLevel.ALL, AccessLevel.DENIED]),
            ),
            models.CheckConstraint(
                name="user_edit_within_view",
                violation_error_message=_("One may not edit more than one may view."),
                condition=is_within("contacts_edit", "contacts_view"),
            ),
            models.CheckConstraint(
                name="user_delete_within_edit",
                violation_error_message=_("One may not delete more than one may edit."),
                condition=is_within("contacts_delete", "contacts_edit"),
            ),
            models.CheckConstraint(
                name="user_export_within_view",
                violation_error_message=_("One may not export more than one may view."),
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
        """Everybody who can sign in works in the admin; what they see differs."""
        return self.is_active and (self.account is None or self.account.is_active)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Accounts' users have their rights from the letters, in `admin/`."""
        return self.is_active and self.is_superuser

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_active and (self.is_superuser or app_label == "shortlinks")
