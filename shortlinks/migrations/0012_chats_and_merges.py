"""Chats, and contacts that become one with others (pixel R0-R14, ADR 18)."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('shortlinks', '0011_webhooks'),
    ]

    operations = [
        migrations.CreateModel(
            name='Chat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('source', models.CharField(max_length=64)),
                ('external_id', models.CharField(max_length=255)),
                ('title', models.CharField(blank=True, max_length=250)),
                ('visitor_uid', models.CharField(blank=True, max_length=26)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rule', models.CharField(choices=[('R3', "a chat in the contact's browser"), ('R4', "a known contact's chat in the browser of another"), ('R5', 'one browser opened links of both'), ('R6', 'a chat in a browser of several contacts'), ('R7', 'the link may have been forwarded'), ('R8', 'too many merges in a day'), ('manual', 'by hand')], max_length=6)),
                ('evidence', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('applied', 'applied'), ('undone', 'undone')], default='applied', max_length=7)),
                ('key', models.BinaryField(help_text='Of the event: none makes two merges.', max_length=32)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('undone_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='MergeCheck',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempts', models.PositiveSmallIntegerField(db_default=0)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
        ),
        migrations.CreateModel(
            name='MergeItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('column', models.CharField(max_length=32)),
                ('before', models.JSONField(null=True)),
                ('after', models.JSONField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='MergeSuggestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('rule', models.CharField(choices=[('R3', "a chat in the contact's browser"), ('R4', "a known contact's chat in the browser of another"), ('R5', 'one browser opened links of both'), ('R6', 'a chat in a browser of several contacts'), ('R7', 'the link may have been forwarded'), ('R8', 'too many merges in a day'), ('manual', 'by hand')], max_length=6)),
                ('evidence', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('open', 'open'), ('accepted', 'accepted'), ('rejected', 'rejected')], default='open', max_length=8)),
                ('decided_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SeparatePair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.AddField(
            model_name='account',
            name='contact_browsers',
            field=models.PositiveSmallIntegerField(db_default=5, help_text='Browsers that one contact may have within 30 days.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)]),
        ),
        migrations.AddField(
            model_name='account',
            name='link_browsers',
            field=models.PositiveSmallIntegerField(db_default=2, help_text="Browsers of one link that may be the client's; what opens it after them got the link passed on.", validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(100)]),
        ),
        migrations.AddField(
            model_name='account',
            name='merge_mode',
            field=models.CharField(choices=[('off', 'nothing'), ('suggest', 'a suggestion'), ('auto', 'the chat joins the contact')], db_default='auto', help_text="What follows when a browser that opened a contact's link chats.", max_length=7),
        ),
        migrations.AddField(
            model_name='contact',
            name='is_anonymous',
            field=models.BooleanField(db_default=False, editable=False, help_text='Made for a chat; nobody knows yet who it is.'),
        ),
        migrations.AddField(
            model_name='contact',
            name='merged_into',
            field=models.ForeignKey(db_index=False, editable=False, help_text='The contact it is one with; never one that is merged itself.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merged', to='shortlinks.contact'),
        ),
        migrations.AddField(
            model_name='pixel',
            name='quarantined_at',
            field=models.DateTimeField(editable=False, help_text="Several people's browser: nothing is concluded from it any more.", null=True),
        ),
        migrations.AddField(
            model_name='pixelattachment',
            name='standing',
            field=models.CharField(blank=True, choices=[('', 'nothing'), ('vouched', 'this is the client'), ('revoked', 'this is not the client')], db_default='', max_length=7),
        ),
        migrations.AlterField(
            model_name='note',
            name='note_type',
            field=models.CharField(choices=[('link_followed', 'link opened'), ('common', 'text'), ('service_message', 'what the service did')], max_length=16),
        ),
        migrations.AddConstraint(
            model_name='account',
            constraint=models.CheckConstraint(condition=models.Q(('merge_mode__in', ['off', 'suggest', 'auto'])), name='account_merge_mode_known'),
        ),
        migrations.AddConstraint(
            model_name='contact',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into', None), models.Q(('merged_into', models.F('pk')), _negated=True), _connector='OR'), name='contact_merged_into_another'),
        ),
        migrations.AddField(
            model_name='chat',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account'),
        ),
        migrations.AddField(
            model_name='chat',
            name='contact',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shortlinks.contact'),
        ),
        migrations.AddField(
            model_name='chat',
            name='created_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='merge',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account'),
        ),
        migrations.AddField(
            model_name='merge',
            name='created_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='merge',
            name='loser',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shortlinks.contact'),
        ),
        migrations.AddField(
            model_name='merge',
            name='survivor',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shortlinks.contact'),
        ),
        migrations.AddField(
            model_name='merge',
            name='undone_by',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='mergecheck',
            name='attachment',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, to='shortlinks.pixelattachment'),
        ),
        migrations.AddField(
            model_name='mergecheck',
            name='chat',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, to='shortlinks.chat'),
        ),
        migrations.AddField(
            model_name='mergeitem',
            name='contact',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shortlinks.contact'),
        ),
        migrations.AddField(
            model_name='mergeitem',
            name='merge',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='items', to='shortlinks.merge'),
        ),
        migrations.AddField(
            model_name='mergesuggestion',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account'),
        ),
        migrations.AddField(
            model_name='mergesuggestion',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='mergesuggestion',
            name='merge',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to='shortlinks.merge'),
        ),
        migrations.AddField(
            model_name='mergesuggestion',
            name='one',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shortlinks.contact'),
        ),
        migrations.AddField(
            model_name='mergesuggestion',
            name='other',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shortlinks.contact'),
        ),
        migrations.AddField(
            model_name='separatepair',
            name='account',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='shortlinks.account'),
        ),
        migrations.AddField(
            model_name='separatepair',
            name='created_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='separatepair',
            name='one',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shortlinks.contact'),
        ),
        migrations.AddField(
            model_name='separatepair',
            name='other',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='shortlinks.contact'),
        ),
        migrations.AddIndex(
            model_name='chat',
            index=models.Index(condition=models.Q(('visitor_uid', ''), _negated=True), fields=['account', 'visitor_uid'], name='chat_of_visitor'),
        ),
        migrations.AddConstraint(
            model_name='chat',
            constraint=models.UniqueConstraint(fields=('account', 'source', 'external_id'), name='chat_external_id'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.UniqueConstraint(fields=('account', 'key'), name='merge_once'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'applied')), fields=('loser',), name='merge_of_loser'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(('survivor', models.F('loser')), _negated=True), name='merge_of_two'),
        ),
        migrations.AddIndex(
            model_name='mergecheck',
            index=models.Index(fields=['due_at'], name='merge_check_due'),
        ),
        migrations.AddConstraint(
            model_name='mergecheck',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('attachment', None), ('chat__isnull', False)), models.Q(('attachment__isnull', False), ('chat', None)), _connector='OR'), name='merge_check_of_one'),
        ),
        migrations.AddConstraint(
            model_name='mergesuggestion',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('one', 'other'), name='merge_suggestion_open_once'),
        ),
        migrations.AddConstraint(
            model_name='mergesuggestion',
            constraint=models.CheckConstraint(condition=models.Q(('one__lt', models.F('other'))), name='merge_suggestion_in_order'),
        ),
        migrations.AddConstraint(
            model_name='separatepair',
            constraint=models.UniqueConstraint(fields=('one', 'other'), name='separate_pair_once'),
        ),
        migrations.AddConstraint(
            model_name='separatepair',
            constraint=models.CheckConstraint(condition=models.Q(('one__lt', models.F('other'))), name='separate_pair_in_order'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='settings',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(choices=[('note_contact', 'a note on a contact'), ('merge_contact', 'two contacts became one'), ('undo_merge_contact', 'a merge was undone'), ('suggest_merge_contact', 'two contacts may be one')], max_length=32), size=None),
        ),
        migrations.AlterField(
            model_name='webhookdelivery',
            name='event',
            field=models.CharField(choices=[('note_contact', 'a note on a contact'), ('merge_contact', 'two contacts became one'), ('undo_merge_contact', 'a merge was undone'), ('suggest_merge_contact', 'two contacts may be one')], max_length=32),
        ),
    ]
