"""Customers' sites and short domains, and the clicks that sites redeem (ADR 17)."""

import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
import shortlinks.models.sites
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shortlinks', '0013_contacts_that_are_one'),
    ]

    operations = [
        migrations.AlterField(
            model_name='pixelattachment',
            name='evidence',
            field=models.CharField(choices=[('click', "opened the contact's link"), ('click_redeemed', "opened the contact's link and went on to a site"), ('manual', 'attached by hand')], max_length=16),
        ),
        migrations.CreateModel(
            name='ConnectedSite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(help_text='As browsers say it: https://shop.example, with the port if it has one of its own. www.shop.example is another.', max_length=270)),
                ('site_key', models.CharField(default=shortlinks.models.sites.new_site_key, editable=False, max_length=24, unique=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'origin'), name='connected_site_once')],
            },
        ),
        migrations.CreateModel(
            name='Redemption',
            fields=[
                ('visit_id', models.UUIDField(primary_key=True, serialize=False)),
                ('visitor_uid', models.CharField(help_text="What the site's page goes by from now on.", max_length=26)),
                ('kept_sha256', models.BinaryField(help_text="Of the browser that the page knew, if it is not the visit's.", max_length=32, null=True)),
                ('attempt', models.UUIDField(help_text='One that is written twice is one.')),
                ('redeemed_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('gesture_at', models.DateTimeField(help_text='When a pointer, key or touch was felt on the page.', null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account')),
                ('contact', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shortlinks.contact')),
            ],
            options={
                'indexes': [models.Index(fields=['account', 'visitor_uid', 'redeemed_at'], name='redemption_of_browser'), models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='redemption_due')],
            },
        ),
        migrations.CreateModel(
            name='ShortDomain',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('host', models.CharField(help_text='For example go.shop.example; points to this service.', max_length=253)),
                ('cookie_domain', models.CharField(blank=True, help_text='For example shop.example: its server then reads the cookie of the browser. Empty: the cookie stays on the short domain.', max_length=253)),
                ('challenge', models.CharField(default=shortlinks.models.sites.new_challenge, editable=False, max_length=32)),
                ('verified_at', models.DateTimeField(editable=False, null=True)),
                ('is_primary', models.BooleanField(default=False, help_text='New links have this host.', verbose_name='of new links')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('account', 'host'), name='short_domain_once', violation_error_message='The account has this domain already.'), models.UniqueConstraint(condition=models.Q(('verified_at__isnull', False)), fields=('host',), name='short_domain_is_ones', violation_error_message="This domain is another account's."), models.UniqueConstraint(condition=models.Q(('is_primary', True)), fields=('account',), name='short_domain_one_primary', violation_error_message='Another domain is that of new links.')],
            },
        ),
    ]
