"""Create webhooks and their delivery outbox."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
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
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("destination", models.CharField(max_length=600)),
                (
                    "settings",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("note_contact", "a note on a contact"),
                                ("merge_contact", "two contacts became one"),
                                ("undo_merge_contact", "a merge was undone"),
                                ("suggest_merge_contact", "two contacts may be one"),
                            ],
                            max_length=32,
                        ),
                        size=None,
                    ),
                ),
                ("sort", models.BigIntegerField(default=1)),
                (
                    "secret",
                    models.TextField(
                        editable=False, help_text="Encrypted, after its key's id"
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
                ("disabled_at", models.DateTimeField(editable=False, null=True)),
                ("disabled_reason", models.TextField(blank=True, editable=False)),
                (
                    "paused_until",
                    models.DateTimeField(
                        editable=False,
                        help_text="It asked for a pause (Retry-After).",
                        null=True,
                    ),
                ),
                (
                    "failures",
                    models.PositiveIntegerField(
                        default=0,
                        editable=False,
                        help_text="Since it last accepted an event.",
                    ),
                ),
                ("last_success_at", models.DateTimeField(editable=False, null=True)),
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
            ],
        ),
        migrations.CreateModel(
            name="WebhookDelivery",
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
                    "event",
                    models.CharField(
                        choices=[
                            ("note_contact", "a note on a contact"),
                            ("merge_contact", "two contacts became one"),
                            ("undo_merge_contact", "a merge was undone"),
                            ("suggest_merge_contact", "two contacts may be one"),
                        ],
                        max_length=32,
                    ),
                ),
                (
                    "event_id",
                    models.UUIDField(help_text="The header `webhook-id`.", unique=True),
                ),
                (
                    "subject_id",
                    models.BigIntegerField(help_text="Of the row that it is about."),
                ),
                (
                    "payload_data",
                    models.JSONField(
                        help_text="What the body says, as it was at the event."
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("delivered", "Delivered"),
                            ("failed", "Failed"),
                            ("cancelled", "cancelled: the note was withdrawn"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("last_status", models.PositiveSmallIntegerField(null=True)),
                ("last_error", models.TextField(db_default="")),
                ("created_at", models.DateTimeField()),
                ("delivered_at", models.DateTimeField(null=True)),
                (
                    "contact",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="shortlinks.contact",
                    ),
                ),
                (
                    "webhook",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.webhook",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "webhook deliveries",
            },
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.UniqueConstraint(
                fields=("account", "destination"), name="webhook_destination"
            ),
        ),
        migrations.AddConstraint(
            model_name="webhook",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("disabled_at", None), ("disabled_reason", "")),
                    models.Q(
                        ("disabled_at__isnull", False),
                        models.Q(("disabled_reason", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="webhook_disabled_has_reason",
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
            index=models.Index(
                condition=models.Q(("state", "pending")),
                fields=["subject_id"],
                name="delivery_by_subject",
            ),
        ),
        migrations.AddIndex(
            model_name="webhookdelivery",
            index=models.Index(fields=["created_at"], name="delivery_by_age"),
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
    ]
