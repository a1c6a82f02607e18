"""For the admin's searches and filters; concurrently, since the tables are in use.

None is on what redirects and follow-up write: the partial ones hold rare rows alone.
"""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.operations import AddIndexConcurrently, TrigramExtension
from django.db import migrations, models
from django.db.models.functions import Upper


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("shortlinks", "0022_sums_of_the_past")]

    operations = [
        TrigramExtension(),
        AddIndexConcurrently(
            model_name="contact",
            index=GinIndex(
                OpClass(Upper("name"), "gin_trgm_ops"), name="contact_name_search"
            ),
        ),
        AddIndexConcurrently(
            model_name="contact",
            index=models.Index(
                condition=models.Q(("is_deleted", True)),
                fields=["id"],
                name="contact_deleted",
            ),
        ),
        AddIndexConcurrently(
            model_name="shortlink",
            index=models.Index(
                condition=models.Q(("disabled_at__isnull", False)),
                fields=["id"],
                name="short_link_disabled",
            ),
        ),
        AddIndexConcurrently(
            model_name="note",
            index=models.Index(
                condition=models.Q(("note_type", "link_followed"), _negated=True),
                fields=["id"],
                name="note_of_no_open",
            ),
        ),
        AddIndexConcurrently(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(("state", "given up")),
                fields=["id"],
                name="delivery_given_up",
            ),
        ),
    ]
