"""Create erasures of persons, and the ids that must not come back."""

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
    ]
