"""What programs act with: tokens, and integrations that fetch their own."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User


class Scope(models.TextChoices):
    LINKS_WRITE = "links:write", _("make short links")
    LINKS_READ = "links:read", _("read short links")
    CONTACTS_READ = "contacts:read", _("read contacts and notes")
    CONTACTS_WRITE = "contacts:write", _("change contacts and notes")
    CHATS_WRITE = "chats:write", _("report chats")
    VISITS_READ = "visits:read", _("read visits")
    PIXELS_WRITE = "pixels:write", _("forget and exchange pixels")
    WEBHOOKS_ADMIN = "webhooks:admin", _("manage webhooks")
    USERS_READ = "users:read", _("read users")


def all_scopes() -> list[str]:
    return list(Scope.values)


class Integration(models.Model):
    """A program registered with an account, which fetches tokens by OAuth 2."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    client_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    secret_sha256 = models.BinaryField(max_length=32, editable=False)
    name = models.CharField(max_length=250)
    redirect_uri = models.URLField(max_length=2048)
    scopes = ArrayField(models.CharField(max_length=32), default=all_scopes)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class GrantKind(models.TextChoices):
    CODE = "code", "authorization code"
    REFRESH = "refresh", "refresh token"


class OAuthGrant(models.Model):
    """A code or refresh token: works once; only its hash is kept."""

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE)
    kind = models.CharField(max_length=7, choices=GrantKind.choices)
    sha256 = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.integration}"


class ApiToken(models.Model):
    """What is kept of a token: its `jti`, never the token (contract §3)."""

    jti = models.UUIDField(unique=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    integration = models.ForeignKey(
        "Integration", on_delete=models.CASCADE, null=True, editable=False
    )
    name = models.CharField(max_length=250)
    scopes = ArrayField(models.CharField(max_length=32), default=all_scopes)
    rate = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Requests a second; 0 is no limit, empty what the service allows.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API token"

    def __str__(self) -> str:
        return self.name
