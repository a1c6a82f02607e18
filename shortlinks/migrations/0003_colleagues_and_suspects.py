"""What tells colleagues, suspects and tries from clients' opens (visits §2.3)."""

import django.contrib.postgres.fields
from django.db import migrations, models

import shortlinks.models.accounts


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0002_visits")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="office_networks",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    max_length=43,
                    validators=[shortlinks.models.accounts.validate_network],
                ),
                blank=True,
                db_default=[],
                default=list,
                help_text="Addresses or networks of your offices, separated by commas. What is opened from there counts as a colleague's.",
                size=50,
            ),
        ),
        migrations.AddField(
            model_name="account",
            name="suspect_policy",
            field=models.CharField(
                blank=True,
                choices=[
                    ("note", "count as a person's"),
                    ("hold", "count if the visitor comes back as a person"),
                    ("ignore", "never count"),
                ],
                db_default="",
                help_text="What becomes of opens that may be a machine's; empty: as the service is set up.",
                max_length=6,
            ),
        ),
        migrations.AddField(
            model_name="shortlink",
            name="created_from",
            field=models.GenericIPAddressField(
                editable=False,
                help_text="Masked like a visit's: whoever ordered a link may try it.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="visit",
            name="overruled_at",
            field=models.DateTimeField(
                help_text="When an administrator gave it the verdict.", null=True
            ),
        ),
        migrations.AddField(
            model_name="visit",
            name="staff",
            field=models.CharField(
                db_default="",
                help_text="How the redirect knew a colleague: `office` or `user <id>`.",
                max_length=32,
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("suspect_policy__in", ["", "note", "hold", "ignore"])
                ),
                name="account_suspect_policy_known",
            ),
        ),
    ]
