"""Create contacts, short links and what hangs on them: notes, chats, pixels, sites."""

import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.contrib.postgres.indexes
import django.contrib.postgres.operations
import django.db.models.constraints
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.db.models.functions.text
import django.utils.timezone
import shortlinks.models.sites
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shortlinks", "0001_accounts"),
    ]

    operations = [
        django.contrib.postgres.operations.BtreeGistExtension(),
        django.contrib.postgres.operations.TrigramExtension(),
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
                ("entity_id", models.BigIntegerField(verbose_name="id in the CRM")),
                (
                    "name",
                    models.CharField(
                        blank=True, max_length=250, verbose_name="full name"
                    ),
                ),
                ("first_name", models.CharField(blank=True, max_length=250)),
                ("last_name", models.CharField(blank=True, max_length=250)),
                ("is_deleted", models.BooleanField(default=False)),
                (
                    "tracking_consent",
                    models.CharField(
                        choices=[
                            ("unknown", "has not said"),
                            ("granted", "agrees"),
                            ("denied", "objects"),
                        ],
                        db_default="unknown",
                        help_text="Whether the browsers that open this contact's links may be recognised; an objection forgets those that were.",
                        max_length=7,
                    ),
                ),
                (
                    "is_anonymous",
                    models.BooleanField(
                        db_default=False,
                        editable=False,
                        help_text="Made for a chat; nobody knows yet who it is.",
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
                    "merged_into",
                    models.ForeignKey(
                        db_index=False,
                        editable=False,
                        help_text="The contact it is one with; never one that is merged itself.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="merged",
                        to="shortlinks.contact",
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
                (
                    "created_from",
                    models.GenericIPAddressField(
                        editable=False,
                        help_text="Masked like a visit's: whoever ordered a link may try it.",
                        null=True,
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
                        choices=[
                            ("link_followed", "link opened"),
                            ("common", "text"),
                            ("service_message", "what the service did"),
                        ],
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
                    "quarantined_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="Several people's browser: nothing is concluded from it any more.",
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
                            (
                                "click_redeemed",
                                "opened the contact's link and went on to a site",
                            ),
                            ("manual", "attached by hand"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "review",
                    models.CharField(
                        choices=[
                            ("unreviewed", "not reviewed"),
                            ("confirmed", "confirmed: this is the client"),
                            ("rejected", "rejected: this is not the client"),
                        ],
                        db_default="unreviewed",
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
            name="Redemption",
            fields=[
                ("visit_id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "visitor_uid",
                    models.CharField(
                        help_text="What the site's page goes by from now on.",
                        max_length=26,
                    ),
                ),
                (
                    "previous_cookie_sha256",
                    models.BinaryField(
                        help_text="Of the browser that the page knew, if it is not the visit's.",
                        max_length=32,
                        null=True,
                    ),
                ),
                (
                    "idempotency_key",
                    models.UUIDField(help_text="One that is written twice is one."),
                ),
                (
                    "redeemed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                (
                    "gesture_at",
                    models.DateTimeField(
                        help_text="When a pointer, key or touch was felt on the page.",
                        null=True,
                    ),
                ),
                ("due_at", models.DateTimeField(null=True)),
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
            name="ShortDomain",
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
                    "host",
                    models.CharField(
                        help_text="For example go.shop.example; points to this service.",
                        max_length=253,
                    ),
                ),
                (
                    "cookie_domain",
                    models.CharField(
                        blank=True,
                        help_text="For example shop.example: its server then reads the cookie of the browser. Empty: the cookie stays on the short domain.",
                        max_length=253,
                    ),
                ),
                (
                    "challenge",
                    models.CharField(
                        default=shortlinks.models.sites.new_challenge,
                        editable=False,
                        max_length=32,
                    ),
                ),
                ("verified_at", models.DateTimeField(editable=False, null=True)),
                (
                    "is_default",
                    models.BooleanField(
                        default=False,
                        help_text="New links have this host.",
                        verbose_name="of new links",
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ConnectedSite",
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
                    "origin",
                    models.CharField(
                        help_text="As browsers say it: https://shop.example, with the port if it has one of its own. www.shop.example is another.",
                        max_length=270,
                    ),
                ),
                (
                    "site_key",
                    models.CharField(
                        default=shortlinks.models.sites.new_site_key,
                        editable=False,
                        max_length=24,
                        unique=True,
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "origin"),
                        name="connected_site_origin_unique",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Chat",
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
                ("source", models.CharField(max_length=64)),
                ("external_id", models.CharField(max_length=255)),
                ("title", models.CharField(blank=True, max_length=250)),
                ("visitor_uid", models.CharField(blank=True, max_length=26)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
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
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.contact",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("visitor_uid", ""), _negated=True),
                        fields=["account", "visitor_uid"],
                        name="chat_by_visitor",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "source", "external_id"),
                        name="chat_external_id",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                django.db.models.functions.comparison.Coalesce("merged_into", "id"),
                name="contact_root",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("name"), "gin_trgm_ops"
                ),
                name="contact_name_search",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("is_deleted", True)),
                fields=["id"],
                name="contact_deleted",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)),
                fields=["merged_into"],
                name="contact_merged",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into", None),
                    models.Q(("merged_into", models.F("pk")), _negated=True),
                    _connector="OR",
                ),
                name="contact_merged_into_another",
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
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("tracking_consent__in", ["unknown", "granted", "denied"])
                ),
                name="contact_tracking_consent_valid",
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
        migrations.AddIndex(
            model_name="shortlink",
            index=models.Index(
                condition=models.Q(("disabled_at__isnull", False)),
                fields=["id"],
                name="short_link_disabled",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortlink",
            constraint=models.UniqueConstraint(
                condition=models.Q(("disabled_at", None)),
                fields=("contact", "url_sha256"),
                name="short_link_active_per_contact_and_url",
            ),
        ),
        migrations.AddIndex(
            model_name="dailyvisits",
            index=models.Index(fields=["day"], name="daily_visits_by_day"),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(
                models.F("account"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("note_type", "link_followed")),
                name="note_by_link",
            ),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(
                condition=models.Q(("note_type", "link_followed"), _negated=True),
                fields=["id"],
                name="note_not_link_followed",
            ),
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                deferrable=django.db.models.constraints.Deferrable["IMMEDIATE"],
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
                name="note_of_open_has_url_and_period",
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
                fields=("pixel", "contact"), name="pixel_attachment_unique"
            ),
        ),
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(
                fields=["account", "visitor_uid", "redeemed_at"],
                name="redemption_by_browser",
            ),
        ),
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["due_at"],
                name="redemption_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortdomain",
            constraint=models.UniqueConstraint(
                fields=("account", "host"),
                name="short_domain_host_per_account_unique",
                violation_error_message="The account has this domain already.",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortdomain",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verified_at__isnull", False)),
                fields=("host",),
                name="short_domain_verified_host_unique",
                violation_error_message="This domain is another account's.",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortdomain",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)),
                fields=("account",),
                name="short_domain_one_default",
                violation_error_message="Another domain is that of new links.",
            ),
        ),
    ]
