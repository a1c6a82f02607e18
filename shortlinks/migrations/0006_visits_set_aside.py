"""So that health and metrics need not read all visits to count those set aside."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0005_notes_move_together")]

    operations = [
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(
                condition=models.Q(("set_aside_at__isnull", False)),
                fields=["set_aside_at"],
                name="visit_set_aside",
            ),
        ),
    ]
