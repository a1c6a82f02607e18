"""Create erasures of persons, the history of consents, and retention periods."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.utils.timezone
import shortlinks.models.ids
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shortlinks', '0007_rollups'),
    ]

    operations = [
        migrations.CreateModel(
            name='ErasedIdentity',
            fields=[
                ('id', shortlinks.models.ids.TimeOrderedIdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.BinaryField(max_length=32)),
                ('erased_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('allowed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Erasure',
            fields=[
                ('id', shortlinks.models.ids.TimeOrderedIdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('contacts', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), help_text='Rows that remain, without names.', size=None)),
                ('origin', models.CharField(choices=[('api', 'API'), ('admin', 'admin'), ('command', 'command'), ('deletion', '30 days after the deletion'), ('restore', 'repeated after a restore')], max_length=8, verbose_name='requested by')),
                ('requested_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='requested')),
                ('due_at', models.DateTimeField(default=django.utils.timezone.now, null=True)),
                ('finished_at', models.DateTimeField(null=True, verbose_name='erased at')),
                ('rows', models.JSONField(default=dict, verbose_name='erased rows')),
            ],
            options={
                'verbose_name': 'erasure',
                'verbose_name_plural': 'erasures',
            },
        ),
        migrations.AddField(
            model_name='erasedidentity',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account'),
        ),
        migrations.AddField(
            model_name='erasure',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account', verbose_name='account'),
        ),
        migrations.AddField(
            model_name='erasure',
            name='requested_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddField(
            model_name='erasedidentity',
            name='erasure',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shortlinks.erasure'),
        ),
        migrations.AddIndex(
            model_name='erasure',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='erasure_due'),
        ),
        migrations.AddConstraint(
            model_name='erasure',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('due_at', None), ('finished_at__isnull', False)), models.Q(('due_at__isnull', False), ('finished_at', None)), _connector='OR'), name='erasure_due_until_finished'),
        ),
        migrations.AddConstraint(
            model_name='erasedidentity',
            constraint=models.UniqueConstraint(fields=('account', 'digest'), name='erased_identity_unique'),
        ),
        migrations.CreateModel(
            name='ConsentRecord',
            fields=[
                ('id', shortlinks.models.ids.TimeOrderedIdField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('consent', models.CharField(choices=[('unknown', 'not asked'), ('granted', 'given'), ('denied', 'refused')], max_length=7, verbose_name='tracking consent')),
                ('source', models.CharField(blank=True, help_text='Where the person answered, for example a form or a phone call.', max_length=250, verbose_name='source')),
                ('text_version', models.CharField(blank=True, help_text='Which version of your text the person read.', max_length=100, verbose_name='text version')),
                ('given_at', models.DateTimeField(verbose_name='answered')),
                ('channel', models.CharField(choices=[('api', 'API'), ('admin', 'admin'), ('import', 'import'), ('merge', 'merge'), ('undo', 'undone merge')], max_length=6, verbose_name='recorded through')),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='recorded')),
            ],
            options={
                'verbose_name': 'consent',
                'verbose_name_plural': 'consents',
            },
        ),
        migrations.AddField(
            model_name='account',
            name='browsers_days',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(7, '7 days'), (30, '30 days'), (90, '90 days'), (180, '180 days'), (365, '1 year'), (730, '2 years'), (1095, '3 years'), (1825, '5 years')], help_text='Since the browser was last seen.', null=True, verbose_name='browsers without contact'),
        ),
        migrations.AddField(
            model_name='account',
            name='chats_days',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(7, '7 days'), (30, '30 days'), (90, '90 days'), (180, '180 days'), (365, '1 year'), (730, '2 years'), (1095, '3 years'), (1825, '5 years')], help_text='Since the last report of the chat.', null=True, verbose_name='chats'),
        ),
        migrations.AddField(
            model_name='account',
            name='deliveries_days',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(7, '7 days'), (30, '30 days'), (90, '90 days'), (180, '180 days'), (365, '1 year'), (730, '2 years'), (1095, '3 years'), (1825, '5 years')], null=True, verbose_name='webhook deliveries'),
        ),
        migrations.AddField(
            model_name='account',
            name='log_days',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(90, '90 days'), (180, '180 days'), (365, '1 year'), (730, '2 years'), (1095, '3 years'), (1825, '5 years')], help_text='Sign-ins, exports and changes, and who made them.', null=True, verbose_name='security events and change history'),
        ),
        migrations.AddField(
            model_name='account',
            name='notes_days',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(7, '7 days'), (30, '30 days'), (90, '90 days'), (180, '180 days'), (365, '1 year'), (730, '2 years'), (1095, '3 years'), (1825, '5 years')], null=True, verbose_name='notes'),
        ),
        migrations.AddField(
            model_name='account',
            name='visit_details_days',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(7, '7 days'), (30, '30 days'), (90, '90 days'), (180, '180 days'), (365, '1 year'), (730, '2 years'), (1095, '3 years'), (1825, '5 years')], help_text='IP addresses, user agents and other headers. The visit and its count stay.', null=True, verbose_name='details of visits'),
        ),
        migrations.AddField(
            model_name='account',
            name='visits_days',
            field=models.PositiveSmallIntegerField(blank=True, choices=[(7, '7 days'), (30, '30 days'), (90, '90 days'), (180, '180 days'), (365, '1 year'), (730, '2 years'), (1095, '3 years'), (1825, '5 years')], help_text='Visits are deleted by whole months. Daily counts and notes stay.', null=True, verbose_name='visits'),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('visit_details_days__isnull', True), ('visit_details_days__in', [7, 30, 90, 180, 365, 730, 1095, 1825]), _connector='OR'), models.Q(('visits_days__isnull', True), ('visits_days__in', [7, 30, 90, 180, 365, 730, 1095, 1825]), _connector='OR'), models.Q(('notes_days__isnull', True), ('notes_days__in', [7, 30, 90, 180, 365, 730, 1095, 1825]), _connector='OR'), models.Q(('chats_days__isnull', True), ('chats_days__in', [7, 30, 90, 180, 365, 730, 1095, 1825]), _connector='OR'), models.Q(('browsers_days__isnull', True), ('browsers_days__in', [7, 30, 90, 180, 365, 730, 1095, 1825]), _connector='OR'), models.Q(('deliveries_days__isnull', True), ('deliveries_days__in', [7, 30, 90, 180, 365, 730, 1095, 1825]), _connector='OR'), models.Q(('log_days__isnull', True), ('log_days__in', [90, 180, 365, 730, 1095, 1825]), _connector='OR')), name='account_retention_valid'),
        ),
        migrations.AddField(
            model_name='consentrecord',
            name='contact',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shortlinks.contact', verbose_name='contact'),
        ),
        migrations.AddField(
            model_name='consentrecord',
            name='recorded_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user'),
        ),
        migrations.AddConstraint(
            model_name='consentrecord',
            constraint=models.CheckConstraint(condition=models.Q(('consent__in', ['unknown', 'granted', 'denied'])), name='consent_record_valid'),
        ),
        migrations.AddIndex(
            model_name='note',
            index=models.Index(condition=models.Q(('note_type', 'link_followed'), _negated=True), fields=['account', 'created_at'], name='note_by_age'),
        ),
    ]
