"""Indexes by which notes are written anew and bursts are found.

Not concurrently: no release with a big table is out yet, and a partitioned table's
index cannot be made so in one statement.
"""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0003_colleagues_and_suspects")]

    operations = [
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(
                condition=~Q(verdict=""),
                fields=["link", "occurred_at"],
                name="visit_of_link",
            ),
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(
                condition=~Q(verdict=""),
                fields=["source", "occurred_at"],
                name="visit_of_source",
            ),
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(
                condition=~Q(staff=""),
                fields=["staff", "occurred_at"],
                name="visit_of_staff",
            ),
        ),
    ]
