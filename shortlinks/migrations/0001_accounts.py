"""Create accounts, groups, users, tokens and integrations."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import shortlinks.models.accounts
import shortlinks.models.tokens
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("name", models.CharField(max_length=250, verbose_name="company")),
                ("subdomain", models.SlugField(max_length=63, unique=True)),
                ("is_active", models.BooleanField(default=True)),
                ("country", models.CharField(default="RU", max_length=2)),
                ("currency", models.CharField(default="RUB", max_length=3)),
                ("language", models.CharField(default="ru", max_length=2)),
                ("time_zone", models.CharField(default="Europe/Moscow", max_length=64)),
                (
                    "note_window",
                    models.PositiveIntegerField(
                        default=600,
                        help_text="Seconds in which the opens of one link make one note.",
                        validators=[django.core.validators.MaxValueValidator(86400)],
                    ),
                ),
                (
                    "forward_query",
                    models.BooleanField(
                        default=True,
                        help_text="Pass the query of the short url on to the target.",
                    ),
                ),
                (
                    "respect_gpc",
                    models.BooleanField(
                        default=True,
                        help_text="Give no pixel to browsers that send Sec-GPC or DNT.",
                    ),
                ),
                (
                    "address_mask",
                    models.CharField(
                        choices=[
                            ("full", "whole address"),
                            ("truncated", "network only (/24, /48)"),
                            ("none", "nothing"),
                        ],
                        default="truncated",
                        max_length=9,
                    ),
                ),
                (
                    "pixel_mode",
                    models.CharField(
                        choices=[
                            ("on", "all but those who object"),
                            ("consent_only", "only those who agreed"),
                            ("off", "nobody's"),
                        ],
                        db_default="on",
                        help_text="Whose browsers get a pixel when they open a link.",
                        max_length=12,
                    ),
                ),
                (
                    "merge_mode",
                    models.CharField(
                        choices=[
                            ("off", "nothing"),
                            ("suggest", "a suggestion"),
                            ("auto", "the chat joins the contact"),
                        ],
                        db_default="auto",
                        help_text="What follows when a browser that opened a contact's link chats.",
                        max_length=7,
                    ),
                ),
                (
                    "max_browsers_per_link",
                    models.PositiveSmallIntegerField(
                        db_default=2,
                        help_text="Browsers of one link that may be the client's; what opens it after them got the link passed on.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "max_browsers_per_contact",
                    models.PositiveSmallIntegerField(
                        db_default=5,
                        help_text="Browsers that one contact may have within 30 days.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(100),
                        ],
                    ),
                ),
                (
                    "suspect_policy",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("note", "count as a person's"),
                            ("hold", "count if the visitor comes back as a person"),
                            ("ignore", "never count"),
                        ],
                        db_default="",
                        help_text="What becomes of opens that may be a machine's; empty: as the service is set up.",
                        max_length=6,
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
                        help_text="Addresses or networks of your offices, separated by commas. What is opened from there counts as a colleague's.",
                        size=50,
                    ),
                ),
                (
                    "onboarding_dismissed_at",
                    models.DateTimeField(editable=False, null=True),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
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
                        violation_error_message="The window is from a second to a day.",
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
            },
        ),
        migrations.CreateModel(
            name="Group",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("name", models.CharField(max_length=250)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="groups",
                        to="shortlinks.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
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
                ("email", models.EmailField(max_length=254, unique=True)),
                ("name", models.CharField(blank=True, max_length=250)),
                ("language", models.CharField(default="ru", max_length=2)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "is_admin",
                    models.BooleanField(
                        default=False, verbose_name="administrator of the account"
                    ),
                ),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False, verbose_name="operator of the service"
                    ),
                ),
                (
                    "contacts_view",
                    models.CharField(
                        choices=[
                            ("D", "denied"),
                            ("M", "where responsible"),
                            ("G", "own group"),
                            ("A", "all"),
                        ],
                        default="A",
                        max_length=1,
                    ),
                ),
                (
                    "contacts_edit",
                    models.CharField(
                        choices=[
                            ("D", "denied"),
                            ("M", "where responsible"),
                            ("G", "own group"),
                            ("A", "all"),
                        ],
                        default="A",
                        max_length=1,
                    ),
                ),
                (
                    "contacts_add",
                    models.CharField(
                        choices=[
                            ("D", "denied"),
                            ("M", "where responsible"),
                            ("G", "own group"),
                            ("A", "all"),
                        ],
                        default="A",
                        max_length=1,
                    ),
                ),
                (
                    "contacts_delete",
                    models.CharField(
                        choices=[
                            ("D", "denied"),
                            ("M", "where responsible"),
                            ("G", "own group"),
                            ("A", "all"),
                        ],
                        default="D",
                        max_length=1,
                    ),
                ),
                (
                    "contacts_export",
                    models.CharField(
                        choices=[
                            ("D", "denied"),
                            ("M", "where responsible"),
                            ("G", "own group"),
                            ("A", "all"),
                        ],
                        default="D",
                        max_length=1,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
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
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        to="shortlinks.group",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Integration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "client_id",
                    models.UUIDField(default=uuid.uuid4, editable=False, unique=True),
                ),
                ("secret_sha256", models.BinaryField(max_length=32)),
                ("name", models.CharField(max_length=250)),
                ("redirect_uri", models.URLField(max_length=2048)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32),
                        default=shortlinks.models.tokens.all_scopes,
                        size=None,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("jti", models.UUIDField(unique=True)),
                ("name", models.CharField(max_length=250)),
                (
                    "scopes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=32),
                        default=shortlinks.models.tokens.all_scopes,
                        size=None,
                    ),
                ),
                (
                    "rate",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Requests a second; 0 is no limit, empty what the service allows.",
                        null=True,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                ("expires_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(blank=True, null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "integration",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.integration",
                    ),
                ),
            ],
            options={
                "verbose_name": "API token",
            },
        ),
        migrations.CreateModel(
            name="OAuthGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
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
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
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
            ],
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
                violation_error_message="A user belongs to an account, or operates the service.",
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
                violation_error_message="The right to add is for all or nobody.",
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
                violation_error_message="One may not edit more than one may view.",
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
                violation_error_message="One may not delete more than one may edit.",
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
                violation_error_message="One may not export more than one may view.",
            ),
        ),
    ]
