"""Create webhooks and their delivery outbox."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import shortlinks.models.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shortlinks", "0004_merging"),
    ]

    operations = [
        migrations.CreateModel(
            name="Webhook",
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
                ("destination", models.CharField(max_length=600, verbose_name="URL")),
                (
                    "settings",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("note_contact", "note on a contact"),
                                ("withdraw_note_contact", "note withdrawn"),
                                ("link_opened", "link opened (JSON)"),
                                ("withdraw_link_opened", "open withdrawn (JSON)"),
                                ("merge_contact", "contacts merged"),
                                ("undo_merge_contact", "merge undone"),
                                ("suggest_merge_contact", "merge suggested"),
                                (
                                    "close_suggestion_contact",
                                    "merge suggestion closed",
                                ),
                            ],
                            max_length=32,
                        ),
                        size=None,
                        verbose_name="events",
                    ),
                ),
                ("sort", models.BigIntegerField(default=1, verbose_name="order")),
                (
                    "secret",
                    models.TextField(
                        editable=False, help_text="Encrypted, after the id of its key."
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
                    "paused_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="By an administrator.",
                        null=True,
                        verbose_name="paused",
                    ),
                ),
                (
                    "paused_until",
                    models.DateTimeField(
                        editable=False,
                        help_text="By the receiver's Retry-After. The state is then not PAUSED.",
                        null=True,
                    ),
                ),
                (
                    "failing_since",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="failing since"
                    ),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(
                        default=0,
                        editable=False,
                        help_text="In a row; 0 after a delivery, and when a user enables it.",
                        verbose_name="failures",
                    ),
                ),
                (
                    "last_error",
                    models.TextField(
                        blank=True,
                        editable=False,
                        help_text="A key of `domain/webhooks/failures`.",
                    ),
                ),
                (
                    "disabled_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="disabled"
                    ),
                ),
                (
                    "mail_due_at",
                    models.DateTimeField(
                        editable=False,
                        help_text="When to e-mail its owner that it is off.",
                        null=True,
                    ),
                ),
                (
                    "last_success_at",
                    models.DateTimeField(
                        editable=False, null=True, verbose_name="last delivery"
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
                        verbose_name="created by",
                    ),
                ),
            ],
            options={"verbose_name": "webhook", "verbose_name_plural": "webhooks"},
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
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
                    "event",
                    models.CharField(
                        choices=[
                            ("note_contact", "note on a contact"),
                            ("withdraw_note_contact", "note withdrawn"),
                            ("link_opened", "link opened (JSON)"),
                            ("withdraw_link_opened", "open withdrawn (JSON)"),
                            ("merge_contact", "contacts merged"),
                            ("undo_merge_contact", "merge undone"),
                            ("suggest_merge_contact", "merge suggested"),
                            (
                                "close_suggestion_contact",
                                "merge suggestion closed",
                            ),
                            ("test", "test"),
                        ],
                        max_length=32,
                        verbose_name="event",
                    ),
                ),
                (
                    "event_id",
                    models.UUIDField(
                        help_text="Value of the `webhook-id` header.",
                        unique=True,
                        verbose_name="event ID",
                    ),
                ),
                (
                    "subject_id",
                    models.BigIntegerField(
                        help_text="Id of the row that the event is about."
                    ),
                ),
                (
                    "payload_data",
                    models.JSONField(
                        help_text="Data at the time of the event.",
                        verbose_name="payload",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("delivered", "delivered"),
                            ("failed", "not delivered"),
                            ("cancelled", "canceled: the note was withdrawn"),
                        ],
                        default="pending",
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(
                        default=0, verbose_name="attempts"
                    ),
                ),
                (
                    "due_at",
                    models.DateTimeField(null=True, verbose_name="next attempt"),
                ),
                ("claimed_at", models.DateTimeField(null=True)),
                (
                    "last_status",
                    models.PositiveSmallIntegerField(
                        null=True, verbose_name="last response"
                    ),
                ),
                (
                    "last_error",
                    models.TextField(
                        db_default="",
                        help_text="A key of `domain/webhooks/failures`.",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "delivered_at",
                    models.DateTimeField(null=True, verbose_name="delivered"),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        help_text="None for a test.",
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="shortlinks.contact",
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.webhook",
                        verbose_name="webhook",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
                "verbose_name": "webhook delivery",
            },
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.UniqueConstraint(
                fields=("account", "destination"),
                name="webhook_destination",
                violation_error_message="A webhook with this URL already exists.",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("failing_since", None), ("failures", 0), ("last_error", "")
                    ),
                    models.Q(
                        ("failing_since__isnull", False),
                        ("failures__gt", 0),
                        models.Q(("last_error", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="webhook_failing_has_failures_and_error",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("disabled_at", None),
                    ("failing_since__isnull", False),
                    _connector="OR",
                ),
                name="webhook_disabled_is_failing",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["webhook", "due_at", "id"],
                name="delivery_due",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["webhook", "contact", "id"],
                name="delivery_in_order",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("claimed_at__isnull", False), ("state", "pending")),
                fields=["webhook"],
                name="delivery_in_progress",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["subject_id"], name="delivery_by_subject"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["contact"], name="delivery_by_contact"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["created_at"], name="delivery_by_age"),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("event", "test")),
                fields=["webhook", "-id"],
                name="delivery_test",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state", "failed")),
                fields=["id"],
                name="delivery_failed",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("due_at__isnull", False), ("state", "pending")),
                    models.Q(
                        models.Q(("state", "pending"), _negated=True), ("due_at", None)
                    ),
                    _connector="OR",
                ),
                name="delivery_due_while_pending",
            ),
        ),
        migrations.AddConstraint(
            model_name="webhookdelivery",
            constraint=models.UniqueConstraint(
                condition=models.Q(("event", "test"), ("state", "pending")),
                fields=("webhook",),
                name="delivery_one_test_at_a_time",
            ),
        ),
    ]
