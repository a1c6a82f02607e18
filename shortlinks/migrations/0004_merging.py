"""Create merges, suggestions and the queue of merge checks."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
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
                    models.BigAutoField(
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
                            ("R3", "a chat in the contact's browser"),
                            ("R4", "a known contact's chat in the browser of another"),
                            ("R5", "one browser opened links of both"),
                            ("R6", "a chat in a browser of several contacts"),
                            ("R7", "the link may have been forwarded"),
                            ("R8", "too many merges in a day"),
                            ("manual", "by hand"),
                        ],
                        max_length=6,
                    ),
                ),
                ("evidence", models.JSONField(default=dict)),
                (
                    "state",
                    models.CharField(
                        choices=[("applied", "applied"), ("undone", "undone")],
                        default="applied",
                        max_length=7,
                    ),
                ),
                (
                    "key",
                    models.BinaryField(
                        help_text="Of the event: none makes two merges.", max_length=32
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("undone_at", models.DateTimeField(null=True)),
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
        ),
        migrations.CreateModel(
            name="MergeChange",
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
                ("column", models.CharField(max_length=32)),
                ("before", models.JSONField(null=True)),
                ("after", models.JSONField(null=True)),
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
        ),
        migrations.CreateModel(
            name="MergeSuggestion",
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
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("R3", "a chat in the contact's browser"),
                            ("R4", "a known contact's chat in the browser of another"),
                            ("R5", "one browser opened links of both"),
                            ("R6", "a chat in a browser of several contacts"),
                            ("R7", "the link may have been forwarded"),
                            ("R8", "too many merges in a day"),
                            ("manual", "by hand"),
                        ],
                        max_length=6,
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
                        ],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
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
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="MergeCheck",
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
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
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
                    ),
                ),
                (
                    "other",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="shortlinks.contact",
                    ),
                ),
            ],
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
                    models.Q(("attachment", None), ("chat__isnull", False)),
                    models.Q(("attachment__isnull", False), ("chat", None)),
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
