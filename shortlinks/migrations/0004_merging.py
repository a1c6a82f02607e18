"""Create merges, suggestions and the queue of merge checks."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import shortlinks.models.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("shortlinks", "0003_visits"),
    ]

    operations = [
        migrations.CreateModel(
            name="Merge",
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
                    "rule",
                    models.CharField(
                        choices=[
                            ("R3", "chat in the contact's browser"),
                            (
                                "R4",
                                "chat of a known contact in another contact's browser",
                            ),
                            ("R5", "one browser opened links of both contacts"),
                            ("R6", "chat in a browser of several contacts"),
                            ("R7", "the link may have been forwarded"),
                            ("R8", "too many merges in one day"),
                            (
                                "R9",
                                "not verified: only the link leads to this contact",
                            ),
                            ("R10", "a user separated contacts of this browser"),
                            ("R11", "the site's page was opened from another address"),
                            ("R13", "a click in this browser is not processed yet"),
                            ("manual", "manual"),
                        ],
                        max_length=6,
                        verbose_name="rule",
                    ),
                ),
                ("evidence", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[("applied", "applied"), ("undone", "undone")],
                        default="applied",
                        max_length=7,
                        verbose_name="status",
                    ),
                ),
                (
                    "key",
                    models.BinaryField(
                        help_text="Idempotency key of the event.", max_length=32
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="created"
                    ),
                ),
                ("undone_at", models.DateTimeField(null=True, verbose_name="undone")),
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
                    "loser",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                    ),
                ),
                (
                    "survivor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                    ),
                ),
                (
                    "undone_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "merge", "verbose_name_plural": "merges"},
        ),
        migrations.CreateModel(
            name="MergeChange",
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
                ("column", models.CharField(max_length=32, verbose_name="column")),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
                ("edited_at", models.DateTimeField(null=True, verbose_name="edited")),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                    ),
                ),
                (
                    "merge",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="shortlinks.merge",
                    ),
                ),
            ],
            options={
                "verbose_name": "change by a merge",
                "verbose_name_plural": "changes by merges",
            },
        ),
        migrations.CreateModel(
            name="MergeSuggestion",
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
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="created"
                    ),
                ),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("R3", "chat in the contact's browser"),
                            (
                                "R4",
                                "chat of a known contact in another contact's browser",
                            ),
                            ("R5", "one browser opened links of both contacts"),
                            ("R6", "chat in a browser of several contacts"),
                            ("R7", "the link may have been forwarded"),
                            ("R8", "too many merges in one day"),
                            (
                                "R9",
                                "not verified: only the link leads to this contact",
                            ),
                            ("R10", "a user separated contacts of this browser"),
                            ("R11", "the site's page was opened from another address"),
                            ("R13", "a click in this browser is not processed yet"),
                            ("manual", "manual"),
                        ],
                        max_length=6,
                        verbose_name="rule",
                    ),
                ),
                ("evidence", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("closed", "closed: nobody needs to decide it"),
                        ],
                        default="open",
                        max_length=8,
                        verbose_name="status",
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                        verbose_name="account",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "merge",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="shortlinks.merge",
                    ),
                ),
                (
                    "one",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                        verbose_name="first contact",
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                        verbose_name="second contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "merge suggestion",
                "verbose_name_plural": "merge suggestions",
            },
        ),
        migrations.CreateModel(
            name="MergeCheck",
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
                ("withdrawn_visit", models.UUIDField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(db_default=0)),
                (
                    "due_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
                (
                    "chat",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="shortlinks.chat",
                    ),
                ),
                (
                    "attachment",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="shortlinks.pixelattachment",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SeparatePair",
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
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="created"
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
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "one",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                        verbose_name="first contact",
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                        verbose_name="second contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "not duplicates",
                "verbose_name_plural": "not duplicates",
            },
        ),
        migrations.AddIndex(
            model_name="merge",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["evidence"],
                name="merge_evidence",
                opclasses=["jsonb_path_ops"],
            ),
        ),
        migrations.AddIndex(
            model_name="mergesuggestion",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["evidence"],
                name="suggestion_evidence",
                opclasses=["jsonb_path_ops"],
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.UniqueConstraint(
                fields=("account", "key"), name="merge_key_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "applied")),
                fields=("loser",),
                name="merge_by_loser",
            ),
        ),
        migrations.AddConstraint(
            model_name="merge",
            constraint=models.CheckConstraint(
                condition=models.Q(("survivor", models.F("loser")), _negated=True),
                name="merge_of_two_contacts",
            ),
        ),
        migrations.AddConstraint(
            model_name="mergesuggestion",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")),
                fields=("one", "other"),
                name="merge_suggestion_open_pair_unique",
            ),
        ),
        migrations.AddConstraint(
            model_name="mergesuggestion",
            constraint=models.CheckConstraint(
                condition=models.Q(("one__lt", models.F("other"))),
                name="merge_suggestion_pair_ordered",
            ),
        ),
        migrations.AddIndex(
            model_name="mergecheck",
            index=models.Index(fields=["due_at"], name="merge_check_due"),
        ),
        migrations.AddConstraint(
            model_name="mergecheck",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("attachment__isnull", False),
                        ("chat", None),
                        ("withdrawn_visit", None),
                    ),
                    models.Q(
                        ("attachment", None),
                        ("chat__isnull", False),
                        ("withdrawn_visit", None),
                    ),
                    models.Q(
                        ("attachment", None),
                        ("chat", None),
                        ("withdrawn_visit__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="merge_check_of_one_subject",
            ),
        ),
        migrations.AddConstraint(
            model_name="separatepair",
            constraint=models.UniqueConstraint(
                fields=("one", "other"), name="separate_pair_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="separatepair",
            constraint=models.CheckConstraint(
                condition=models.Q(("one__lt", models.F("other"))),
                name="separate_pair_ordered",
            ),
        ),
    ]
