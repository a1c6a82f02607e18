"""Create imports with their files and rows."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
import shortlinks.models.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shortlinks", "0005_webhooks"),
    ]

    operations = [
        migrations.CreateModel(
            name="Import",
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
                            ("contacts", "contacts"),
                            ("users", "users and permissions"),
                        ],
                        max_length=8,
                        verbose_name="type",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("checking", "checking the file"),
                            ("checked", "waiting for confirmation"),
                            ("storing", "storing rows"),
                            ("finished", "finished"),
                            ("cancelled", "canceled"),
                            ("failed", "stopped by an error"),
                        ],
                        default="checking",
                        max_length=9,
                        verbose_name="status",
                    ),
                ),
                ("name", models.CharField(max_length=250, verbose_name="file")),
                (
                    "started_by_cli",
                    models.BooleanField(
                        default=False,
                        help_text="Started by a command, with this user's permissions.",
                    ),
                ),
                ("total", models.PositiveIntegerField(null=True, verbose_name="rows")),
                ("processed", models.PositiveIntegerField(default=0)),
                ("created", models.PositiveIntegerField(default=0, verbose_name="new")),
                (
                    "changed",
                    models.PositiveIntegerField(default=0, verbose_name="changed"),
                ),
                (
                    "unchanged",
                    models.PositiveIntegerField(default=0, verbose_name="unchanged"),
                ),
                (
                    "skipped",
                    models.PositiveIntegerField(default=0, verbose_name="skipped"),
                ),
                (
                    "ignored_columns",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                (
                    "ignored_sheets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), default=list, size=None
                    ),
                ),
                ("error", models.TextField(blank=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("is_leased", models.BooleanField(default=False)),
                ("claimed_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="created"
                    ),
                ),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
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
                    "user",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={"verbose_name": "import", "verbose_name_plural": "imports"},
        ),
        migrations.CreateModel(
            name="ImportFile",
            fields=[
                (
                    "import_run",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="file",
                        serialize=False,
                        to="shortlinks.import",
                    ),
                ),
                ("content", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="ImportRow",
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
                    "number",
                    models.PositiveIntegerField(help_text="Row number in the file."),
                ),
                ("cells", models.JSONField(help_text="Cells by column name.")),
                (
                    "key",
                    models.CharField(
                        help_text="Unique within the import.", max_length=1000
                    ),
                ),
                (
                    "existing_version",
                    models.TextField(
                        help_text="Version that the check found; empty if there was none."
                    ),
                ),
                (
                    "is_unchanged",
                    models.BooleanField(
                        default=False,
                        help_text="The record has all of these values already.",
                    ),
                ),
                (
                    "errors",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), size=None
                    ),
                ),
                (
                    "import_run",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rows",
                        to="shortlinks.import",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["account", "-id"], name="import_by_account"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(fields=["account", "claimed_at"], name="import_by_turn"),
        ),
        migrations.AddIndex(
            model_name="import",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["due_at"],
                name="import_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["contacts", "users"])),
                name="import_kind_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "checking",
                            "checked",
                            "storing",
                            "finished",
                            "cancelled",
                            "failed",
                        ],
                    )
                ),
                name="import_state_valid",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("due_at__isnull", False),
                        ("state__in", ("checking", "storing")),
                    ),
                    models.Q(
                        models.Q(("state__in", ("checking", "storing")), _negated=True),
                        ("due_at", None),
                    ),
                    _connector="OR",
                ),
                name="import_due_while_in_progress",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("is_leased", False), ("due_at__isnull", False), _connector="OR"
                ),
                name="import_leased_while_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "processed",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("created"), "+", models.F("changed")
                                ),
                                "+",
                                models.F("unchanged"),
                            ),
                            "+",
                            models.F("skipped"),
                        ),
                    )
                ),
                name="import_counts_each_row_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("total", None),
                    ("processed__lte", models.F("total")),
                    _connector="OR",
                ),
                name="import_processed_within_total",
            ),
        ),
        migrations.AddConstraint(
            model_name="import",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("state", "failed"), models.Q(("error", ""), _negated=True)
                    ),
                    models.Q(
                        models.Q(("state", "failed"), _negated=True), ("error", "")
                    ),
                    _connector="OR",
                ),
                name="import_failed_has_error",
            ),
        ),
        migrations.AddIndex(
            model_name="importrow",
            index=models.Index(
                condition=models.Q(("errors", []), _negated=True),
                fields=["import_run", "number"],
                name="import_row_with_errors",
            ),
        ),
        migrations.AddConstraint(
            model_name="importrow",
            constraint=models.UniqueConstraint(
                fields=("import_run", "number"), name="import_row_number"
            ),
        ),
    ]
