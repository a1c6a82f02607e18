"""How far visits' details are forgotten."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0026_what_the_admin_says")]

    operations = [
        migrations.CreateModel(
            name="Watermark",
            fields=[
                (
                    "name",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("visit", models.UUIDField()),
            ],
        ),
    ]
