"""Whose browsers may be recognised: by the account, and by the person (pixel §1.3)."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0007_token_rate")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="pixel_mode",
            field=models.CharField(
                choices=[
                    ("on", "all but those who object"),
                    ("consent_only", "only those who agreed"),
                    ("off", "nobody's"),
                ],
                db_default="on",
                help_text="Whose browsers get a pixel when they open a link.",
                max_length=12,
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="tracking_consent",
            field=models.CharField(
                choices=[
                    ("unknown", "has not said"),
                    ("granted", "agrees"),
                    ("denied", "objects"),
                ],
                db_default="unknown",
                help_text="Whether the browsers that open this contact's links may be recognised; an objection forgets those that were.",
                max_length=7,
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=Q(("pixel_mode__in", ["on", "consent_only", "off"])),
                name="account_pixel_mode_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="contact",
            constraint=models.CheckConstraint(
                condition=Q(("tracking_consent__in", ["unknown", "granted", "denied"])),
                name="contact_tracking_consent_known",
            ),
        ),
    ]
