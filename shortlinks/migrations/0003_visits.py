"""Create visits, partitioned by month of their id (docs/architecture.md)."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import shortlinks.models.ids
from django.db import migrations, models


TABLE = """
CREATE TABLE shortlinks_visit (
  id uuid NOT NULL PRIMARY KEY,
  link_id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  due_at timestamptz,
  processed_at timestamptz,
  dead_lettered_at timestamptz,
  overridden_at timestamptz,
  counted_day date,
  visit_count integer NOT NULL DEFAULT 1 CHECK (visit_count >= 0),
  attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  pixel_is_new boolean NOT NULL,
  accepts_html boolean NOT NULL DEFAULT true,
  is_mixed boolean NOT NULL DEFAULT false,
  is_redacted boolean NOT NULL DEFAULT false,
  method varchar(4) NOT NULL,
  verdict varchar(8) NOT NULL DEFAULT '',
  reason varchar(64) NOT NULL DEFAULT '',
  staff varchar(32) NOT NULL DEFAULT '',
  address inet,
  visitor_hash bytea NOT NULL,
  pixel_sha256 bytea,
  user_agent text NOT NULL,
  accept_language text NOT NULL,
  referer text NOT NULL,
  sec_fetch text NOT NULL,
  purpose text NOT NULL,
  last_error text NOT NULL DEFAULT '',
  CONSTRAINT visit_due_processed_or_dead_lettered CHECK (
    (due_at IS NOT NULL)::int + (processed_at IS NOT NULL)::int
    + (dead_lettered_at IS NOT NULL)::int = 1)
) PARTITION BY RANGE (id);

CREATE INDEX visit_due ON shortlinks_visit (due_at) WHERE due_at IS NOT NULL;
-- The others cover classified or rare rows: the insert of the redirects pays for none.
CREATE INDEX visit_by_link ON shortlinks_visit (link_id, occurred_at)
  WHERE verdict <> '';
CREATE INDEX visit_by_visitor_hash ON shortlinks_visit (visitor_hash, occurred_at)
  WHERE verdict <> '';
CREATE INDEX visit_by_staff ON shortlinks_visit (staff, occurred_at) WHERE staff <> '';
CREATE INDEX visit_dead_lettered ON shortlinks_visit (dead_lettered_at)
  WHERE dead_lettered_at IS NOT NULL;

-- Takes visits that a wrong clock dates outside all months.
CREATE TABLE shortlinks_visit_default PARTITION OF shortlinks_visit DEFAULT;
"""

PARTITIONS = """
CREATE FUNCTION shortlinks_first_uuid7(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
  SELECT rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'),
              32, '0')::uuid
$$;

-- Runs as the owner, so that the worker needs no rights to create tables.
CREATE FUNCTION shortlinks_add_visit_partition(month date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  name text := 'shortlinks_visit_' || to_char(month, 'YYYY_MM');
  since timestamptz := date_trunc('month', month::timestamp) AT TIME ZONE 'UTC';
  until timestamptz :=
    (date_trunc('month', month::timestamp) + interval '1 month') AT TIME ZONE 'UTC';
BEGIN
  IF to_regclass(name) IS NULL THEN
    EXECUTE format('CREATE TABLE %I PARTITION OF shortlinks_visit'
                   ' FOR VALUES FROM (%L) TO (%L)', name,
                   shortlinks_first_uuid7(since), shortlinks_first_uuid7(until));
  END IF;
END $$;

-- Drops the oldest partition of a month before this time, if none of its visits waits.
-- Redirects wait meanwhile, so it gives up after 200 ms.
CREATE FUNCTION shortlinks_drop_visit_partition(before timestamptz) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
SET lock_timeout = '200ms' AS $$
DECLARE
  name text;
  waits boolean;
BEGIN
  FOR name IN
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = 'shortlinks_visit'::regclass
      AND relname ~ '^shortlinks_visit_[0-9]{4}_[0-9]{2}$'
      AND (to_date(right(relname, 7), 'YYYY_MM') + interval '1 month')
          AT TIME ZONE 'UTC' <= least(before, now() - interval '7 days')
    ORDER BY relname
  LOOP
    LOCK TABLE shortlinks_visit IN ACCESS EXCLUSIVE MODE;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE due_at IS NOT NULL)', name)
      INTO waits;
    IF NOT waits THEN
      EXECUTE format('DROP TABLE %I', name);
      RETURN name;
    END IF;
  END LOOP;
  RETURN NULL;
END $$;

SELECT shortlinks_add_visit_partition((now() + make_interval(months => ahead))::date)
FROM generate_series(0, 3) AS ahead;
"""

UNDO = """
DROP TABLE shortlinks_visit;
DROP FUNCTION shortlinks_drop_visit_partition;
DROP FUNCTION shortlinks_add_visit_partition;
DROP FUNCTION shortlinks_first_uuid7;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("shortlinks", "0002_contacts_and_links"),
    ]

    operations = [
        migrations.CreateModel(
            name="DailySalt",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("key", models.BinaryField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "name",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("beat_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PublishedNetworks",
            fields=[
                (
                    "owner",
                    models.CharField(max_length=28, primary_key=True, serialize=False),
                ),
                (
                    "networks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=43),
                        default=list,
                        size=None,
                    ),
                ),
                ("checked_at", models.DateTimeField()),
                ("refreshed_at", models.DateTimeField(null=True)),
                ("last_error", models.TextField(db_default="")),
            ],
        ),
        migrations.CreateModel(
            name="ReevaluationBatch",
            fields=[
                (
                    "id",
                    shortlinks.models.ids.TimeOrderedIdField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                (
                    "visits",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(), size=None
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now()
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Watermark",
            fields=[
                (
                    "name",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("visit", models.UUIDField()),
            ],
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    sql=TABLE + PARTITIONS,
                    reverse_sql=UNDO,
                ),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Visit",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("occurred_at", models.DateTimeField(verbose_name="time")),
                        (
                            "method",
                            models.CharField(max_length=4, verbose_name="method"),
                        ),
                        ("user_agent", models.TextField(verbose_name="user agent")),
                        (
                            "accept_language",
                            models.TextField(verbose_name="browser languages"),
                        ),
                        (
                            "referer",
                            models.TextField(
                                help_text="Host of the page with the link.",
                                verbose_name="referrer",
                            ),
                        ),
                        (
                            "sec_fetch",
                            models.TextField(
                                help_text="Sec-Fetch-Site, -Mode, -Dest, -User",
                                verbose_name="Sec-Fetch headers",
                            ),
                        ),
                        (
                            "purpose",
                            models.TextField(verbose_name="prefetch headers"),
                        ),
                        (
                            "accepts_html",
                            models.BooleanField(
                                db_default=True,
                                help_text="No if the Accept header does not contain text/html.",
                                verbose_name="asked for a page",
                            ),
                        ),
                        (
                            "address",
                            models.GenericIPAddressField(
                                null=True, verbose_name="IP address"
                            ),
                        ),
                        (
                            "visitor_hash",
                            models.BinaryField(
                                help_text="Keyed hash of the full address and user agent."
                            ),
                        ),
                        ("pixel_sha256", models.BinaryField(null=True)),
                        ("pixel_is_new", models.BooleanField()),
                        (
                            "staff",
                            models.CharField(
                                db_default="",
                                help_text="How the visitor was recognized as staff: office, or user with an ID.",
                                max_length=32,
                                verbose_name="staff",
                            ),
                        ),
                        (
                            "visit_count",
                            models.PositiveIntegerField(
                                db_default=1,
                                help_text="Number of visits that this entry stands for. Beyond a limit, visits of a link from one address are counted, not stored one by one.",
                                verbose_name="visits",
                            ),
                        ),
                        (
                            "is_mixed",
                            models.BooleanField(
                                db_default=False,
                                help_text="Stands for visits of several visitors, and has the facts of none.",
                            ),
                        ),
                        (
                            "is_redacted",
                            models.BooleanField(
                                db_default=False,
                                help_text="The details were deleted, so the verdict cannot be repeated.",
                            ),
                        ),
                        (
                            "verdict",
                            models.CharField(
                                choices=[
                                    ("person", "person"),
                                    ("preview", "preview"),
                                    ("bot", "bot"),
                                    ("prefetch", "prefetch"),
                                    ("head", "HEAD request"),
                                    ("staff", "staff"),
                                    ("suspect", "uncertain"),
                                ],
                                db_default="",
                                max_length=8,
                                verbose_name="verdict",
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(
                                db_default="", max_length=64, verbose_name="reason"
                            ),
                        ),
                        (
                            "due_at",
                            models.DateTimeField(
                                null=True, verbose_name="next attempt"
                            ),
                        ),
                        (
                            "attempts",
                            models.PositiveSmallIntegerField(
                                db_default=0, verbose_name="attempts"
                            ),
                        ),
                        (
                            "last_error",
                            models.TextField(db_default="", verbose_name="last error"),
                        ),
                        (
                            "counted_day",
                            models.DateField(
                                help_text="Day of the account on which the visit is counted.",
                                null=True,
                            ),
                        ),
                        (
                            "processed_at",
                            models.DateTimeField(null=True, verbose_name="processed"),
                        ),
                        (
                            "dead_lettered_at",
                            models.DateTimeField(
                                null=True, verbose_name="processing failed"
                            ),
                        ),
                        (
                            "overridden_at",
                            models.DateTimeField(
                                help_text="When an administrator changed the verdict.",
                                null=True,
                                verbose_name="verdict changed",
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
                    options={
                        "indexes": [
                            models.Index(
                                condition=models.Q(("due_at__isnull", False)),
                                fields=["due_at"],
                                name="visit_due",
                            ),
                            models.Index(
                                condition=models.Q(("verdict", ""), _negated=True),
                                fields=["link", "occurred_at"],
                                name="visit_by_link",
                            ),
                            models.Index(
                                condition=models.Q(("verdict", ""), _negated=True),
                                fields=["visitor_hash", "occurred_at"],
                                name="visit_by_visitor_hash",
                            ),
                            models.Index(
                                condition=models.Q(("staff", ""), _negated=True),
                                fields=["staff", "occurred_at"],
                                name="visit_by_staff",
                            ),
                            models.Index(
                                condition=models.Q(("dead_lettered_at__isnull", False)),
                                fields=["dead_lettered_at"],
                                name="visit_dead_lettered",
                            ),
                        ],
                        "constraints": [
                            models.CheckConstraint(
                                condition=models.Q(
                                    models.Q(
                                        ("dead_lettered_at", None),
                                        ("due_at__isnull", False),
                                        ("processed_at", None),
                                    ),
                                    models.Q(
                                        ("dead_lettered_at", None),
                                        ("due_at", None),
                                        ("processed_at__isnull", False),
                                    ),
                                    models.Q(
                                        ("dead_lettered_at__isnull", False),
                                        ("due_at", None),
                                        ("processed_at", None),
                                    ),
                                    _connector="OR",
                                ),
                                name="visit_due_processed_or_dead_lettered",
                            )
                        ],
                        "verbose_name": "visit",
                        "verbose_name_plural": "visits",
                    },
                ),
            ],
        ),
    ]
