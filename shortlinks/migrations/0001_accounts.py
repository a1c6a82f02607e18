"""Create accounts, groups, users, tokens and integrations."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
import shortlinks.models.accounts
import shortlinks.models.ids
import shortlinks.models.tokens
import uuid
from django.conf import settings
from django.db import migrations, models


# Eighths of a second since 2024 (35 bits), and a counter of all tables (18 bits). The
# offset hides how many rows others insert, and differs after a failover.
NEW_ID = """
CREATE SEQUENCE shortlinks_id_sequence;

CREATE FUNCTION shortlinks_new_id() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  eighth bigint := floor((date_part('epoch', clock_timestamp()) - 1704067200) * 8);
  secret bigint := date_part('epoch', pg_postmaster_start_time()) * 1000000;
  start bigint := hashint8extended(eighth, secret) & 262143;
  counter bigint := nextval('shortlinks_id_sequence') & 262143;
BEGIN
  RETURN (eighth << 18) | ((start + counter) & 262143);
END $$;
"""
UNDO_NEW_ID = """
DROP FUNCTION shortlinks_new_id;
DROP SEQUENCE shortlinks_id_sequence;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.RunSQL(
            sql=NEW_ID,
            reverse_sql=UNDO_NEW_ID,
        ),
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("name", models.CharField(max_length=250, verbose_name="company")),
                (
                    "subdomain",
                    models.SlugField(
                        max_length=63, unique=True, verbose_name="subdomain"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "country",
                    models.CharField(
                        default="RU", max_length=2, verbose_name="country"
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        default="RUB", max_length=3, verbose_name="currency"
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        default="ru", max_length=2, verbose_name="language"
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="Europe/Moscow", max_length=64, verbose_name="time zone"
                    ),
                ),
                (
                    "note_window",
                    models.PositiveIntegerField(
                        default=600,
                        help_text="Opens of one link within this many seconds make one note.",
                        validators=[django.core.validators.MaxValueValidator(86400)],
                        verbose_name="note window",
                    ),
                ),
                (
                    "forward_query",
                    models.BooleanField(
                        default=True,
                        help_text="Append the query string of the short link to the target URL.",
                        verbose_name="keep query string",
                    ),
                ),
                (
                    "respect_gpc",
                    models.BooleanField(
                        default=True,
                        help_text="Do not recognize browsers that send Sec-GPC or DNT.",
                        verbose_name="respect Do Not Track",
                    ),
                ),
                (
                    "address_mask",
                    models.CharField(
                        choices=[
                            ("full", "full address"),
                            ("truncated", "network only (/24, /48)"),
                            ("none", "not stored"),
                        ],
                        default="truncated",
                        max_length=9,
                        verbose_name="stored IP address",
                    ),
                ),
                (
                    "pixel_mode",
                    models.CharField(
                        choices=[
                            ("on", "on, unless the client refuses"),
                            ("consent_only", "only with the client's consent"),
                            ("off", "off"),
                        ],
                        db_default="on",
                        help_text="Which browsers are recognized after they opened a link.",
                        max_length=12,
                        verbose_name="browser recognition",
                    ),
                ),
                (
                    "merge_mode",
                    models.CharField(
                        choices=[
                            ("off", "do nothing"),
                            ("suggest", "suggest, until a user confirms the browser"),
                            ("auto", "merge in browsers used on several days"),
                        ],
                        db_default="suggest",
                        help_text="Action when a browser that opened a contact's link starts a chat.",
                        max_length=7,
                        verbose_name="chats from recognized browsers",
                    ),
                ),
                (
                    "max_browsers_per_link",
                    models.PositiveSmallIntegerField(
                        db_default=2,
                        help_text="Only the first browsers that open a link may be the client's. For later ones, the link counts as forwarded.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="browsers per link",
                    ),
                ),
                (
                    "max_browsers_per_contact",
                    models.PositiveSmallIntegerField(
                        db_default=5,
                        help_text="How many browsers one contact may have within 30 days.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                        verbose_name="browsers per contact",
                    ),
                ),
                (
                    "suspect_policy",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("note", "count as opens"),
                            ("hold", "count if the visitor returns as a person"),
                            ("ignore", "do not count"),
                        ],
                        db_default="",
                        help_text="How to count opens that may be automated. Empty: the default of the service.",
                        max_length=6,
                        verbose_name="uncertain opens",
                    ),
                ),
                (
                    "office_networks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            max_length=43,
                            validators=[shortlinks.models.accounts.validate_network],
                        ),
                        blank=True,
                        db_default=[],
                        default=list,
                        help_text="IP addresses or networks of your offices, separated by commas. Opens from there count as staff.",
                        size=50,
                        verbose_name="office networks",
                    ),
                ),
                (
                    "onboarding_dismissed_at",
                    models.DateTimeField(editable=False, null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="created",
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("note_window__gte", 1), ("note_window__lte", 86400)
                        ),
                        name="account_note_window_within_a_day",
                        violation_error_message="Enter a number from 1 to 86,400 (a day).",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("address_mask__in", ["full", "truncated", "none"])
                        ),
                        name="account_address_mask_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("pixel_mode__in", ["on", "consent_only", "off"])
                        ),
                        name="account_pixel_mode_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("merge_mode__in", ["off", "suggest", "auto"])
                        ),
                        name="account_merge_mode_valid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("suspect_policy__in", ["", "note", "hold", "ignore"])
                        ),
                        name="account_suspect_policy_valid",
                    ),
                ],
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
            },
        ),
        migrations.CreateModel(
            name="Group",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("name", models.CharField(max_length=250, verbose_name="group name")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="groups",
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={"verbose_name": "group", "verbose_name_plural": "groups"},
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                (
                    "last_login",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="last login"
                    ),
                ),
                (
                    "email",
                    models.EmailField(
                        max_length=254, unique=True, verbose_name="e-mail"
                    ),
                ),
                (
                    "name",
                    models.CharField(blank=True, max_length=250, verbose_name="name"),
                ),
                (
                    "language",
                    models.CharField(
                        default="ru", max_length=2, verbose_name="language"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="active")),
                (
                    "is_admin",
                    models.BooleanField(
                        default=False, verbose_name="account administrator"
                    ),
                ),
                (
                    "is_superuser",
                    models.BooleanField(default=False, verbose_name="service operator"),
                ),
                (
                    "contacts_view",
                    models.CharField(
                        choices=[
                            ("D", "none"),
                            ("M", "own"),
                            ("G", "group"),
                            ("A", "all"),
                        ],
                        default="A",
                        max_length=1,
                        verbose_name="view",
                    ),
                ),
                (
                    "contacts_edit",
                    models.CharField(
                        choices=[
                            ("D", "none"),
                            ("M", "own"),
                            ("G", "group"),
                            ("A", "all"),
                        ],
                        default="A",
                        max_length=1,
                        verbose_name="edit",
                    ),
                ),
                (
                    "contacts_add",
                    models.CharField(
                        choices=[
                            ("D", "none"),
                            ("M", "own"),
                            ("G", "group"),
                            ("A", "all"),
                        ],
                        default="A",
                        max_length=1,
                        verbose_name="add",
                    ),
                ),
                (
                    "contacts_delete",
                    models.CharField(
                        choices=[
                            ("D", "none"),
                            ("M", "own"),
                            ("G", "group"),
                            ("A", "all"),
                        ],
                        default="D",
                        max_length=1,
                        verbose_name="delete",
                    ),
                ),
                (
                    "contacts_export",
                    models.CharField(
                        choices=[
                            ("D", "none"),
                            ("M", "own"),
                            ("G", "group"),
                            ("A", "all"),
                        ],
                        default="D",
                        max_length=1,
                        verbose_name="export",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="created",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="users",
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="shortlinks.group",
                        verbose_name="group",
                    ),
                ),
            ],
            options={"verbose_name": "user", "verbose_name_plural": "users"},
        ),
        migrations.CreateModel(
            name="FormSubmission",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("token_sha256", models.BinaryField(max_length=32)),
                ("response", models.BinaryField(default=bytes)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now),
                ),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("user", "token_sha256"), name="form_submission_token"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Integration",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "client_id",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        unique=True,
                        verbose_name="client ID",
                    ),
                ),
                (
                    "name",
                    models.CharField(max_length=250, verbose_name="integration name"),
                ),
                (
                    "redirect_uri",
                    models.URLField(max_length=2048, verbose_name="redirect URI"),
                ),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32),
                        default=shortlinks.models.tokens.default_scopes,
                        size=None,
                        verbose_name="scopes",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="created",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "integration",
                "verbose_name_plural": "integrations",
            },
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "warning_due_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="None: sent, or not needed.",
                        null=True,
                    ),
                ),
                (
                    "owner_warned_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="owner warned"
                    ),
                ),
                ("jti", models.UUIDField(unique=True)),
                ("name", models.CharField(max_length=250, verbose_name="token name")),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32),
                        default=shortlinks.models.tokens.default_scopes,
                        size=None,
                        verbose_name="scopes",
                    ),
                ),
                (
                    "rate",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests per second. 0: unlimited. Empty: the default of the service.",
                        null=True,
                        verbose_name="rate limit",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="created",
                    ),
                ),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                (
                    "last_used_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="last used"
                    ),
                ),
                (
                    "networks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=43),
                        default=list,
                        editable=False,
                        help_text="The last networks from which the token was used.",
                        size=None,
                        verbose_name="networks",
                    ),
                ),
                (
                    "revoked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="revoked"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.integration",
                        verbose_name="integration",
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
                "verbose_name_plural": "API tokens",
                "indexes": [
                    models.Index(
                        condition=models.Q(("warning_due_at__isnull", False)),
                        fields=["warning_due_at"],
                        name="token_warning_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="IntegrationSecret",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("sha256", models.BinaryField(max_length=32)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField(null=True)),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="secrets",
                        to="shortlinks.integration",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("expires_at", None)),
                        fields=("integration",),
                        name="integration_secret_newest",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OAuthFamily",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "warning_due_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="None: sent, or not needed.",
                        null=True,
                    ),
                ),
                (
                    "owner_warned_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="owner warned"
                    ),
                ),
                ("generation", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "refreshed_at",
                    models.DateTimeField(default=django.utils.timezone.now),
                ),
                ("expires_at", models.DateTimeField(db_index=True)),
                (
                    "ended_at",
                    models.DateTimeField(
                        help_text="Revoked, or one of its tokens was replayed.",
                        null=True,
                    ),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="families",
                        to="shortlinks.integration",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "OAuth authorization",
                "verbose_name_plural": "OAuth authorizations",
                "indexes": [
                    models.Index(
                        condition=models.Q(("warning_due_at__isnull", False)),
                        fields=["warning_due_at"],
                        name="family_warning_due",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OAuthGrant",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("code", "authorization code"),
                            ("refresh", "refresh token"),
                        ],
                        max_length=7,
                    ),
                ),
                ("sha256", models.BinaryField(max_length=32, unique=True)),
                ("generation", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField(db_index=True)),
                ("used_at", models.DateTimeField(null=True)),
                (
                    "integration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.integration",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "family",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        to="shortlinks.oauthfamily",
                    ),
                ),
                (
                    "access_token",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grant",
                        to="shortlinks.apitoken",
                    ),
                ),
            ],
            options={
                "verbose_name": "OAuth grant",
                "verbose_name_plural": "OAuth grants",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("family", "generation"), name="oauth_one_successor"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind", "code"),
                            models.Q(
                                ("access_token__isnull", False),
                                ("family__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="oauth_refresh_token_of_a_family",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="group",
            constraint=models.UniqueConstraint(
                fields=("account", "name"), name="group_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("account__isnull", False), ("is_superuser", True), _connector="OR"
                ),
                name="user_has_account_or_is_operator",
                violation_error_message="Choose an account. Only service operators may have none.",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("email", django.db.models.functions.text.Lower("email"))
                ),
                name="user_email_lower",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("contacts_view__in", ["D", "M", "G", "A"])),
                name="user_view_level_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(("contacts_add__in", ["A", "D"])),
                name="user_add_all_or_denied",
                violation_error_message="Add access can only be “all” or “none”.",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("contacts_view", "A"),
                    ("contacts_edit", "D"),
                    models.Q(("contacts_edit__in", ["G", "M"]), ("contacts_view", "G")),
                    models.Q(("contacts_edit", "M"), ("contacts_view", "M")),
                    _connector="OR",
                ),
                name="user_edit_within_view",
                violation_error_message="Edit access cannot exceed view access.",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("contacts_edit", "A"),
                    ("contacts_delete", "D"),
                    models.Q(
                        ("contacts_delete__in", ["G", "M"]), ("contacts_edit", "G")
                    ),
                    models.Q(("contacts_delete", "M"), ("contacts_edit", "M")),
                    _connector="OR",
                ),
                name="user_delete_within_edit",
                violation_error_message="Delete access cannot exceed edit access.",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("contacts_view", "A"),
                    ("contacts_export", "D"),
                    models.Q(
                        ("contacts_export__in", ["G", "M"]), ("contacts_view", "G")
                    ),
                    models.Q(("contacts_export", "M"), ("contacts_view", "M")),
                    _connector="OR",
                ),
                name="user_export_within_view",
                violation_error_message="Export access cannot exceed view access.",
            ),
        ),
        migrations.CreateModel(
            name='SecurityEvent',
            fields=[
                ('id', shortlinks.models.ids.TimeOrderedIdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('sign_in', 'sign-in'), ('sign_in_failed', 'failed sign-in'), ('sign_in_blocked', 'sign-in blocked after many attempts'), ('code_failed', 'wrong code'), ('factor_added', 'second factor added'), ('factor_removed', 'second factor removed'), ('password_changed', 'password changed'), ('password_reset', 'link for a new password sent'), ('invited', 'user invited'), ('session_ended', 'session ended'), ('rights_changed', 'rights changed'), ('access_denied', 'access denied'), ('token_issued', 'token created'), ('token_new_network', 'token used from a new network'), ('token_rejected', 'rejected token'), ('token_revoked', 'token revoked'), ('oauth_failed', 'failed OAuth request'), ('oauth_replayed', 'replayed OAuth token'), ('oauth_revoked', 'OAuth authorization revoked'), ('secret_renewed', 'client secret renewed'), ('secret_ended', 'old client secret ended'), ('export', 'export'), ('erasure', 'person erased'), ('domain_verified', 'short domain verified'), ('domain_lost', 'record of a short domain is missing'), ('domain_stopped', 'short domain stopped')], max_length=17, verbose_name='event')),
                ('detail', models.CharField(db_default='', max_length=250, verbose_name='details')),
                ('network', models.CharField(db_default='', help_text='Masked like the addresses of visitors.', max_length=43, verbose_name='network')),
                ('hour', models.DateTimeField()),
                ('count', models.PositiveIntegerField(db_default=1, verbose_name='number')),
                ('occurred_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), verbose_name='time')),
                ('account', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account', verbose_name='account')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'security event',
                'verbose_name_plural': 'security events',
                'constraints': [models.UniqueConstraint(fields=('hour', 'account', 'user', 'kind', 'detail', 'network'), name='security_event_once_an_hour', nulls_distinct=False)],
            },
        ),
    ]
