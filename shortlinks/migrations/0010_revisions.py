"""Bursts are looked for once more, and counts keep their day (ADR 13)."""

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0009_consent")]

    operations = [
        migrations.CreateModel(
            name="Revision",
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
                    "visits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField()
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=Now())),
            ],
        ),
        migrations.AddField(
            model_name="visit",
            name="counted_on",
            field=models.DateField(
                help_text="The account's day in whose count it is.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="note",
            index=models.Index(
                "account",
                F("created_at").desc(),
                F("id").desc(),
                condition=Q(("note_type", "link_followed")),
                name="note_of_open",
            ),
        ),
    ]
