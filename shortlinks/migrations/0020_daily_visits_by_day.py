from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """For the administrators' start page, which asks by period."""

    atomic = False
    dependencies = [("shortlinks", "0014_sites")]

    operations = [
        AddIndexConcurrently(
            model_name="dailyvisits",
            index=models.Index(fields=["day"], name="daily_visits_by_day"),
        ),
    ]
