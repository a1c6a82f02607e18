import django.contrib.postgres.constraints
import django.contrib.postgres.fields
import django.contrib.postgres.fields.ranges
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
import shortlinks.models.tokens
import uuid
from django.conf import settings
from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        # gist over the link's id, for the exclusion constraint on notes
        BtreeGistExtension(),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "name",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("beat_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SourceKey",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("key", models.BinaryField(max_length=32)),
            ],
        ),
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
                ("name", models.CharField(max_length=250)),
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
                    "passes_query",
                    models.BooleanField(
                        default=True,
                        help_text="Pass the query of the short url on to the target.",
                    ),
                ),
                (
                    "honours_gpc",
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
                        name="account_address_mask_known",
                    ),
                ],
            },
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
            ],
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
            name="Contact",
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
                    "entity_id",
                    models.BigIntegerField(help_text="The contact's id in the CRM."),
                ),
                ("name", models.CharField(blank=True, max_length=250)),
                ("first_name", models.CharField(blank=True, max_length=250)),
                ("last_name", models.CharField(blank=True, max_length=250)),
                ("is_deleted", models.BooleanField(default=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                (
                    "updated_at",
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
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "responsible_user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "updated_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "group",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="shortlinks.group",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="user",
            name="group",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                to="shortlinks.group",
            ),
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
        migrations.CreateModel(
            name="Pixel",
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
                ("cookie_sha256", models.BinaryField(max_length=32)),
                ("visitor_uid", models.CharField(max_length=26)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "last_seen_at",
                    models.DateTimeField(default=django.utils.timezone.now),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PixelAttachment",
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
                    "evidence",
                    models.CharField(
                        choices=[
                            ("click", "opened the contact's link"),
                            ("manual", "attached by hand"),
                        ],
                        max_length=16,
                    ),
                ),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.contact",
                    ),
                ),
                (
                    "pixel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.pixel",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ShortLink",
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
                    "code",
                    models.CharField(db_collation="C", max_length=12, unique=True),
                ),
                ("url", models.CharField(max_length=2048, verbose_name="source url")),
                ("target", models.TextField(editable=False)),
                ("url_sha256", models.BinaryField(max_length=32)),
                (
                    "batch",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        help_text="The request that made it: scanners open whole batches.",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                ("disabled_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "changed_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="When it was last disabled or prolonged.",
                        null=True,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.contact",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Note",
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
                    "note_type",
                    models.CharField(
                        choices=[("link_followed", "link opened"), ("common", "text")],
                        max_length=16,
                    ),
                ),
                ("text", models.TextField(blank=True)),
                (
                    "url",
                    models.CharField(
                        blank=True, max_length=2048, verbose_name="source url"
                    ),
                ),
                ("opens", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "period",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        editable=False, null=True
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.contact",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="shortlinks.shortlink",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="DailyVisits",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "link_id",
                        "day",
                        "verdict",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("verdict", models.CharField(max_length=8)),
                ("visits", models.PositiveIntegerField()),
                (
                    "link",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.shortlink",
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
            model_name="contact",
            constraint=models.UniqueConstraint(
                fields=("account", "entity_id"), name="contact_entity_id"
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(("entity_id__gte", 1)),
                name="contact_entity_id_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("account__isnull", False), ("is_superuser", True), _connector="OR"
                ),
                name="user_has_account_or_operates",
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
                name="user_view_letter",
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
        migrations.AddConstraint(
            model_name="pixel",
            constraint=models.UniqueConstraint(
                fields=("account", "cookie_sha256"), name="pixel_cookie"
            ),
        ),
        migrations.AddConstraint(
            model_name="pixel",
            constraint=models.UniqueConstraint(
                fields=("account", "visitor_uid"), name="pixel_visitor_uid"
            ),
        ),
        migrations.AddConstraint(
            model_name="pixelattachment",
            constraint=models.UniqueConstraint(
                fields=("pixel", "contact"), name="pixel_attached_once"
            ),
        ),
        migrations.AddIndex(
            model_name="shortlink",
            index=models.Index(
                condition=models.Q(("changed_at__isnull", False)),
                fields=["changed_at"],
                name="short_link_changed",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortlink",
            constraint=models.UniqueConstraint(
                condition=models.Q(("disabled_at", None)),
                fields=("contact", "url_sha256"),
                name="short_link_live_per_contact_and_url",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                expressions=[("link", "="), ("period", "&&")],
                name="note_one_per_link_and_window",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("note_type", "link_followed"), _negated=True),
                    models.Q(("opens__gte", 1), ("period__isnull", False)),
                    _connector="OR",
                ),
                name="note_of_an_open_says_what_and_when",
            ),
        ),
    ]
