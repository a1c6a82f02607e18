"""Notes of one link may move their borders in one statement (ADR 12)."""

import django.contrib.postgres.constraints
from django.db import migrations
from django.db.models import Deferrable


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0004_visits_by_link_and_source")]

    operations = [
        migrations.RemoveConstraint(
            model_name="note", name="note_one_per_link_and_window"
        ),
        migrations.AddConstraint(
            model_name="note",
            constraint=django.contrib.postgres.constraints.ExclusionConstraint(
                deferrable=Deferrable.IMMEDIATE,
                expressions=[("link", "="), ("period", "&&")],
                name="note_one_per_link_and_window",
            ),
        ),
    ]
