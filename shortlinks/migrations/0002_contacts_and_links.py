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
import shortlinks.models.ids
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
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("entity_id", models.BigIntegerField(verbose_name="CRM ID")),
                (
                    "name",
                    models.CharField(
                        blank=True, max_length=250, verbose_name="full name"
                    ),
                ),
                (
                    "first_name",
                    models.CharField(
                        blank=True, max_length=250, verbose_name="first name"
                    ),
                ),
                (
                    "last_name",
                    models.CharField(
                        blank=True, max_length=250, verbose_name="last name"
                    ),
                ),
                (
                    "is_deleted",
                    models.BooleanField(default=False, verbose_name="deleted"),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="deleted at"),
                ),
                (
                    "erased_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="When the person was erased. Links of the contact still redirect.",
                        null=True,
                    ),
                ),
                (
                    "tracking_consent",
                    models.CharField(
                        choices=[
                            ("unknown", "not asked"),
                            ("granted", "given"),
                            ("denied", "refused"),
                        ],
                        db_default="unknown",
                        help_text="Whether browsers that open this contact's links may be recognized. If consent is refused, the browsers recognized so far are deleted.",
                        max_length=7,
                        verbose_name="tracking consent",
                    ),
                ),
                (
                    "is_anonymous",
                    models.BooleanField(
                        db_default=False,
                        editable=False,
                        help_text="Created for a chat; the person is not known yet.",
                        verbose_name="anonymous",
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
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="updated",
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
                        help_text="The survivor of the merge, which is never merged itself.",
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
                        verbose_name="responsible user",
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
                        verbose_name="group",
                    ),
                ),
            ],
            options={"verbose_name": "contact", "verbose_name_plural": "contacts"},
        ),
        migrations.CreateModel(
            name="ShortLink",
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
                    "code",
                    models.CharField(db_collation="C", max_length=12, unique=True),
                ),
                ("url", models.CharField(max_length=2048, verbose_name="source URL")),
                ("target", models.TextField(editable=False)),
                ("url_sha256", models.BinaryField(max_length=32)),
                (
                    "batch",
                    models.UUIDField(
                        default=uuid.uuid4,
                        editable=False,
                        help_text="Request that created the link; scanners open whole batches.",
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
                    "created_from",
                    models.GenericIPAddressField(
                        editable=False,
                        help_text="Masked like a visit's address; used to recognize sender tests.",
                        null=True,
                    ),
                ),
                (
                    "disabled_at",
                    models.DateTimeField(
                        blank=True, null=True, verbose_name="disabled"
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="expires"),
                ),
                (
                    "changed_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="Last change that the link cache must get. Empty at first.",
                        null=True,
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.contact",
                        verbose_name="contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "short link",
                "verbose_name_plural": "short links",
            },
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
                ("day", models.DateField(verbose_name="day")),
                ("verdict", models.CharField(max_length=8, verbose_name="verdict")),
                ("visits", models.PositiveIntegerField(verbose_name="visits")),
                (
                    "link",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.shortlink",
                    ),
                ),
            ],
            options={
                "verbose_name": "visits by day",
                "verbose_name_plural": "visits by day",
            },
        ),
        migrations.CreateModel(
            name="Note",
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
                    "note_type",
                    models.CharField(
                        choices=[
                            ("link_followed", "link opened"),
                            ("common", "text"),
                            ("service_message", "automatic"),
                        ],
                        max_length=16,
                        verbose_name="type",
                    ),
                ),
                ("text", models.TextField(blank=True, verbose_name="text")),
                (
                    "url",
                    models.CharField(
                        blank=True, max_length=2048, verbose_name="source URL"
                    ),
                ),
                (
                    "opens",
                    models.PositiveIntegerField(
                        default=0, editable=False, verbose_name="opens"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        db_default="",
                        editable=False,
                        help_text="The most certain reason of the opens (`domain/reasons`).",
                        max_length=64,
                        verbose_name="reason",
                    ),
                ),
                (
                    "period",
                    django.contrib.postgres.fields.ranges.DateTimeRangeField(
                        editable=False, null=True, verbose_name="time of the opens"
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
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        editable=False,
                        verbose_name="updated",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.contact",
                        verbose_name="contact",
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
            options={"verbose_name": "note", "verbose_name_plural": "notes"},
        ),
        migrations.CreateModel(
            name="Pixel",
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
                ("cookie_sha256", models.BinaryField(max_length=32)),
                (
                    "visitor_uid",
                    models.CharField(max_length=26, verbose_name="visitor ID"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="created"
                    ),
                ),
                (
                    "last_seen_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="last seen"
                    ),
                ),
                (
                    "shared_since",
                    models.DateTimeField(
                        editable=False,
                        help_text="A shared browser is no longer used for merging.",
                        null=True,
                        verbose_name="shared since",
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={"verbose_name": "browser", "verbose_name_plural": "browsers"},
        ),
        migrations.CreateModel(
            name="PixelAttachment",
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
                    "evidence",
                    models.CharField(
                        choices=[
                            ("click", "opened the contact's link"),
                            (
                                "click_redeemed",
                                "opened the contact's link and continued to a site",
                            ),
                            (
                                "other_address",
                                "a site's page used the click from another address",
                            ),
                            (
                                "chat",
                                "chatted in this browser, and a user confirmed it",
                            ),
                        ],
                        max_length=16,
                        verbose_name="evidence",
                    ),
                ),
                (
                    "is_returning",
                    models.BooleanField(
                        db_default=False,
                        help_text="The browser brought its cookie back, or the page had a gesture.",
                        verbose_name="returning",
                    ),
                ),
                (
                    "review",
                    models.CharField(
                        choices=[
                            ("unreviewed", "not reviewed"),
                            ("confirmed", "confirmed"),
                            ("rejected", "rejected"),
                        ],
                        db_default="unreviewed",
                        max_length=16,
                        verbose_name="review",
                    ),
                ),
                ("first_seen_at", models.DateTimeField(verbose_name="first seen")),
                ("last_seen_at", models.DateTimeField(verbose_name="last seen")),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.contact",
                        verbose_name="contact",
                    ),
                ),
                (
                    "pixel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.pixel",
                        verbose_name="browser",
                    ),
                ),
            ],
            options={
                "verbose_name": "client's browser",
                "verbose_name_plural": "clients' browsers",
            },
        ),
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("visit_id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "visitor_uid",
                    models.CharField(
                        help_text="Browser id that the site's page uses from now on.",
                        max_length=26,
                        verbose_name="visitor ID",
                    ),
                ),
                (
                    "previous_cookie_sha256",
                    models.BinaryField(
                        help_text="Cookie of the page's browser, unless it is the visit's.",
                        max_length=32,
                        null=True,
                    ),
                ),
                (
                    "is_same_browser",
                    models.BooleanField(
                        db_default=True,
                        help_text="Whether the page is surely in the browser that clicked.",
                    ),
                ),
                (
                    "idempotency_key",
                    models.UUIDField(
                        help_text="A repeated redemption has the same key."
                    ),
                ),
                (
                    "redeemed_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="arrived",
                    ),
                ),
                (
                    "gesture_at",
                    models.DateTimeField(
                        help_text="Time of a pointer, key or touch event on the page.",
                        null=True,
                        verbose_name="used the page",
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
            options={
                "verbose_name": "arrival on a site",
                "verbose_name_plural": "arrivals on sites",
            },
        ),
        migrations.CreateModel(
            name="ShortDomain",
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
                    "host",
                    models.CharField(
                        help_text="For example go.shop.example. Its DNS record must point to this service.",
                        max_length=253,
                        verbose_name="domain",
                    ),
                ),
                (
                    "cookie_domain",
                    models.CharField(
                        blank=True,
                        help_text="For example shop.example: then the server of that site can read the cookie. Empty: the cookie stays on the short domain.",
                        max_length=253,
                        verbose_name="cookie domain",
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
                (
                    "verified_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="verified"
                    ),
                ),
                (
                    "checked_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="last checked"
                    ),
                ),
                (
                    "proof_lost_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="record missing since"
                    ),
                ),
                (
                    "is_default",
                    models.BooleanField(
                        default=False,
                        help_text="New links use this domain.",
                        verbose_name="default for new links",
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "short domain",
                "verbose_name_plural": "short domains",
            },
        ),
        migrations.CreateModel(
            name="ConnectedSite",
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
                    "origin",
                    models.CharField(
                        help_text="For example https://shop.example, with the port if it is not the default. www.shop.example is another site.",
                        max_length=270,
                        verbose_name="site address",
                    ),
                ),
                (
                    "site_key",
                    models.CharField(
                        default=shortlinks.models.sites.new_site_key,
                        editable=False,
                        max_length=24,
                        unique=True,
                        verbose_name="site key",
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
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
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
                "verbose_name": "connected site",
                "verbose_name_plural": "connected sites",
            },
        ),
        migrations.CreateModel(
            name="Chat",
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
                ("source", models.CharField(max_length=64, verbose_name="source")),
                (
                    "external_id",
                    models.CharField(max_length=255, verbose_name="external ID"),
                ),
                (
                    "title",
                    models.CharField(blank=True, max_length=250, verbose_name="title"),
                ),
                (
                    "visitor_uid",
                    models.CharField(
                        blank=True, max_length=26, verbose_name="visitor ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="created"
                    ),
                ),
                (
                    "updated_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="updated"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
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
                        verbose_name="contact",
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
                "verbose_name": "chat",
                "verbose_name_plural": "chats",
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
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("first_name"), "gin_trgm_ops"
                ),
                django.contrib.postgres.indexes.OpClass(
                    django.db.models.functions.text.Upper("last_name"), "gin_trgm_ops"
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
                condition=models.Q(("erased_at", None), ("is_deleted", True)),
                fields=["deleted_at"],
                name="contact_to_be_erased",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("erased_at", None), ("is_deleted", True), _connector="OR"
                ),
                name="contact_erased_is_deleted",
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
                fields=["contact", "created_at", "id"], name="note_by_contact"
            ),
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
                fields=("cookie_sha256", "account"), name="pixel_cookie"
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
                violation_error_message="The account already has this domain.",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortdomain",
            constraint=models.UniqueConstraint(
                condition=models.Q(("verified_at__isnull", False)),
                fields=("host",),
                name="short_domain_verified_host_unique",
                violation_error_message="This domain belongs to another account.",
            ),
        ),
        migrations.AddConstraint(
            model_name="shortdomain",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)),
                fields=("account",),
                name="short_domain_one_default",
                violation_error_message="Another domain is already the default for new links.",
            ),
        ),
    ]
