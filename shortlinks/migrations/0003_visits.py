"""Create visits, partitioned by month of their id (docs/architecture.md)."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
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
  attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  pixel_is_new boolean NOT NULL,
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

CREATE FUNCTION shortlinks_add_visit_partition(month date) RETURNS void
LANGUAGE plpgsql AS $$
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

SELECT shortlinks_add_visit_partition((now() + make_interval(months => ahead))::date)
FROM generate_series(0, 3) AS ahead;
"""

UNDO = """
DROP TABLE shortlinks_visit;
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
            name="ReevaluationBatch",
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
                        ("occurred_at", models.DateTimeField()),
                        ("method", models.CharField(max_length=4)),
                        ("user_agent", models.TextField()),
                        ("accept_language", models.TextField()),
                        (
                            "referer",
                            models.TextField(
                                help_text="The host of the page with the link."
                            ),
                        ),
                        (
                            "sec_fetch",
                            models.TextField(
                                help_text="Sec-Fetch-Site, -Mode, -Dest and -User."
                            ),
                        ),
                        (
                            "purpose",
                            models.TextField(
                                help_text="Headers of a prefetch or preview."
                            ),
                        ),
                        ("address", models.GenericIPAddressField(null=True)),
                        (
                            "visitor_hash",
                            models.BinaryField(
                                help_text="Keyed hash of whole address and agent."
                            ),
                        ),
                        ("pixel_sha256", models.BinaryField(null=True)),
                        ("pixel_is_new", models.BooleanField()),
                        (
                            "staff",
                            models.CharField(
                                db_default="",
                                help_text="How the redirect knew a colleague: office, or user and an id.",
                                max_length=32,
                            ),
                        ),
                        (
                            "verdict",
                            models.CharField(
                                choices=[
                                    ("person", "Person"),
                                    ("preview", "Preview"),
                                    ("bot", "Bot"),
                                    ("scanner", "Scanner"),
                                    ("prefetch", "Prefetch"),
                                    ("head", "Head"),
                                    ("staff", "Staff"),
                                    ("suspect", "Suspect"),
                                ],
                                db_default="",
                                max_length=8,
                            ),
                        ),
                        ("reason", models.CharField(db_default="", max_length=64)),
                        ("due_at", models.DateTimeField(null=True)),
                        ("attempts", models.PositiveSmallIntegerField(db_default=0)),
                        ("last_error", models.TextField(db_default="")),
                        (
                            "counted_day",
                            models.DateField(
                                help_text="The account's day in whose count it is.",
                                null=True,
                            ),
                        ),
                        ("processed_at", models.DateTimeField(null=True)),
                        ("dead_lettered_at", models.DateTimeField(null=True)),
                        (
                            "overridden_at",
                            models.DateTimeField(
                                help_text="When an administrator gave it the verdict.",
                                null=True,
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
                    },
                ),
            ],
        ),
    ]
