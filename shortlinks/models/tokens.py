"""API tokens, and integrations that fetch them by OAuth."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User


class Scope(models.TextChoices):
    LINKS_WRITE = "links:write", _("create short links")
    LINKS_READ = "links:read", _("read short links")
    CONTACTS_READ = "contacts:read", _("read contacts and notes")
    CONTACTS_WRITE = "contacts:write", _("change contacts and notes")
    CHATS_WRITE = "chats:write", _("send chats")
    CHATS_REPORT = "chats:report", _("report all chats, for a channel")
    VISITS_READ = "visits:read", _("read visits")
    PIXELS_WRITE = "pixels:write", _("exchange and delete browser IDs")
    WEBHOOKS_ADMIN = "webhooks:admin", _("manage webhooks")
    USERS_READ = "users:read", _("read users")
    PERSONAL_DATA = "personal_data", _("export and erase persons")


# This one exceeds the rights of the token's user.
CHANNEL_SCOPES = (Scope.CHATS_REPORT,)
USER_SCOPES = tuple(scope for scope in Scope if scope not in CHANNEL_SCOPES)


def default_scopes() -> list[str]:
    """Return only the scope that creating links needs. Others must be requested."""
    return [Scope.LINKS_WRITE.value]


class ExpiryWarning(models.Model):
    """Columns of a row whose owner gets one e-mail before it expires."""

    warning_due_at = models.DateTimeField(
        null=True, editable=False, help_text="None: sent, or not needed."
    )
    owner_warned_at = models.DateTimeField(_("owner warned"), null=True, editable=False)

    class Meta:
        abstract = True


class Integration(models.Model):
    """A program registered with an account, which fetches tokens by OAuth 2."""

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE
    )
    client_id = models.UUIDField(
        _("client ID"), default=uuid.uuid4, unique=True, editable=False
    )
    name = models.CharField(_("integration name"), max_length=250)
    redirect_uri = models.URLField(_("redirect URI"), max_length=2048)
    scopes = ArrayField(
        models.CharField(max_length=32),
        verbose_name=_("scopes"),
        default=default_scopes,
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )

    class Meta:
        verbose_name = _("integration")
        verbose_name_plural = _("integrations")

    def __str__(self) -> str:
        return self.name


class IntegrationSecret(models.Model):
    """A secret of an integration. The newest one never expires."""

    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="secrets"
    )
    sha256 = models.BinaryField(max_length=32)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration"],
                condition=Q(expires_at=None),
                name="integration_secret_newest",
            )
        ]

    def __str__(self) -> str:
        return f"secret of {self.integration}"


class ApiToken(ExpiryWarning):
    """An API token. Its `jti` is stored, never the token."""

    jti = models.UUIDField(unique=True)
    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE
    )
    user = models.ForeignKey(
        User, verbose_name=_("user"), on_delete=models.CASCADE, related_name="tokens"
    )
    integration = models.ForeignKey(
        "Integration",
        verbose_name=_("integration"),
        on_delete=models.CASCADE,
        null=True,
        editable=False,
    )
    name = models.CharField(_("token name"), max_length=250)
    scopes = ArrayField(
        models.CharField(max_length=32),
        verbose_name=_("scopes"),
        default=default_scopes,
    )
    rate = models.PositiveIntegerField(
        _("rate limit"),
        null=True,
        blank=True,
        help_text=_(
            "Requests per second. 0: unlimited. Empty: the default of the service."
        ),
    )
    created_at = models.DateTimeField(
        _("created"), default=timezone.now, editable=False
    )
    expires_at = models.DateTimeField(_("expires"))
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    networks = ArrayField(
        models.CharField(max_length=43),
        verbose_name=_("networks"),
        default=list,
        editable=False,
        help_text=_("The last networks from which the token was used."),
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        indexes = [
            models.Index(
                fields=["warning_due_at"],
                condition=Q(warning_due_at__isnull=False),
                name="token_warning_due",
            )
        ]

    def __str__(self) -> str:
        return self.name


class OAuthFamily(ExpiryWarning):
    """All tokens that descend from one authorization code (docs/adr/0053).

    `generation` and `expires_at` are those of the current refresh token.
    """

    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="families"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    generation = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    refreshed_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(
        null=True, help_text="Revoked, or one of its tokens was replayed."
    )

    class Meta:
        verbose_name = _("OAuth authorization")
        verbose_name_plural = _("OAuth authorizations")
        indexes = [
            models.Index(
                fields=["warning_due_at"],
                condition=Q(warning_due_at__isnull=False),
                name="family_warning_due",
            )
        ]

    def __str__(self) -> str:
        return f"authorization of {self.integration}"


class GrantKind(models.TextChoices):
    CODE = "code", "authorization code"
    REFRESH = "refresh", "refresh token"


class OAuthGrant(models.Model):
    """A code or refresh token. Only its hash is stored.

    A code gets its family when it is redeemed, with generation 0. A refresh token is
    issued together with `access_token`, and both are deleted together.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    kind = models.CharField(max_length=7, choices=GrantKind.choices)
    sha256 = models.BinaryField(max_length=32, unique=True)
    family = models.ForeignKey(
        OAuthFamily,
        on_delete=models.CASCADE,
        null=True,
        db_index=False,
        related_name="grants",
    )
    generation = models.PositiveIntegerField(default=0)
    access_token = models.OneToOneField(
        ApiToken, on_delete=models.CASCADE, null=True, related_name="grant"
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("OAuth grant")
        verbose_name_plural = _("OAuth grants")
        constraints = [
            models.UniqueConstraint(
                fields=["family", "generation"], name="oauth_one_successor"
            ),
            models.CheckConstraint(
                condition=Q(kind=GrantKind.CODE)
                | Q(family__isnull=False, access_token__isnull=False),
                name="oauth_refresh_token_of_a_family",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.integration}"
