"""When a count changed: how far the sums are behind is told by the oldest that waits.

Old rows get the time of the migration; the trigger names its columns, so the release
that still runs writes the default.
"""

from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0031_imports")]

    operations = [
        migrations.AddField(
            model_name="countchange",
            name="created_at",
            field=models.DateTimeField(db_default=Now()),
        ),
    ]
