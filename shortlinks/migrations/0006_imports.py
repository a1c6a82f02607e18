"""Create imports with their files and rows."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
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
                            ("contacts", "contacts"),
                            ("users", "users and permissions"),
                        ],
                        max_length=8,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("checking", "the file is being checked"),
                            ("checked", "waits for your word"),
                            ("storing", "rows are being stored"),
                            ("finished", "finished"),
                            ("cancelled", "cancelled"),
                            ("failed", "stopped by a fault"),
                        ],
                        default="checking",
                        max_length=9,
                    ),
                ),
                ("name", models.CharField(max_length=250, verbose_name="file")),
                (
                    "started_by_cli",
                    models.BooleanField(
                        default=False,
                        help_text="By the operator's command, with this user's rights.",
                    ),
                ),
                ("total", models.PositiveIntegerField(null=True, verbose_name="rows")),
                ("processed", models.PositiveIntegerField(default=0)),
                ("created", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                ("skipped", models.PositiveIntegerField(default=0)),
                ("error", models.TextField(blank=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("due_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("confirmed_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
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
                    ),
                ),
            ],
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
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("number", models.PositiveIntegerField(help_text="In the file.")),
                ("cells", models.JSONField(help_text="Its cells, by column.")),
                (
                    "key",
                    models.CharField(
                        help_text="May stand in one row alone.", max_length=1000
                    ),
                ),
                (
                    "existing_version",
                    models.TextField(
                        help_text="What the check found there; empty: nothing."
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
                    (
                        "processed",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("created"), "+", models.F("changed")
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
