"""Sums of the daily counts, and the trigger that tells what changed of them (ADR 28).

The trigger works for the release that runs meanwhile, too; so what is counted while
0022 sums the past is neither missed nor summed twice.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION shortlinks_tell_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO shortlinks_countchange (links, days, verdicts, visits)
    SELECT array_agg(link_id), array_agg(day), array_agg(verdict), array_agg(visits)
    FROM now_counted HAVING count(*) > 0;
  ELSE
    INSERT INTO shortlinks_countchange (links, days, verdicts, visits)
    SELECT array_agg(link_id), array_agg(day), array_agg(verdict),
           array_agg(n.visits - b.visits)
    FROM now_counted AS n JOIN counted_before AS b USING (link_id, day, verdict)
    HAVING count(*) > 0;
  END IF;
  RETURN NULL;
END $$;

-- Whoever changes the sums takes turns with all others.
CREATE FUNCTION shortlinks_lock_sums() RETURNS void LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('shortlinks sums', 0))
$$;

-- The latest open of these links, as the counts have it now.
CREATE FUNCTION shortlinks_sum_last_opens(first bigint, last bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM shortlinks_lock_sums();
  INSERT INTO shortlinks_lastopen AS known (link_id, day)
  SELECT link_id, max(day) FILTER (WHERE visits > 0) FROM shortlinks_dailyvisits
  WHERE link_id BETWEEN first AND last AND verdict = 'person'
  GROUP BY link_id
  ON CONFLICT (link_id) DO UPDATE SET day = excluded.day
    WHERE known.day IS DISTINCT FROM excluded.day;
END $$;

-- The sums of a day: the counts without the changes that are still to be summed.
CREATE FUNCTION shortlinks_sum_day(asked date) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM shortlinks_lock_sums();
  DELETE FROM shortlinks_accountday WHERE day = asked;
  DELETE FROM shortlinks_urlday WHERE day = asked;
  WITH cell AS MATERIALIZED (
    SELECT link_id, verdict, visits, true AS is_counted
    FROM shortlinks_dailyvisits WHERE day = asked
    UNION ALL
    SELECT c.link_id, c.verdict, -c.visits, false FROM shortlinks_countchange AS change
    CROSS JOIN unnest(change.links, change.days, change.verdicts, change.visits)
      AS c (link_id, day, verdict, visits)
    WHERE c.day = asked),
  by_verdict AS (
    INSERT INTO shortlinks_accountday (account_id, day, verdict, visits)
    SELECT link.account_id, asked, verdict, sum(visits)
    FROM cell JOIN shortlinks_shortlink AS link ON link.id = cell.link_id
    GROUP BY 1, 3)
  INSERT INTO shortlinks_urlday (account_id, day, url_sha256, opens, lasts, link_id)
  SELECT link.account_id, asked, link.url_sha256, sum(visits),
         count(*) FILTER (WHERE is_counted AND latest.day = asked), max(link.id)
  FROM cell JOIN shortlinks_shortlink AS link ON link.id = cell.link_id
  LEFT JOIN shortlinks_lastopen AS latest ON latest.link_id = cell.link_id
  WHERE verdict = 'person' GROUP BY 1, 3;
END $$;
"""
TRIGGERS = """
CREATE TRIGGER counts_inserted AFTER INSERT ON shortlinks_dailyvisits
REFERENCING NEW TABLE AS now_counted
FOR EACH STATEMENT EXECUTE FUNCTION shortlinks_tell_counts();

CREATE TRIGGER counts_updated AFTER UPDATE ON shortlinks_dailyvisits
REFERENCING OLD TABLE AS counted_before NEW TABLE AS now_counted
FOR EACH STATEMENT EXECUTE FUNCTION shortlinks_tell_counts();
"""
UNDO_FUNCTIONS = """
DROP FUNCTION shortlinks_sum_day;
DROP FUNCTION shortlinks_sum_last_opens;
DROP FUNCTION shortlinks_lock_sums;
DROP FUNCTION shortlinks_tell_counts;
"""
UNDO_TRIGGERS = """
DROP TRIGGER counts_updated ON shortlinks_dailyvisits;
DROP TRIGGER counts_inserted ON shortlinks_dailyvisits;
"""


class Migration(migrations.Migration):
    dependencies = [("shortlinks", "0020_daily_visits_by_day")]

    operations = [
        migrations.CreateModel(
            name="CountChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "links",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField()
                    ),
                ),
                (
                    "days",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.DateField()
                    ),
                ),
                (
                    "verdicts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField()
                    ),
                ),
                (
                    "visits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField()
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="LastOpen",
            fields=[
                (
                    "link",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="shortlinks.shortlink",
                    ),
                ),
                ("day", models.DateField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AccountDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "day",
                        "verdict",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("verdict", models.CharField(max_length=8)),
                ("visits", models.BigIntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="UrlDay",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "account_id",
                        "day",
                        "url_sha256",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("day", models.DateField()),
                ("url_sha256", models.BinaryField(max_length=32)),
                ("opens", models.IntegerField()),
                ("lasts", models.IntegerField()),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="shortlinks.account",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="shortlinks.shortlink",
                    ),
                ),
            ],
        ),
        migrations.RunSQL(FUNCTIONS, UNDO_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, UNDO_TRIGGERS),
    ]
