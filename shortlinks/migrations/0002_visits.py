"""Visits, partitioned by month of their id (DESIGN 5)."""

import django.db.models.deletion
from django.db import migrations, models

TABLE = """
CREATE TABLE shortlinks_visit (
  id uuid NOT NULL PRIMARY KEY,
  link_id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  due_at timestamptz,
  followed_up_at timestamptz,
  set_aside_at timestamptz,
  attempts smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  pixel_is_new boolean NOT NULL,
  method varchar(4) NOT NULL,
  verdict varchar(8) NOT NULL DEFAULT '',
  reason varchar(64) NOT NULL DEFAULT '',
  address inet,
  source bytea NOT NULL,
  pixel_sha256 bytea,
  user_agent text NOT NULL,
  accept_language text NOT NULL,
  referer text NOT NULL,
  sec_fetch text NOT NULL,
  purpose text NOT NULL,
  last_error text NOT NULL DEFAULT '',
  CONSTRAINT visit_due_followed_up_or_set_aside CHECK (
    (due_at IS NOT NULL)::int + (followed_up_at IS NOT NULL)::int
    + (set_aside_at IS NOT NULL)::int = 1)
) PARTITION BY RANGE (id);
CREATE INDEX visit_due ON shortlinks_visit (due_at) WHERE due_at IS NOT NULL;
-- Takes what a wrong clock dates outside of all months.
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
    dependencies = [("shortlinks", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(TABLE + PARTITIONS, UNDO)],
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
                            "source",
                            models.BinaryField(
                                help_text="Keyed hash of whole address and agent."
                            ),
                        ),
                        ("pixel_sha256", models.BinaryField(null=True)),
                        ("pixel_is_new", models.BooleanField()),
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
                        ("followed_up_at", models.DateTimeField(null=True)),
                        ("set_aside_at", models.DateTimeField(null=True)),
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
                migrations.AddIndex(
                    model_name="visit",
                    index=models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="visit_due",
                    ),
                ),
                migrations.AddConstraint(
                    model_name="visit",
                    constraint=models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("due_at__isnull", False),
                                ("followed_up_at", None),
                                ("set_aside_at", None),
                            ),
                            models.Q(
                                ("due_at", None),
                                ("followed_up_at__isnull", False),
                                ("set_aside_at", None),
                            ),
                            models.Q(
                                ("due_at", None),
                                ("followed_up_at", None),
                                ("set_aside_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="visit_due_followed_up_or_set_aside",
                    ),
                ),
            ],
        ),
    ]
