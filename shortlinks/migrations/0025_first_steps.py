from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0023_lists_and_searches")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="first_steps_closed_at",
            field=models.DateTimeField(editable=False, null=True),
        )
    ]
