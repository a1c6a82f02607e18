"""Security events of accounts: sign-ins, denied requests, tokens and exports."""

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from shortlinks.models.accounts import Account, User


class SecurityEventKind(models.TextChoices):
    SIGN_IN = "sign_in", _("sign-in")
    SIGN_IN_FAILED = "sign_in_failed", _("failed sign-in")
    SIGN_IN_BLOCKED = "sign_in_blocked", _("sign-in blocked after many attempts")
    CODE_FAILED = "code_failed", _("wrong code")
    FACTOR_ADDED = "factor_added", _("second factor added")
    FACTOR_REMOVED = "factor_removed", _("second factor removed")
    PASSWORD_CHANGED = "password_changed", _("password changed")
    PASSWORD_RESET = "password_reset", _("link for a new password sent")
    INVITED = "invited", _("user invited")
    SESSION_ENDED = "session_ended", _("session ended")
    RIGHTS_CHANGED = "rights_changed", _("rights changed")
    ACCESS_DENIED = "access_denied", _("access denied")
    TOKEN_ISSUED = "token_issued", _("token created")
    TOKEN_NEW_NETWORK = "token_new_network", _("token used from a new network")
    TOKEN_REJECTED = "token_rejected", _("rejected token")
    TOKEN_REVOKED = "token_revoked", _("token revoked")
    OAUTH_FAILED = "oauth_failed", _("failed OAuth request")
    OAUTH_REPLAYED = "oauth_replayed", _("replayed OAuth token")
    OAUTH_REVOKED = "oauth_revoked", _("OAuth authorization revoked")
    SECRET_RENEWED = "secret_renewed", _("client secret renewed")
    SECRET_ENDED = "secret_ended", _("old client secret ended")
    EXPORT = "export", _("export")
    ERASURE = "erasure", _("person erased")
    DOMAIN_VERIFIED = "domain_verified", _("short domain verified")
    DOMAIN_LOST = "domain_lost", _("record of a short domain is missing")
    DOMAIN_STOPPED = "domain_stopped", _("short domain stopped")


class SecurityEvent(models.Model):
    """Equal events within one hour, and their number (docs/adr/0052).

    `account` and `user` are None if the email of a failed sign-in is unknown.
    """

    account = models.ForeignKey(
        Account, verbose_name=_("account"), on_delete=models.CASCADE, null=True
    )
    user = models.ForeignKey(
        User,
        verbose_name=_("user"),
        on_delete=models.DO_NOTHING,  # the id stays
        null=True,
        db_index=False,
        db_constraint=False,
    )
    kind = models.CharField(
        _("event"), max_length=17, choices=SecurityEventKind.choices
    )
    detail = models.CharField(_("details"), max_length=250, db_default="")
    network = models.CharField(
        _("network"),
        max_length=43,
        db_default="",
        help_text=_("Masked like the addresses of visitors."),
    )
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(_("number"), db_default=1)
    occurred_at = models.DateTimeField(_("time"), db_default=Now())

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        constraints = [
            models.UniqueConstraint(
                fields=["hour", "account", "user", "kind", "detail", "network"],
                name="security_event_once_an_hour",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        time = timezone.localtime(self.occurred_at)
        return f"{self.get_kind_display()}, {time:%Y-%m-%d %H:%M}"
