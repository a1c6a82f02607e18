"""Which contacts are one: indexes of a table that is in use."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shortlinks", "0012_chats_and_merges")]

    operations = [
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(Coalesce("merged_into", "id"), name="contact_root"),
        ),
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("merged_into__isnull", False)),
                fields=["merged_into"],
                name="contact_merged",
            ),
        ),
    ]
