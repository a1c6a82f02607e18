"""A token may have a rate of its own (contract §2)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0006_visits_set_aside")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="rate",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="Requests a second; 0 is no limit, empty what the service allows.",
                null=True,
            ),
        ),
    ]
